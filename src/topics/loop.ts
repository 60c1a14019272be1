/** What is read: asked for one at a time, and told when no more is wanted. */
export interface Readable<T> {
  next(): IteratorResult<T> | Promise<IteratorResult<T>>
  return(): Promise<unknown> | undefined
}

/** The iterator of a `for await`: asks for one value after the other, however it is called itself. */
export class Loop<T> implements AsyncIterableIterator<T> {
  readonly #readable: Readable<T>
  readonly #signal: AbortSignal | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** @param signal ends the loop, also while it waits */
  constructor(readable: Readable<T>, signal: AbortSignal | undefined) {
    this.#readable = readable
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#last.then(() => this.#next())
    this.#last = next.catch(noop)
    return next
  }

  /** Ends the loop, and every `next()` that waits. */
  async return(): Promise<IteratorResult<T>> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    await this.#readable.return()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #next(): Promise<IteratorResult<T>> {
    let goesOn = false
    try {
      const result = await this.#readable.next()
      goesOn = !result.done
      return result
    } finally {
      if (!goesOn) this.#onAbort()
    }
  }

  readonly #onAbort = (): void => {
    this.return().catch(noop)
  }
}

function noop(): void {}
