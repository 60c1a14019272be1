/** What can go wrong in an event stream. Each code is told in docs/errors.md. */
export type StreamErrorCode = 'ERR_EVENT_FIELD' | 'ERR_SERIALIZATION' | 'ERR_STREAM_CLOSED' | 'ERR_OVERFLOW'

/** The family of the errors of `okapi/sse`: tell them apart by `code`. */
export class StreamError extends Error {
  override name = 'StreamError'
  readonly code: StreamErrorCode

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A field of an event that would break the stream or lose its meaning. Thrown where the event is made. */
export class EventFieldError extends StreamError {
  override name = 'EventFieldError'
  readonly field: 'event' | 'id' | 'retry'
  readonly value: unknown

  constructor(field: 'event' | 'id' | 'retry', value: unknown, reason: string) {
    super('ERR_EVENT_FIELD', `The ${field} of an event ${reason}: ${show(value)}`)
    this.field = field
    this.value = value
  }
}

/** The data of an event that its serializer could not turn into text. No byte of the event was sent. */
export class SerializationError extends StreamError {
  override name = 'SerializationError'

  constructor(reason: string, cause?: unknown) {
    super('ERR_SERIALIZATION', `The data of an event could not be serialized: ${reason}`, { cause })
  }
}

/** A call on a stream whose client has left or that has ended. Let it end the method: there is nobody to send to. */
export class StreamClosedError extends StreamError {
  override name = 'StreamClosedError'

  constructor() {
    super('ERR_STREAM_CLOSED', 'The event stream is closed: its client has left, or it has ended')
  }
}

/** More was sent than the client has read, by a producer that does not wait. The stream ends. */
export class OverflowError extends StreamError {
  override name = 'OverflowError'

  constructor(what: string) {
    super('ERR_OVERFLOW', `${what}: await each call, or send less`)
  }
}

/** Whether an error only says that somebody was told to stop. */
export function isAbort(error: unknown): boolean {
  return error instanceof StreamClosedError || (error instanceof Error && error.name === 'AbortError')
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
