import { Queue } from './queue.js'

/**
 * A bounded queue between one producer, or several, and one stream.
 *
 * Return it from an `@SSE` method, or give it to `stream.pipe(channel)`. A producer that is faster than the client
 * waits in `send`. When the client leaves, the channel closes, and every waiting `send` is let go.
 *
 * @example
 * ```ts
 * const channel = new Channel<Tick>(100)
 * const timer = setInterval(() => channel.trySend(tick()), 1000)
 * channel.onClose(() => clearInterval(timer))
 * return channel
 * ```
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly capacity: number
  readonly #values = new Queue<T>()
  readonly #senders = new Queue<Sender<T>>()
  readonly #readers = new Queue<Reader<T>>()
  readonly #closers: (() => void)[] = []
  #closed = false
  #failure: { error: unknown } | undefined

  /**
   * @param capacity how many values may wait for the client. 0 hands each value over directly.
   * @throws {RangeError} for anything but a whole number, 0 or more
   */
  constructor(capacity = 16) {
    if (!Number.isInteger(capacity) || capacity < 0) {
      throw new RangeError(`The capacity of a channel is a whole number, 0 or more, not ${capacity}`)
    }
    this.capacity = capacity
  }

  /** Whether the channel takes no more values: it was closed, it failed, or its reader left. */
  get closed(): boolean {
    return this.#closed
  }

  /** How many values wait to be read, those of waiting senders included. */
  get size(): number {
    return this.#values.size + this.#senders.size
  }

  /**
   * Sends a value, and waits for room when the channel is full.
   *
   * @returns `false` if nobody will read it, because the channel is closed: time for the producer to stop. It never
   *   rejects, so that a producer that nobody awaits cannot bring the process down when a client leaves.
   */
  send(value: T): Promise<boolean> {
    if (this.trySend(value)) return Promise.resolve(true)
    if (this.#closed) return Promise.resolve(false)
    return new Promise(settle => this.#senders.push({ value, settle }))
  }

  /** Sends a value if there is room for it now; returns whether it was taken. */
  trySend(value: T): boolean {
    if (this.#closed) return false
    const reader = this.#readers.take()
    if (reader) {
      reader.resolve({ done: false, value })
      return true
    }
    if (this.#values.size >= this.capacity) return false
    this.#values.push(value)
    return true
  }

  /** Ends the channel: what was sent is still read, then the stream ends. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const reader of this.#readers.takeAll()) reader.resolve({ done: true, value: undefined })
    this.#tellClosers()
  }

  /** Calls all of them, also behind one that throws; the error comes to whoever closes the channel. */
  #tellClosers(): void {
    const closers = this.#closers.splice(0)
    try {
      while (closers.length > 0) closers.shift()?.()
    } finally {
      if (closers.length > 0) {
        this.#closers.push(...closers)
        this.#tellClosers()
      }
    }
  }

  /** Ends the channel with an error: what was sent is still read, then the stream ends as if its source had thrown. */
  fail(error: unknown): void {
    if (this.#closed) return
    const reader = this.#readers.take()
    if (reader) reader.reject(error)
    else this.#failure = { error }
    this.close()
  }

  /** Calls back once when the channel closes, for whatever reason: the place to clear timers. At once if it has. */
  onClose(callback: () => void): void {
    if (this.#closed) callback()
    else this.#closers.push(callback)
  }

  /** Reads the channel. It has one reader: whoever stops reading closes the channel, and values left in it are lost. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#abandon()
        return { done: true, value: undefined }
      },
    }
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#values.size > 0) {
      const value = this.#values.take() as T
      const sender = this.#senders.take()
      if (sender) {
        this.#values.push(sender.value)
        sender.settle(true)
      }
      return Promise.resolve({ done: false, value })
    }
    const sender = this.#senders.take()
    if (sender) {
      sender.settle(true)
      return Promise.resolve({ done: false, value: sender.value })
    }
    if (this.#failure) {
      const { error } = this.#failure
      this.#failure = undefined
      return Promise.reject(error)
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  #abandon(): void {
    this.#values.takeAll()
    for (const sender of this.#senders.takeAll()) sender.settle(false)
    this.close()
  }
}

interface Sender<T> {
  value: T
  settle(taken: boolean): void
}

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}
