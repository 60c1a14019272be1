import { StreamClosedError } from './errors.js'
import { binary, comment, custom, type EventFields, event, json, type MoreFields, text } from './event.js'
import { checkOptions, type StreamOptions } from './options.js'
import type { Serializer } from './serializer.js'
import type { EventSourceLike, Source } from './source.js'
import type { EventStream } from './stream.js'

/** The options of a source that is piped into a stream. */
export type PipeOptions = Pick<StreamOptions, 'serializer' | 'onError' | 'pingInterval'>

/**
 * Sends the events of a stream by calls, for those who would rather call than yield: `@Stream() stream: EventWriter`.
 * The stream lives until the method returns.
 *
 * Every call resolves when there is room for more, so that `await` slows a producer down to the pace of its client. A
 * call rejects with a `StreamClosedError` when the client has left, which ends a method that does not catch it, and
 * with a `SerializationError` when the data has no text. Calls that nobody awaits are safe too: their rejection
 * disturbs no one, and a stream that is too far ahead of its client ends with an `OverflowError`.
 */
export class EventWriter {
  readonly #stream: EventStream

  constructor(stream: EventStream) {
    this.#stream = stream
  }

  /** Whether the stream is over: the client has left, or it has ended. */
  get closed(): boolean {
    return this.#stream.closed
  }

  /** Sends any value as data, through the stream's serializer. */
  data(value: unknown): Promise<void> {
    return this.#send(value)
  }

  /** Sends a value as JSON; a string arrives in quotes. */
  json(value: unknown, more?: MoreFields): Promise<void> {
    return this.#send(json(value, more))
  }

  /** Sends text as it is. */
  text(value: string, more?: MoreFields): Promise<void> {
    return this.#send(text(value, more))
  }

  /** Sends bytes as Base64. */
  binary(value: ArrayBufferView | ArrayBuffer, more?: MoreFields): Promise<void> {
    return this.#send(binary(value, more))
  }

  /** Sends an event with a type. */
  event(type: string, data?: unknown, more?: EventFields): Promise<void> {
    return this.#send(event(type, data, more))
  }

  /** Sends data through a serializer of its own. */
  custom(value: unknown, serializer: Serializer, more?: MoreFields): Promise<void> {
    return this.#send(custom(value, serializer, more))
  }

  /** Sends a comment, which the client does not see. */
  comment(value: string): Promise<void> {
    return this.#send(comment(value))
  }

  /**
   * Sends everything a channel or another source gives, at the pace of the client. Resolves when the source ends;
   * rejects with what it throws.
   *
   * @param options a serializer, an `onError` and a `pingInterval` for as long as this source lasts
   * @throws {TypeError} if there is no source in the value, or an option makes no sense
   */
  pipe(values: EventSourceLike, options: PipeOptions = {}): Promise<void> {
    const piped = this.#pipe(values, options)
    piped.catch(noop)
    return piped
  }

  async #pipe(values: EventSourceLike, options: PipeOptions): Promise<void> {
    const stream = this.#stream
    checkOptions(options)
    const source = stream.sourceOf(values)
    if (source === undefined) throw new TypeError('stream.pipe() takes a channel, a generator, or another iterable')
    const { pingInterval } = stream
    const { serializer = stream.options.serializer, onError = stream.options.onError } = options
    const how = { serializer, onError }
    const reader = new Reader(source, stream)
    try {
      stream.pingInterval = options.pingInterval ?? pingInterval
      for (;;) {
        const result = await reader.next()
        if (result.done) return
        await stream.pass(result.value, how)
      }
    } finally {
      stream.pingInterval = pingInterval
      reader.stop()
    }
  }

  #send(value: unknown): Promise<void> {
    const sent = this.#stream.send(value)
    sent.catch(noop)
    return sent
  }
}

/** Reads a source until the stream is over: then a read that waits is let go, even where the source itself is parked. */
class Reader {
  readonly #source: Source
  readonly #stream: EventStream
  readonly #callOff: () => void
  #release: ((error: Error) => void) | undefined
  #done = false

  constructor(source: Source, stream: EventStream) {
    this.#source = source
    this.#stream = stream
    this.#callOff = stream.whenOver(() => {
      this.#dismiss()
      this.#release?.(new StreamClosedError())
    })
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#done) return Promise.reject(new StreamClosedError())
    return new Promise((resolve, reject) => {
      this.#release = reject
      Promise.resolve(this.#source.next()).then(result => {
        this.#done ||= result.done === true
        resolve(result)
      }, reject)
    })
  }

  stop(): void {
    this.#callOff()
    this.#dismiss()
  }

  #dismiss(): void {
    if (this.#done) return
    this.#done = true
    this.#stream.dismiss(this.#source)
  }
}

function noop(): void {}
