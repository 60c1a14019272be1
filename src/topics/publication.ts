/** Events that are published together: they go to the journal in one call. */
export class Batch {
  readonly texts: string[] = []
  characters = 0
  #asked = 0
  #settled: { first: number } | { error: unknown } | undefined
  #waiting: ((settled: { first: number } | { error: unknown }) => void)[] | undefined

  /** Takes an event in; returns its place in the batch. */
  add(text: string): number {
    this.characters += text.length
    return this.texts.push(text) - 1
  }

  resolve(first: number): void {
    this.#settle({ first })
  }

  reject(error: unknown): void {
    this.#settle({ error })
  }

  /** Whether somebody has asked for each of the events, and so was told what became of it. */
  get isHeard(): boolean {
    return this.#asked >= this.texts.length
  }

  /** The sequence of the first event, when it is safe. */
  first(): Promise<number> {
    this.#asked++
    return new Promise((resolve, reject) => {
      const settle = (settled: { first: number } | { error: unknown }): void => {
        if ('error' in settled) reject(settled.error)
        else resolve(settled.first)
      }
      if (this.#settled) settle(this.#settled)
      else {
        this.#waiting ??= []
        this.#waiting.push(settle)
      }
    })
  }

  #settle(settled: { first: number } | { error: unknown }): void {
    this.#settled = settled
    for (const waiting of this.#waiting ?? []) waiting(settled)
    this.#waiting = undefined
  }
}

/** Who knows what becomes of the events of a batch. */
export interface Publisher {
  /** The position of an event, when it is safe. */
  published(batch: Batch, index: number): Promise<string>
}

/**
 * The promise of a published event: its position, when the event is as safe as the journal makes it and, for
 * subscriptions with `onLag: 'block'`, taken by them. It costs nothing until somebody waits for it, and one that nobody
 * waits for disturbs no one when it fails.
 */
export class Publication implements Promise<string> {
  readonly #publisher: Publisher
  readonly #batch: Batch
  readonly #index: number
  #promise: Promise<string> | undefined

  /** @internal */
  constructor(publisher: Publisher, batch: Batch, index: number) {
    this.#publisher = publisher
    this.#batch = batch
    this.#index = index
  }

  get [Symbol.toStringTag](): string {
    return 'Publication'
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<A = string, B = never>(
    onFulfilled?: ((position: string) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#made().then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<string | B> {
    return this.#made().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<string> {
    return this.#made().finally(onFinally)
  }

  #made(): Promise<string> {
    this.#promise ??= this.#publisher.published(this.#batch, this.#index)
    return this.#promise
  }
}
