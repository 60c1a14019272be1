import type { Schema } from './document.js'
import type { Rule } from './rules.js'

type Keywords = (...constraints: never[]) => Schema

const string = { type: 'string' } as const
const number = { type: 'number' } as const
const array = { type: 'array' } as const

/** Rules for text that no keyword can say. */
const texts = [
  ...['isBIC', 'isBase32', 'isBase58', 'isBtcAddress', 'isByteLength', 'isCreditCard', 'isCurrency', 'isDataURI'],
  ...['isDecimal', 'isEAN', 'isEthereumAddress', 'IsFirebasePushId', 'isFullWidth', 'isHSL', 'isHalfWidth', 'isHash'],
  ...['isIBAN', 'isISO31661Alpha2', 'isISO31661Alpha3', 'isISO31661Numeric', 'isISO4217CurrencyCode', 'isISO6391'],
  ...['isISRC', 'isISSN', 'isIdentityCard', 'isIsbn', 'isIsin', 'isJwt', 'isLatLong', 'isLocale', 'isLowercase'],
  ...['isMacAddress', 'isMagnetURI', 'isMimeType', 'isMobilePhone', 'isMultibyte', 'isOctal', 'isPassportNumber'],
  ...['isPhoneNumber', 'isPostalCode', 'isRgbColor', 'isSemVer', 'isStrongPassword', 'isSurrogatePair', 'isTaxId'],
  ...['isTimeZone', 'isUppercase', 'isVariableWidth'],
]

/**
 * The rules of class-validator as keywords of JSON Schema. What the keywords let through, the rule lets through too, as
 * far as a keyword can say it. A rule that is missing here is checked all the same, and no document tells of it.
 */
const keywords: Record<string, Keywords> = {
  // Any value
  equals: (value: unknown) => ({ const: value }),
  notEquals: (value: unknown) => ({ not: { const: value } }),
  isIn: (values: unknown[]) => ({ enum: [...values] }),
  isNotIn: (values: unknown[]) => ({ not: { enum: [...values] } }),
  isEnum: (entity: object) => ({ enum: enumValues(entity) }),
  isEmpty: () => ({ enum: ['', null] }),
  isNotEmpty: () => ({ minLength: 1 }),
  isBoolean: () => ({ type: 'boolean' }),
  isDate: () => ({ ...string, format: 'date-time' }),
  minDate: () => ({ ...string, format: 'date-time' }),
  maxDate: () => ({ ...string, format: 'date-time' }),
  isObject: () => ({ type: 'object' }),
  isNotEmptyObject: () => ({ type: 'object', minProperties: 1 }),

  // Numbers
  isNumber: () => number,
  isInt: () => ({ type: 'integer' }),
  min: (least: number) => ({ ...number, minimum: least }),
  max: (most: number) => ({ ...number, maximum: most }),
  isPositive: () => ({ ...number, exclusiveMinimum: 0 }),
  isNegative: () => ({ ...number, exclusiveMaximum: 0 }),
  isDivisibleBy: (divisor: number) => (divisor >= 1 ? { ...number, multipleOf: Math.trunc(divisor) } : number),
  isLatitude: () => ({ ...number, minimum: -90, maximum: 90 }),
  isLongitude: () => ({ ...number, minimum: -180, maximum: 180 }),

  // Text
  isString: () => string,
  minLength: (least: number) => ({ ...string, minLength: least }),
  maxLength: (most: number) => ({ ...string, maxLength: most }),
  isLength: (least: number, most?: number) => ({
    ...string,
    ...(least > 0 ? { minLength: least } : {}),
    ...(most === undefined ? {} : { maxLength: most }),
  }),
  matches: (expression: RegExp | string, modifiers?: string) => patternOf(expression, modifiers),
  contains: (part: string) => ({ ...string, pattern: escaped(part) }),
  notContains: (part: string) => ({ ...string, not: { pattern: escaped(part) } }),
  isAlpha: (locale?: string) => latin(locale, '^[A-Za-z]+$'),
  isAlphanumeric: (locale?: string) => latin(locale, '^[0-9A-Za-z]+$'),
  isAscii: () => ({ ...string, pattern: '^[\\x00-\\x7F]+$' }),
  isHexadecimal: () => ({ ...string, pattern: '^(0[xXhH])?[0-9A-Fa-f]+$' }),
  isHexColor: () => ({ ...string, pattern: '^#?([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$' }),
  isMongoId: () => ({ ...string, pattern: '^[0-9A-Fa-f]{24}$' }),
  isMilitaryTime: () => ({ ...string, pattern: '^([01]\\d|2[0-3]):?([0-5]\\d)$' }),
  isNumberString: () => ({ ...string, pattern: '^[+-]?([0-9]*\\.)?[0-9]+$' }),
  isBooleanString: () => ({ enum: ['true', 'false', '1', '0'] }),
  isJson: () => ({ ...string, contentMediaType: 'application/json' }),
  isBase64: () => ({ ...string, contentEncoding: 'base64' }),
  isEmail: () => ({ ...string, format: 'email' }),
  isUuid: (version?: unknown) => ({
    ...string,
    format: 'uuid',
    ...(/^[1-8]$/.test(String(version)) ? { pattern: `^.{14}${version}.{4}[89ABab]` } : {}),
  }),
  isFqdn: () => ({ ...string, format: 'hostname' }),
  isUrl: ({ require_protocol }: { require_protocol?: boolean } = {}) =>
    require_protocol ? { ...string, format: 'uri' } : string,
  isIp: (version?: unknown) => ipOf(String(version ?? '')),
  isIso8601: () => ({ ...string, format: 'date-time' }),
  isDateString: () => ({ ...string, format: 'date-time' }),
  isRFC3339: () => ({ ...string, format: 'date-time' }),
  isPort: () => ({
    ...string,
    pattern: '^(0|[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])$',
  }),
  ...Object.fromEntries(texts.map(name => [name, () => string])),

  // Arrays
  isArray: () => array,
  arrayMinSize: (least: number) => ({ ...array, minItems: least }),
  arrayMaxSize: (most: number) => ({ ...array, maxItems: most }),
  arrayNotEmpty: () => ({ ...array, minItems: 1 }),
  arrayUnique: (identifier?: unknown) => (identifier === undefined ? { ...array, uniqueItems: true } : array),
  arrayContains: (values: unknown[]) => ({ ...array, allOf: values.map(value => ({ contains: { const: value } })) }),
  arrayNotContains: (values: unknown[]) => ({ ...array, items: { not: { enum: [...values] } } }),
}

