import { randomUUID } from 'node:crypto'
import { EventFieldError } from './errors.js'
import { base64Serializer, jsonSerializer, type Serializer, textSerializer } from './serializer.js'

/** The largest reconnection time, in milliseconds: browsers keep it in 32 bits. */
const MAX_RETRY = 2 ** 31 - 1

/** The longest id: it comes back in a request header, and servers bound those. */
const MAX_ID = 1024

/** Event types that begin with this are the framework's own. */
export const RESERVED_PREFIX = 'stream:'

/** The last event ID of a stream that has said all it had to say: a client that reconnects with it is answered 204. */
export const DONE_ID = 'stream.end'

/** The fields of an event. Every one may be left out. */
export interface EventFields<T = unknown> {
  /** The payload. Without it nothing is dispatched in the browser, but an `id` or a `retry` still takes effect. */
  data?: T | undefined
  /** The event type: the name a client listens to. Without it the browser says `message`. */
  event?: string | undefined
  /**
   * The last event ID: the browser sends it back when it reconnects. The empty string makes the client forget its
   * position. Keep to letters, digits and `._~-`, and to 128 characters: other bytes make a cross-origin client ask
   * permission first, and some clients cannot send them back at all.
   */
  id?: string | undefined
  /** The reconnection time in milliseconds: how long the client waits before it comes back. An integer, 0 or more. */
  retry?: number | undefined
  /** A comment: the client does not see it. Each line of it is sent as one. */
  comment?: string | undefined
  /** Turns `data` into text, in place of the stream's serializer. */
  serializer?: Serializer | undefined
}

/**
 * One event of an event stream, with its fields.
 *
 * Yield one to set more than the data; a plain value is sent as the data of an event without a type. The two are told
 * apart by class, so that `yield { data: 1 }` sends an object that happens to have a `data` key.
 *
 * @throws {EventFieldError} for a line break in `event`, a line break or NUL in `id`, a `retry` that is not a whole
 *   number, and what else a client would misread. Nothing is repaired in silence.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class ServerSentEvent<T = unknown> {
  // Declared, and set only where given: an event is made for every yield, and the smaller it is, the sooner it is made.
  declare readonly data: T | undefined
  declare readonly event: string | undefined
  declare readonly id?: string
  declare readonly retry?: number
  declare readonly comment?: string
  declare readonly serializer?: Serializer

  constructor(fields: EventFields<T>) {
    const { event, id, retry, comment, serializer } = fields
    this.data = fields.data
    this.event = event
    if (event !== undefined) checkEventType(event)
    if (id !== undefined) this.id = checkId(id)
    if (retry !== undefined) this.retry = checkRetry(retry)
    if (comment !== undefined) this.comment = comment
    if (serializer !== undefined) this.serializer = serializer
  }
}

/** Events that are wire text already: sent as they are. The framework's own, never a user's. */
export class EncodedEvent {
  readonly wire: string

  constructor(wire: string) {
    this.wire = wire
  }
}

/** The fields that the short makers take beside the data. */
export type MoreFields = Omit<EventFields, 'data' | 'event' | 'serializer'>

/**
 * An event with a type: `addEventListener(type, …)` receives it. Without data it is sent with empty data.
 *
 * Avoid the types `error` and `open`: the browser's EventSource has events of its own under these names.
 *
 * @throws {EventFieldError} as the constructor of `ServerSentEvent`; so do the other makers
 */
export function event<T>(type: string, data?: T, more?: EventFields<T>): ServerSentEvent<T> {
  if (more === undefined) return new ServerSentEvent<T>({ event: type, data: data as T })
  return make(data as T, more.serializer, more, type)
}

/** An event whose data is this text, whatever serializer the stream has. */
export function text(data: string, more?: MoreFields): ServerSentEvent<string> {
  return make(data, textSerializer, more)
}

/** An event whose data is JSON, a string too. */
export function json<T>(data: T, more?: MoreFields): ServerSentEvent<T> {
  return make(data, jsonSerializer, more)
}

/** An event whose data is Base64. Read it in the browser with `Uint8Array.from(atob(data), c => c.charCodeAt(0))`. */
export function binary(data: ArrayBufferView | ArrayBuffer, more?: MoreFields): ServerSentEvent {
  return make<unknown>(data, base64Serializer, more)
}

/** An event whose data goes through a serializer of its own. */
export function custom<T>(data: T, serializer: Serializer, more?: MoreFields): ServerSentEvent<T> {
  return make(data, serializer, more)
}

/** Makes an event. By name and not by a spread, which costs more than all else that is done for an event. */
function make<T>(
  data: T,
  serializer: Serializer | undefined,
  more: EventFields = {},
  event = more.event,
  id = more.id,
): ServerSentEvent<T> {
  const { retry, comment } = more
  return new ServerSentEvent({ data, event, id, retry, comment, serializer } as EventFields<T>)
}

/** A comment: it keeps the connection busy, and the client does not see it. */
export function comment(comment: string): ServerSentEvent<never> {
  return new ServerSentEvent<never>({ comment })
}

/** The same as an event with an id, unless it has one, or no data. */
export function withId(value: unknown): unknown {
  if (value instanceof EncodedEvent) return value
  if (!(value instanceof ServerSentEvent)) return new ServerSentEvent({ data: value, id: randomUUID() })
  if (value.id !== undefined || value.data === undefined) return value
  return make(value.data, value.serializer, value as EventFields, value.event, randomUUID())
}

// One look-up answers for the type of the event before, which is nearly always the type of this one.
let lastType = ''

function checkEventType(type: string): void {
  if (type === lastType) return
  if (typeof type !== 'string') throw new EventFieldError('event', type, 'is not a string')
  if (/\p{Cc}/u.test(type)) throw new EventFieldError('event', type, 'holds a line break or another control character')
  if (!type.isWellFormed()) throw new EventFieldError('event', type, 'holds half a character (a lone surrogate)')
  if (type.startsWith(RESERVED_PREFIX)) {
    throw new EventFieldError('event', type, `begins with "${RESERVED_PREFIX}", which only the framework may send`)
  }
  lastType = type
}

function checkId(id: string): string {
  if (typeof id !== 'string') throw new EventFieldError('id', id, 'is not a string')
  // What most ids are needs no further look.
  if (id.length <= MAX_ID && /^[\x21-\x7e]*$/.test(id) && id !== DONE_ID) return id
  if (/\p{Cc}/u.test(id)) throw new EventFieldError('id', id, 'holds a line break, NUL or another control character')
  if (!id.isWellFormed()) throw new EventFieldError('id', id, 'holds half a character (a lone surrogate)')
  if (/^ | $/.test(id)) throw new EventFieldError('id', id, 'begins or ends with a space, which a header would lose')
  if (id.length > MAX_ID) throw new EventFieldError('id', id, `is longer than ${MAX_ID} characters`)
  if (id === DONE_ID) throw new EventFieldError('id', id, 'is the mark of a finished stream')
  return id
}

function checkRetry(retry: number): number {
  if (Number.isInteger(retry) && retry >= 0 && retry <= MAX_RETRY) return retry
  throw new EventFieldError('retry', retry, `is not a whole number of milliseconds from 0 to ${MAX_RETRY}`)
}
