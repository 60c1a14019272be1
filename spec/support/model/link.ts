import type { TopicEvent } from 'okapi'
import type { EncodedEvent } from '../../../src/sse/event.js'
import type { FeedSource, Outlet } from '../../../src/sse/feed.js'
import { isThenable } from '../../../src/sse/source.js'
import { chunksOf } from '../unchunked.js'
import { type Block, blocksOf } from './block.js'
import type { Fact } from './history.js'

/** Who is at the end of a connection. */
export interface Taker {
  /** The server has found out where the client begins. */
  entered(): void
  take(block: Block): void
  /** The stream is over, for the client too; or with an error that may be a refusal. */
  over(link: Link, error?: unknown): void
  /** The stream is over, and the client will come back. */
  cut(): void
}

/** A connection of a client. */
export abstract class Link {
  /** Whether the client takes nothing. */
  stalled = false
  /** Whether the subscription has a stream to write to. */
  attached = false
  /** Whether the server has yet to answer. */
  arriving = false
  /** What is on its way. */
  readonly pending: Block[] = []
  protected readonly taker: Taker

  constructor(taker: Taker) {
    this.taker = taker
  }

  pause(): void {
    this.stalled = true
  }

  /** The client takes what is on its way, and what comes. */
  abstract resume(): void
  /** Room is told of though nothing was in the way: a ping had filled the socket. */
  abstract ping(): void
  /** The server says goodbye. */
  abstract sendAway(): void
  /** The connection is cut. */
  abstract leave(): void

  /** So many blocks of what was on its way arrive. */
  arrive(count = this.pending.length): void {
    for (const block of this.pending.splice(0, count)) this.taker.take(block)
  }
}

/** A stream without a connection: what a feed sees of an `EventStream`. */
export class Stream extends Link implements Outlet {
  closed = false
  blocked = false
  readonly #source: FeedSource
  #relaying = false
  #asking = false
  #leaving = false
  #then: (() => void) | undefined

  /** @param relays whether it has a socket to itself */
  constructor(taker: Taker, source: FeedSource, relays: boolean) {
    super(taker)
    this.#source = source
    if (source.opening === undefined) this.#open(relays)
    else {
      source.opening.then(
        () => this.#open(relays),
        error => this.fail(error),
      )
    }
  }

  // The head goes out first.
  #open(relays: boolean): void {
    this.taker.entered()
    setImmediate(() => {
      if (this.closed) return
      this.attached = true
      this.#relaying = relays && this.#source.relays
      this.#source.attach(this, this.#relaying)
      if (!this.#relaying) this.#pull()
    })
  }

  relay(bytes: Buffer): boolean {
    if (this.closed || this.blocked) this.fail(new Error('A chunk is written where there is no room'))
    else this.#write(textOf(bytes))
    this.blocked = this.stalled
    return !this.stalled
  }

  finish(): void {
    const comesBack = this.#leaving
    this.#end(() => (comesBack ? this.taker.cut() : this.taker.over(this)))
  }

  close(): void {
    this.#end(() => this.taker.cut())
  }

  fail(error: unknown): void {
    this.closed = true
    this.#source.return?.()
    this.taker.over(this, error)
  }

  /** What comes behind everything else. */
  #end(then: () => void): void {
    if (this.closed) return
    this.closed = true
    this.attached = false
    this.#source.return?.()
    this.#then = then
    if (!this.stalled) then()
  }

  #write(text: string): void {
    this.pending.push(...blocksOf(text))
    if (!this.stalled) this.arrive()
  }

  #pull(): void {
    while (!this.closed && !this.stalled && !this.#asking) {
      const result = this.#ask()
      if (isThenable(result)) {
        this.#asking = true
        result.then(
          given => {
            this.#asking = false
            if (this.#give(given)) this.#pull()
          },
          error => this.closed || this.fail(error),
        )
        return
      }
      if (!this.#give(result)) return
    }
  }

  #ask(): IteratorResult<EncodedEvent> | PromiseLike<IteratorResult<EncodedEvent>> {
    try {
      return this.#source.next() as IteratorResult<EncodedEvent>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #give(result: IteratorResult<EncodedEvent>): boolean {
    if (this.closed) return false
    if (result.done) this.finish()
    else this.#write(result.value.wire)
    return !result.done
  }

  resume(): void {
    this.stalled = false
    this.arrive()
    if (this.closed) this.#then?.()
    else if (this.blocked && this.#relaying) {
      this.blocked = false
      this.#source.room()
    } else if (this.attached && !this.#relaying) this.#pull()
  }

  ping(): void {
    if (!this.attached || this.closed || !this.#relaying) return
    if (this.stalled) this.blocked = true
    else this.#source.room()
  }

  sendAway(): void {
    this.#leaving = true
    if (this.attached) this.#source.end()
    else this.close()
    // The grace is over: a client that has not taken even that is cut.
    if (this.stalled) this.taker.cut()
  }

  leave(): void {
    if (this.closed) return
    this.closed = true
    this.#source.return?.()
  }
}

/** A loop of somebody's own. */
export class Loop extends Link {
  readonly #iterator: AsyncIterableIterator<TopicEvent<Fact>>
  #asking = false
  #left = false

  constructor(taker: Taker, iterator: AsyncIterableIterator<TopicEvent<Fact>>) {
    super(taker)
    this.#iterator = iterator
    taker.entered()
    this.#pull()
  }

  #pull(): void {
    if (this.#left || this.stalled || this.#asking) return
    this.#asking = true
    this.#iterator.next().then(
      ({ done, value }) => {
        this.#asking = false
        if (this.#left) return
        if (done) this.taker.over(this)
        else {
          this.taker.take({ id: value.id, event: value.event, data: value.text })
          this.#pull()
        }
      },
      error => this.#left || this.taker.over(this, error),
    )
  }

  resume(): void {
    this.stalled = false
    this.#pull()
  }

  ping(): void {}

  sendAway(): void {}

  leave(): void {
    this.#left = true
    this.#iterator.return?.()
  }
}

/** The text in chunks of the chunked transfer coding, which must be whole. */
function textOf(bytes: Buffer): string {
  const chunks = chunksOf(bytes)
  const framed = chunks.reduce((sum, { length }) => sum + length + length.toString(16).length + 4, 0)
  if (framed !== bytes.length || chunks.some(({ length }) => length === 0)) throw new Error(`No chunks: ${bytes}`)
  return chunks.join('')
}
