import { EventMismatchError } from './errors.js'
import type { EventRecord, MethodRecord } from './metadata.js'
import { EncodedEvent, ServerSentEvent } from './sse/event.js'
import { isBytes } from './sse/serializer.js'
import { GAP } from './topics/gap.js'
import { Subscription } from './topics/subscription.js'
import { dtoOf } from './validation/dto.js'
import { faultsOf } from './validation/faults.js'
import type { ValidationOptions } from './validation/options.js'
import { type ItemType, isArrayType, nameOf, type ValueType } from './value-type.js'

/** What is wrong with data, if anything. */
type Check = (data: unknown) => string | undefined

/** An event as it is looked at. */
interface Seen {
  readonly type: string
  readonly data: unknown
  readonly id: string | undefined
}

/**
 * Prepares, at boot, the check of every event of a method against those it declares: that its type is among them, and
 * that its data is what they say. A method that declares none is not checked. Its comments and its ids alone are not
 * events.
 *
 * @param gaps whether the documents tell of `stream:gap`
 * @throws {DefinitionError} for an event whose data is a class without rules
 */
export function eventCheck(
  where: string,
  { events = [] }: MethodRecord,
  gaps: boolean,
  options: ValidationOptions,
): ((value: unknown) => void) | undefined {
  if (events.every(({ type }) => type === GAP)) return undefined
  const checks = new Map<string, Check[]>()
  for (const event of events.filter(({ type }) => type !== GAP)) {
    const type = event.type || 'message'
    checks.set(type, [...(checks.get(type) ?? []), checkOf(where, event, options)])
  }
  const needsId = new Set(events.filter(({ id }) => id).map(({ type }) => type || 'message'))
  const look = ({ type, data, id }: Seen): void => {
    if (type === GAP && gaps) return
    const same = checks.get(type)
    if (same === undefined) throw new EventMismatchError(where, undeclared(type))
    const faults = same.map(check => check(data))
    if (!faults.includes(undefined)) {
      const what = faults.join('; or ')
      throw new EventMismatchError(where, `the data of an event "${type}" is not as declared: ${what}`)
    }
    if (needsId.has(type) && !id) {
      throw new EventMismatchError(where, `an event "${type}" has no id, and is declared with one`)
    }
  }
  return value => {
    for (const seen of value instanceof EncodedEvent ? seenIn(value.wire) : seenOf(value)) look(seen)
  }
}

function undeclared(type: string): string {
  if (type === GAP) return `the stream tells of a gap, which its documents do not: add @Event('${GAP}')`
  const cure = type === 'message' ? '@Event(…)' : `@Event('${type}', …)`
  return `an event "${type}" is not declared: add ${cure} to the method`
}

/** What a client is told of: not of comments, nor of ids alone. */
function seenOf(value: unknown): Seen[] {
  if (!(value instanceof ServerSentEvent)) return [{ type: 'message', data: value, id: undefined }]
  const { event, data, serializer, id } = value
  if (!event && data === undefined && serializer === undefined) return []
  return [{ type: event || 'message', data, id }]
}

/** The events of a topic are text already, many at once. */
function seenIn(wire: string): Seen[] {
  return wire.split('\n\n').flatMap(block => {
    const lines = block.split('\n')
    const valuesOf = (name: string) => lines.flatMap(line => (line.startsWith(name) ? line.slice(name.length) : []))
    const data = valuesOf('data: ')
    if (data.length === 0) return []
    const [type = 'message'] = valuesOf('event: ')
    return [{ type, data: new Text(data.join('\n')), id: valuesOf('id: ')[0] }]
  })
}

/** Data that is text already. */
class Text {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

function checkOf(where: string, { data: type, contentType }: EventRecord, options: ValidationOptions): Check {
  if (type === undefined) return data => (isNothing(data) ? undefined : 'there is to be none')
  const declared = `@Event with ${nameOf(type)}`
  const check = typeCheck(where, type, options)
  const isText = type === String || type === Uint8Array || contentType !== undefined
  return data => {
    // Of what a topic keeps as text, only JSON can be looked into.
    if (data instanceof Text && isText) return undefined
    const fault = data instanceof Text ? checkJson(data, check) : check(data)
    return fault === undefined ? undefined : `${declared}: ${fault}`
  }
}

function checkJson({ text }: Text, check: Check): string | undefined {
  try {
    return check(JSON.parse(text))
  } catch {
    return 'it is not JSON'
  }
}

function isNothing(data: unknown): boolean {
  return data === undefined || data === '' || (data instanceof Text && data.text === '')
}

function typeCheck(where: string, type: ValueType, options: ValidationOptions): Check {
  if (!isArrayType(type)) return itemCheck(where, type, options)
  const check = itemCheck(where, type[0], options)
  return data => {
    if (!Array.isArray(data)) return 'it is not an array'
    for (const [index, item] of data.entries()) {
      const fault = check(item)
      if (fault !== undefined) return `item ${index}: ${fault}`
    }
    return undefined
  }
}

function itemCheck(where: string, type: ItemType, options: ValidationOptions): Check {
  if (type === String) return data => (typeof data === 'string' ? undefined : `it is no string but ${kindOf(data)}`)
  if (type === Number) return data => (Number.isFinite(data) ? undefined : `it is no number but ${kindOf(data)}`)
  if (type === Boolean) return data => (typeof data === 'boolean' ? undefined : `it is no boolean but ${kindOf(data)}`)
  if (type === Date) return data => (isDate(data) ? undefined : `it is no date but ${kindOf(data)}`)
  if (type === Uint8Array) return data => (isBytes(data) ? undefined : `it is no bytes but ${kindOf(data)}`)
  const dto = dtoOf(where, type)
  if (dto === undefined) return () => undefined
  return data => {
    // As the client reads it: a date has become text, and what has a toJSON() something else.
    const text = jsonOf(data)
    const faults = text === undefined ? [] : faultsOf(dto, JSON.parse(text), options)
    return faults.length === 0 ? undefined : faults.join(', ')
  }
}

/** What has no JSON says so when it is sent. */
function jsonOf(data: unknown): string | undefined {
  try {
    return JSON.stringify(data)
  } catch {
    return undefined
  }
}

function isDate(data: unknown): boolean {
  return data instanceof Date
    ? !Number.isNaN(data.getTime())
    : typeof data === 'string' && !Number.isNaN(Date.parse(data))
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? `an object of class ${value.constructor?.name}` : typeof value
}

/**
 * Whether a stream may say `stream:gap`: one that declares it, or that returns a subscription to a topic. A generator
 * does not, nor a method that sends by calls; of one whose return type is written down, the compiler knows, unless its
 * class is imported by `import type`.
 */
export function mayHaveGaps({
  type,
  method,
  record,
}: {
  type: { prototype: object }
  method: string
  record: MethodRecord
}): boolean {
  if (record.events?.some(event => event.type === GAP)) return true
  const made = Reflect.get(type.prototype, method) as object
  if (made.constructor.name.endsWith('GeneratorFunction')) return false
  if ([...record.parameters.values()].some(({ kind }) => kind === 'stream')) return false
  const returned: unknown = Reflect.getMetadata('design:returntype', type.prototype, method)
  return [undefined, Object, Function, Promise, Subscription].some(one => one === returned)
}
