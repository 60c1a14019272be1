/** What came of a conversion: a value, or what it should have been. */
export type Converted = { value: unknown } | { expected: string }

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const integer = /^[+-]?\d+$/
const isoDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/

/**
 * Turns the text of a parameter into the type of the parameter: Number, Boolean, Date, BigInt, Array and String, as the
 * compiler's metadata name them. Strict: `12px` is no number, `yes` no boolean, 30 February no date. Other types take the
 * value as it is.
 */
export function convert(value: unknown, type: unknown): Converted {
  if (type === Array) return { value: Array.isArray(value) ? value : [value] }
  if (Array.isArray(value)) return isScalar(type) ? { expected: 'a single value' } : { value }
  if (typeof value !== 'string') return convertValue(value, type)
  if (type === Number) return toNumber(value)
  if (type === Boolean) return toBoolean(value)
  if (type === BigInt) return integer.test(value) ? { value: BigInt(value) } : { expected: 'a whole number' }
  if (type === Date) return toDate(value)
  return { value }
}

/** Values that are not text come from a JSON body, where the type is already there: it must be the right one. */
function convertValue(value: unknown, type: unknown): Converted {
  if (type === Number) return typeof value === 'number' ? { value } : { expected: 'a number' }
  if (type === Boolean) return typeof value === 'boolean' ? { value } : { expected: 'true or false' }
  if (type === String) return { expected: 'a string' }
  if (type === Date) return { expected: 'a date' }
  if (type === BigInt)
    return Number.isInteger(value) ? { value: BigInt(value as number) } : { expected: 'a whole number' }
  return { value }
}

/** Whether a type is one value, to which text is converted. */
export function isScalar(type: unknown): boolean {
  return type === String || type === Number || type === Boolean || type === Date || type === BigInt
}

function toNumber(text: string): Converted {
  const value = Number(text)
  return number.test(text) && Number.isFinite(value) ? { value } : { expected: 'a number' }
}

function toBoolean(text: string): Converted {
  if (text === 'true' || text === '1') return { value: true }
  if (text === 'false' || text === '0') return { value: false }
  return { expected: 'true or false' }
}

function toDate(text: string): Converted {
  const value = new Date(text)
  return isoDate.test(text) && !Number.isNaN(value.getTime()) && isInCalendar(text.slice(0, 10))
    ? { value }
    : { expected: 'a date such as 2026-01-31T12:00:00Z' }
}

/** `Date` takes 30 February for 2 March. */
function isInCalendar(day: string): boolean {
  return new Date(day).toISOString().startsWith(day)
}
