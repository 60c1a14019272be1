import { FEED, type Feed, type FeedSource, type Outlet } from '../../src/sse/feed.js'
import { latch } from './latch.js'

/** A feed whose every step a spec makes by hand: it is its own source, for one client. */
export class HandFeed implements Feed, FeedSource {
  opening: Promise<void> | undefined
  readonly relays: boolean
  /** The stream, and whether it is relayed to. */
  readonly attached = latch<{ outlet: Outlet; relaying: boolean }>()
  /** What was called, in order. */
  readonly calls: string[] = []
  /** What `next()` gives, before it waits. */
  readonly values: unknown[] = []
  #next = latch<IteratorResult<unknown>>()

  constructor(relays = true) {
    this.relays = relays
  }

  [FEED](lastEventId: string | undefined): this {
    this.calls.push(`feed ${lastEventId}`)
    return this
  }

  attach(outlet: Outlet, relaying: boolean): void {
    this.calls.push('attach')
    this.attached.open({ outlet, relaying })
  }

  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
    if (this.values.length > 0) return { done: false, value: this.values.shift() }
    this.#next = latch()
    return this.#next.promise
  }

  /** Answers a `next()` that waits. */
  give(result: IteratorResult<unknown>): void {
    this.#next.open(result)
  }

  /** Fails a `next()` that waits. */
  fail(error: unknown): void {
    this.#next.fail(error)
  }

  room(): void {
    this.calls.push('room')
  }

  end(): void {
    this.calls.push('end')
  }

  return(): void {
    this.calls.push('return')
  }
}

/** Text as one chunk of HTTP/1.1, in ASCII. */
export function framed(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}
