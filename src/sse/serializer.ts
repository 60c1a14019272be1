import { SerializationError } from './errors.js'

/**
 * Turns the data of an event into text. Line breaks in the text are safe: each line gets its own `data:` field.
 *
 * Give one to a single event with `custom(data, serializer)`, to a route with `@SSE(path, { serializer })`, or to the
 * whole app by registering the token `SERIALIZER`. The nearest one wins.
 */
export interface Serializer {
  /** Returns the text of the data, or throws: the event is then not sent, and `onError` decides what follows. */
  serialize(data: unknown): string
}

/** Everything as JSON, a string too: `"hi"` arrives with its quotes. `null` is `null`. */
export class JsonSerializer implements Serializer {
  serialize(data: unknown): string {
    return stringify(data)
  }
}

/** Everything as text, by `String(data)`. `null` and `undefined` are the empty string. */
export class TextSerializer implements Serializer {
  serialize(data: unknown): string {
    return data === null || data === undefined ? '' : String(data)
  }
}

/** Bytes as Base64: the standard alphabet, padded, in one line. Anything but bytes is refused. */
export class Base64Serializer implements Serializer {
  serialize(data: unknown): string {
    if (isBytes(data)) return base64(data)
    throw new SerializationError(`Base64 takes bytes (a Uint8Array), not ${data === null ? 'null' : typeof data}`)
  }
}

/** What is used when nobody chose: a string as it is, bytes as Base64, anything else as JSON. */
export class DefaultSerializer implements Serializer {
  serialize(data: unknown): string {
    if (typeof data === 'string') return data
    if (isBytes(data)) return base64(data)
    return stringify(data)
  }
}

/** Whether a value is bytes: an ArrayBuffer, or a view of one. */
export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}

function base64(bytes: ArrayBuffer | ArrayBufferView): string {
  if (!ArrayBuffer.isView(bytes)) return Buffer.from(bytes).toString('base64')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/**
 * A value as JSON.
 *
 * @throws {SerializationError} for what has none, and for what JSON leaves nothing of
 */
function stringify(data: unknown): string {
  const text = JSON.stringify(data)
  if (text === '{}') checkEmpty(data as object)
  if (text !== undefined) return text
  if (typeof data === 'object') throw new SerializationError('its toJSON() returned nothing')
  const cure = data === undefined ? '; yield null to say "nothing"' : ''
  throw new SerializationError(`${typeof data} has no JSON form${cure}`)
}

/** Refuses an object that is not empty, though its JSON is. */
function checkEmpty(data: object): void {
  if (typeof (data as { toJSON?: unknown }).toJSON === 'function') return
  if (typeof (data as { next?: unknown }).next === 'function') {
    throw new SerializationError('an iterator has no JSON form; yield* it, or read it first')
  }
  const lost = losing.find(([type]) => data instanceof type)
  if (lost) throw new SerializationError(`${nameOf(data)} has no JSON form; ${lost[1]}`)
}

const losing: readonly [type: new (...args: never[]) => object, cure: string][] = [
  [Map, 'send Object.fromEntries(map), or an array of it'],
  [Set, 'send an array of it'],
  [Promise, 'await it'],
  [Error, 'throw it, or send its message'],
  [ArrayBuffer, 'send it by binary()'],
  [RegExp, 'send its source'],
]

function nameOf({ constructor: { name } }: object): string {
  return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`
}

export const defaultSerializer: Serializer = new DefaultSerializer()
export const jsonSerializer: Serializer = new JsonSerializer()
export const textSerializer: Serializer = new TextSerializer()
export const base64Serializer: Serializer = new Base64Serializer()