/** What a rule says in keywords; nothing of a rule that has none. */
export function keywordsOf({ name, constraints }: Rule): Schema {
  const say = Object.hasOwn(keywords, name) ? keywords[name] : undefined
  return say === undefined ? {} : say(...(constraints as never[]))
}

/** All of the schemas in one: what they say of the same keyword must hold at once. */
export function together(schemas: readonly Schema[]): Schema {
  const all: Schema = {}
  const apart: Schema[] = []
  for (const schema of schemas) {
    for (const [keyword, value] of Object.entries(schema)) {
      if (!(keyword in all)) all[keyword] = value
      else if (keyword === 'type' && isNumeric(all.type) && isNumeric(value)) all.type = narrower(all.type, value)
      else if (keyword === 'minimum' || keyword === 'minLength' || keyword === 'minItems')
        all[keyword] = Math.max(all[keyword] as number, value as number)
      else if (keyword === 'maximum' || keyword === 'maxLength' || keyword === 'maxItems')
        all[keyword] = Math.min(all[keyword] as number, value as number)
      else if (keyword === 'allOf') all.allOf = [...(all.allOf as Schema[]), ...(value as Schema[])]
      else if (JSON.stringify(all[keyword]) !== JSON.stringify(value)) apart.push({ [keyword]: value })
    }
  }
  return apart.length === 0 ? all : { ...all, allOf: [...((all.allOf as Schema[] | undefined) ?? []), ...apart] }
}

function isNumeric(type: unknown): boolean {
  return type === 'number' || type === 'integer'
}

function narrower(one: unknown, other: unknown): unknown {
  return one === other ? one : 'integer'
}

/** The values of a TypeScript enum, without the names that a numeric one has for them. */
function enumValues(entity: object): unknown[] {
  const values = Object.entries(entity)
    .filter(([name]) => !/^-?\d/.test(name))
    .map(([, value]) => value)
  return [...new Set(values)]
}

/** The flags i, m and s change what an expression means, and a pattern has none: then none is said. */
function patternOf(expression: RegExp | string, modifiers?: string): Schema {
  const { source, flags } = expression instanceof RegExp ? expression : { source: expression, flags: modifiers ?? '' }
  return /[imsv]/.test(flags) ? string : { ...string, pattern: source }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function latin(locale: string | undefined, pattern: string): Schema {
  return locale === undefined || locale === 'en-US' ? { ...string, pattern } : string
}

function ipOf(version: string): Schema {
  if (version === '4' || version === '6') return { ...string, format: `ipv${version}` }
  return { ...string, anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] }
}
