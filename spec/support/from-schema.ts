import * as fc from 'fast-check'
import type { Schema } from 'okapi'
import type { Contract } from './contract.js'

/** How deep a schema that contains itself is followed. */
const DEPTH = 4

/** Any value that a schema of a document lets through. */
export function fromSchema(contract: Contract, schema: Schema): fc.Arbitrary<unknown> {
  return madeFor(contract, schema, 0)
}

function madeFor(contract: Contract, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const known = contract.resolve(schema)
  // What is not made to measure is sorted out.
  const loose = ['not', 'allOf', 'uniqueItems', 'multipleOf', 'pattern', 'minProperties'].some(one => one in known)
  const made = madeOf(contract, known, depth)
  return loose ? made.filter(value => contract.faults(known, value).length === 0) : made
}

function madeOf(contract: Contract, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const { const: constant, enum: values, type } = schema
  const either = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if ('const' in schema) return fc.constant(constant)
  if (Array.isArray(values)) return fc.constantFrom(...values)
  if (either) {
    const { anyOf: _, oneOf: __, ...rest } = schema
    return fc.oneof(...either.map(one => madeFor(contract, { ...rest, ...one }, depth)))
  }
  if (Array.isArray(type)) return fc.oneof(...type.map(one => typed(contract, { ...schema, type: one }, depth)))
  return typed(contract, schema, depth)
}

function typed(contract: Contract, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integer(schema)
    case 'number':
      return number(schema)
    case 'string':
      return text(schema)
    case 'array':
      return array(contract, schema, depth)
    case 'object':
      return object(contract, schema, depth)
    default:
      return fc.jsonValue({ maxDepth: 1 }).filter(isComparable)
  }
}

/** Whether Ajv can compare a value with others: it calls a `toString` or `valueOf` that a value has, whatever it is. */
function isComparable(value: unknown): boolean {
  return !/"(toString|valueOf)":/.test(JSON.stringify(value))
}

function integer({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf = 1 }: Schema) {
  const step = multipleOf as number
  const least = (minimum ?? ((exclusiveMinimum as number | undefined) ?? -1001) + 1) as number
  const most = (maximum ?? ((exclusiveMaximum as number | undefined) ?? 1001) - 1) as number
  return fc.integer({ min: Math.ceil(least / step), max: Math.floor(Math.max(least, most) / step) }).map(n => n * step)
}

function number(schema: Schema): fc.Arbitrary<number> {
  if ('multipleOf' in schema) return integer(schema)
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<string, number | undefined>
  const min = minimum ?? exclusiveMinimum ?? -1e6
  const max = maximum ?? exclusiveMaximum ?? Math.max(min, 1e6)
  return fc
    .double({ min, max, noNaN: true, minExcluded: exclusiveMinimum === min, maxExcluded: exclusiveMaximum === max })
    .map(value => Math.round(value * 1_000) / 1_000 + 0)
    .filter(value => value >= min && value <= max && value !== exclusiveMinimum && value !== exclusiveMaximum)
}

function text({
  format,
  pattern,
  minLength,
  maxLength,
  contentEncoding,
  contentMediaType,
}: Schema): fc.Arbitrary<string> {
  const known = formats[format as string]
  if (known) return known()
  if (contentEncoding === 'base64') return fc.base64String({ minLength: 4 })
  if (contentMediaType === 'application/json') return fc.json({ maxDepth: 1 }).filter(json => /^[[{]/.test(json))
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern))
  const min = (minLength ?? 0) as number
  return fc.string({ minLength: min, maxLength: (maxLength ?? min + 20) as number })
}

const formats: Record<string, () => fc.Arbitrary<string>> = {
  'date-time': () =>
    fc.date({ min: new Date(0), max: new Date('2999-12-31'), noInvalidDate: true }).map(date => date.toISOString()),
  email: () => fc.emailAddress({ size: 'small' }),
  hostname: () => fc.domain(),
  ipv4: () => fc.ipV4(),
  ipv6: () => fc.ipV6().filter(address => !address.includes('.')),
  uri: () => fc.webUrl(),
  uuid: () => fc.uuid(),
}

function array(contract: Contract, { items = {}, minItems, maxItems, uniqueItems }: Schema, depth: number) {
  const min = (minItems ?? 0) as number
  const item = madeFor(contract, items as Schema, depth + 1)
  const range = { minLength: min, maxLength: Math.min((maxItems ?? 5) as number, depth > DEPTH ? min : min + 3) }
  return uniqueItems === true
    ? fc.uniqueArray(item, { ...range, comparator: (one, other) => JSON.stringify(one) === JSON.stringify(other) })
    : fc.array(item, range)
}

function object(contract: Contract, { properties, required = [], minProperties = 0 }: Schema, depth: number) {
  if (properties === undefined)
    return fc.dictionary(
      fc.string({ minLength: 1 }).filter(key => isComparable({ [key]: 0 })),
      fc.integer(),
      {
        minKeys: minProperties as number,
        noNullPrototype: true,
      },
    )
  const names = required as string[]
  const kept = Object.entries(properties as Record<string, Schema>).filter(
    ([name]) => depth <= DEPTH || names.includes(name),
  )
  return fc.record(Object.fromEntries(kept.map(([name, one]) => [name, madeFor(contract, one, depth + 1)])), {
    requiredKeys: names,
    noNullPrototype: true,
  })
}
