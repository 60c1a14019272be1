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
    if (ArrayBuffer.isView(data)) return base64(data)
    if (data instanceof ArrayBuffer) return Buffer.from(data).toString('base64')
    throw new SerializationError(`Base64 takes bytes (a Uint8Array), not ${data === null ? 'null' : typeof data}`)
  }
}

/** What is used when nobody chose: a string as it is, bytes as Base64, anything else as JSON. */
export class DefaultSerializer implements Serializer {
  serialize(data: unknown): string {
    if (typeof data === 'string') return data
    if (data instanceof Uint8Array) return base64(data)
    return stringify(data)
  }
}

function base64(bytes: ArrayBufferView): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function stringify(data: unknown): string {
  const text = JSON.stringify(data)
  if (text === undefined) throw new SerializationError(`${typeof data} has no JSON form; yield null to say "nothing"`)
  return text
}

export const defaultSerializer: Serializer = new DefaultSerializer()
export const jsonSerializer: Serializer = new JsonSerializer()
export const textSerializer: Serializer = new TextSerializer()
export const base64Serializer: Serializer = new Base64Serializer()
