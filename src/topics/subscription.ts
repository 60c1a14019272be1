import type { EncodedEvent } from '../sse/event.js'
import { FEED, type Feed, type FeedSource, type Outlet } from '../sse/feed.js'
import type { Serializer } from '../sse/serializer.js'
import { type Entry, enter, type Requested } from './entry.js'
import { GapError, TopicClosedError } from './errors.js'
import type { TopicEvent } from './event.js'
import { Loop, type Readable } from './loop.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { parsePositions } from './position.js'
import { Reader } from './reader.js'
import { Relay } from './relay.js'
import type { Follower, TopicLog } from './topic-log.js'

/** What a subscription asks of the house around it. */
export interface SubscriptionHost {
  readonly serializer: Serializer
  /** The log of a topic. */
  logOf(name: string): TopicLog
  /** Whether a log of this epoch is in use. */
  knows(epoch: string): boolean
}

/**
 * The events of a topic, or of several. Return it from an `@SSE` method, and each client resumes by itself; or read the
 * events with `for await`. Every reading is one of its own.
 */
export class Subscription<T = unknown> implements Feed, AsyncIterable<TopicEvent<T>> {
  readonly #names: readonly string[]
  readonly #options: ResolvedSubscribeOptions
  readonly #host: SubscriptionHost

  /** @internal */
  constructor(names: readonly string[], options: ResolvedSubscribeOptions, host: SubscriptionHost) {
    this.#names = names
    this.#options = options
    this.#host = host
  }

  [FEED](lastEventId: string | undefined): FeedSource {
    return this.#read(lastEventId, false)
  }

  /**
   * Events one by one, from the moment this is called, or the journal has opened the topics; `stream:gap` tells in
   * between what was missed. Leaving the loop ends it.
   *
   * @throws {TopicLimitError} 503, if it would be one topic too many
   * @throws {TopicClosedError} 503, while a topic, or the app, closes
   * @throws {GapError} 410, with `onGap: 'refuse'`
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<TopicEvent<T>> {
    const reading = this.#read(undefined, true)
    return new Loop(reading as Readable<TopicEvent<T>>, this.#options.signal)
  }

  #read(lastEventId: string | undefined, loops: boolean): Reading {
    const logs = this.#names.map(name => this.#host.logOf(name))
    return new Reading(logs, lastEventId ?? this.#options.lastEventId, this.#options, this.#host, loops)
  }
}

/** One reading of a subscription: it follows its logs from the moment it is made until it is told to return. */
class Reading implements FeedSource {
  readonly opening: Promise<void> | undefined
  readonly relays: boolean
  readonly #logs: readonly TopicLog[]
  readonly #options: ResolvedSubscribeOptions
  readonly #host: SubscriptionHost
  readonly #loops: boolean
  #entries: readonly Entry[] = []
  #outlet: Outlet | undefined
  #seat: Seat | undefined
  #relay: Relay | undefined
  #reader: Reader | undefined
  #unheed: (() => void) | undefined
  #ending = false
  #stopped = false

