import { SerializationError } from './errors.js'
import { EncodedEvent, ServerSentEvent } from './event.js'
import { defaultSerializer, type Serializer } from './serializer.js'

const lineBreak = /\r\n|\r|\n/

/**
 * The text of one yielded value on the wire: a `ServerSentEvent` with its fields, anything else as data.
 *
 * The fields stand in the order comment, id, event, retry, data, each as `name: value` with one space, and the whole
 * ends with an empty line. Data and comments are split at CRLF, CR and LF. Lone surrogates leave as U+FFFD, as in
 * every UTF-8 text.
 *
 * @param serializer used where the event brings none of its own
 * @throws {SerializationError} if there is no text for the data; there is then no text of the event either
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function encode(value: unknown, serializer: Serializer = defaultSerializer): string {
  if (value instanceof ServerSentEvent) return encodeEvent(value, serializer)
  if (value instanceof EncodedEvent) return value.wire
  return PLAIN.first + dataText(value, serializer) + END
}

/** The text of an event, and the empty line behind it. */
export function encodeEvent(event: ServerSentEvent, serializer: Serializer): string {
  const { event: type, data, serializer: own } = event
  const hasData = data !== undefined || own !== undefined
  let text = event.comment === undefined ? '' : commentLines(event.comment)
  if (event.id !== undefined) text += `id: ${event.id}\n`
  if (event.retry === undefined && hasData) return text + headOf(type).first + dataText(data, own ?? serializer) + END
  const typed = type !== undefined && type !== ''
  if (typed) text += `event: ${type}\n`
  if (event.retry !== undefined) text += `retry: ${event.retry}\n`
  if (hasData) text += `data: ${dataText(data, own ?? serializer)}\n`
  else if (typed) text += 'data: \n'
  return `${text}\n`
}

/** Whether an event has data, and nothing else but perhaps a type: its text is a head, the data, and `END`. */
export function isSimple(event: ServerSentEvent): boolean {
  return event.id === undefined && event.retry === undefined && event.comment === undefined && event.data !== undefined
}

/** What ends an event: the end of its last line, and an empty line. */
export const END = '\n\n'

/** What stands before the data of an event: at the beginning of a text, and behind another event that has no `END` yet. */
export interface Head {
  readonly first: string
  readonly next: string
}

/** The head of an event without a type. */
export const PLAIN: Head = { first: 'data: ', next: `${END}data: ` }

// A stream mostly repeats one type, and gluing its line together costs as much as looking at the whole event.
let lastType = ''
let lastHead = PLAIN

export function headOf(type: string | undefined): Head {
  if (type === undefined || type === '') return PLAIN
  if (type !== lastType) {
    lastType = type
    // Joined, it is one piece of memory; glued, every event would drag the pieces along.
    lastHead = { first: ['event: ', type, '\ndata: '].join(''), next: [END, 'event: ', type, '\ndata: '].join('') }
  }
  return lastHead
}

/** The text behind the first `data: `, with a `data: ` before each further line. */
export function dataText(data: unknown, serializer: Serializer): string {
  // JSON has no line breaks: looking for them would cost as much as making it.
  if (serializer === defaultSerializer && typeof data === 'object' && !ArrayBuffer.isView(data)) return toJson(data)
  const text = serialize(data, serializer)
  return lineBreak.test(text) ? text.split(lineBreak).join('\ndata: ') : text
}

function toJson(data: object | null): string {
  try {
    const text = JSON.stringify(data)
    // What has no JSON, or perhaps more in it than that, the serializer looks at.
    return text === undefined || text === '{}' ? defaultSerializer.serialize(data) : text
  } catch (error) {
    throw serializationError(error)
  }
}

function serialize(data: unknown, serializer: Serializer): string {
  let text: string
  try {
    text = serializer.serialize(data)
  } catch (error) {
    throw serializationError(error)
  }
  if (typeof text !== 'string') {
    throw new SerializationError(`${serializer.constructor.name}.serialize() returned no string but ${typeof text}`)
  }
  return text
}

function serializationError(error: unknown): SerializationError {
  if (error instanceof SerializationError) return error
  return new SerializationError(error instanceof Error ? error.message : String(error), error)
}

function commentLines(comment: string): string {
  return `: ${comment.split(lineBreak).join('\n: ')}\n`
}