  constructor(
    logs: readonly TopicLog[],
    lastEventId: string | undefined,
    options: ResolvedSubscribeOptions,
    host: SubscriptionHost,
    loops: boolean,
  ) {
    this.#logs = logs
    this.#options = options
    this.#host = host
    this.#loops = loops
    const { filter, snapshot, onLag, signal } = options
    this.relays = logs.length === 1 && !filter && !snapshot && onLag !== 'conflate'
    this.#stopped = signal?.aborted === true
    if (logs.every(log => log.ready === undefined)) this.#enter(lastEventId)
    else {
      this.opening = Promise.all(logs.map(log => log.ready)).then(() => this.#enter(lastEventId))
      this.opening.catch(noop)
    }
    // A loop looks at its signal by itself.
    if (!loops && signal && !this.#stopped) this.#heed(signal)
  }

  attach(outlet: Outlet, relaying: boolean): void {
    this.#outlet = outlet
    if (this.#stopped) {
      // One that is asked by next() says it then.
      if (relaying) outlet.finish()
      return
    }
    if (!relaying) {
      // A journal may be opening still: then it reads when that is open.
      if (this.#seat || this.#reader) this.#read()
      return
    }
    this.#relay = new Relay(this.#logs[0] as TopicLog, this.#options, outlet, this.#entries[0] as Entry)
    this.#giveUpSeat()
    // What it wrote first may have been the end already.
    if (this.#stopped) this.#relay.stop()
  }

  room(): void {
    this.#relay?.room()
  }

  next(): IteratorResult<EncodedEvent> | Promise<IteratorResult<EncodedEvent>> {
    if (this.#seat) this.#read()
    if (this.#reader) return this.#reader.next()
    if (this.#stopped) return { done: true, value: undefined }
    return (this.opening as Promise<void>).then(() => this.next())
  }

  end(): void {
    this.#ending = true
    if (this.#relay) this.#relay.end()
    else if (this.#reader) this.#reader.end()
    // A journal is opening still, so that there is nothing to give before the end.
    else this.#outlet?.finish()
  }

  return(): Promise<unknown> | undefined {
    this.#stopped = true
    this.#unheed?.()
    this.#giveUpSeat()
    this.#relay?.stop()
    return this.#reader?.stop()
  }

  #heed(signal: AbortSignal): void {
    // The signal may be that of the stream itself, which is about to say why it ends, and that it does.
    const onAbort = (): void => queueMicrotask(() => this.#abort())
    signal.addEventListener('abort', onAbort)
    this.#unheed = () => signal.removeEventListener('abort', onAbort)
  }

  #abort(): void {
    if (this.#stopped || this.#ending) return
    // What the end of a snapshot throws counts for less than the signal.
    this.return()?.catch(noop)
    this.#outlet?.finish()
  }

  #enter(lastEventId: string | undefined): void {
    if (this.#stopped) return
    for (const { closing, name } of this.#logs) if (closing) throw new TopicClosedError(name)
    const requested = this.#requested(lastEventId)
    for (const log of this.#logs) log.trim()
    this.#entries = this.#logs.map((log, index) => enter(log, requested[index], this.#options))
    if (this.#options.onGap === 'refuse') for (const { gap } of this.#entries) if (gap) throw new GapError(gap)
    // A loop need not ask before it follows, and what is of several logs cannot be relayed.
    if (this.relays && !this.#loops)
      this.#seat = new Seat(this.#logs[0] as TopicLog, this.#entries[0] as Entry, this.#options)
    else this.#read()
  }

  #read(): Reader {
    this.#reader ??= new Reader(this.#logs, this.#entries, this.#options, this.#host.serializer, this.#loops)
    if (this.#outlet) this.#reader.outlet = this.#outlet
    this.#giveUpSeat()
    return this.#reader
  }

  #giveUpSeat(): void {
    this.#seat?.leave()
    this.#seat = undefined
    this.#entries = []
  }

  /**
   * The position that a last event ID names in each of the logs. They are told apart by their epochs, so that an id stays
   * good when a subscription is of more topics, or of fewer, than it was. A position in none of them is in the log that
   * was there before one of them, unless it is known to be in another topic. The empty id is that of a client that has
   * forgotten its position.
   */
  #requested(lastEventId: string | undefined): Requested[] {
    const logs = this.#logs
    if (lastEventId === undefined || lastEventId === '') return logs.map(() => undefined)
    const positions = parsePositions(lastEventId)
    if (positions === undefined) return logs.map(() => ({ malformed: lastEventId }))
    const own = new Map(positions.map(position => [position.epoch, position]))
    const isOurs = logs.some(({ epoch }) => own.has(epoch))
    const epochs = new Set(logs.map(({ epoch }) => epoch))
    const strangers = positions.filter(({ epoch }) => !epochs.has(epoch) && !(isOurs && this.#host.knows(epoch)))
    return logs.map(({ epoch }) => own.get(epoch) ?? strangers.shift())
  }
}

/** Holds the place of a client in a log until it is known how it is written to: most never need a reader. */
class Seat implements Follower {
  readonly #log: TopicLog
  readonly position: number
  readonly live = false
  readonly taken: number | undefined

  constructor(log: TopicLog, { position }: Entry, { onLag }: ResolvedSubscribeOptions) {
    this.#log = log
    this.position = position
    if (onLag === 'block') this.taken = position
    log.join(this)
  }

  // Whoever takes the place is told of all that.
  advance(): void {}
  end(): void {}

  leave(): void {
    this.#log.leave(this)
  }
}

function noop(): void {}
