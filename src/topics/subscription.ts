import type { EncodedEvent } from '../sse/event.js'
import { FEED, type Feed, type FeedSource, type Outlet } from '../sse/feed.js'
import type { Serializer } from '../sse/serializer.js'
import { type Entry, enter, type Requested } from './entry.js'
import { GapError } from './errors.js'
import type { TopicEvent } from './event.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { parsePositions } from './position.js'
import { Reader } from './reader.js'
import { Relay } from './relay.js'
import type { TopicLog } from './topic-log.js'

/**
 * The events of a topic, or of several. Return it from an `@SSE` method, and each client resumes by itself; or read the
 * events with `for await`. Every reading is one of its own.
 */
export class Subscription<T = unknown> implements Feed, AsyncIterable<TopicEvent<T>> {
  readonly #open: () => TopicLog[]
  readonly #options: ResolvedSubscribeOptions
  readonly #serializer: Serializer | undefined

  /** @internal */
  constructor(open: () => TopicLog[], options: ResolvedSubscribeOptions, serializer: Serializer | undefined) {
    this.#open = open
    this.#options = options
    this.#serializer = serializer
  }

  [FEED](lastEventId: string | undefined): FeedSource {
    return this.#source(lastEventId, false)
  }

  /** Events one by one; `stream:gap` tells in between what was missed. Leaving the loop ends it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<TopicEvent<T>> {
    const source = this.#source(undefined, true)
    const iterator: AsyncIterableIterator<TopicEvent<T>> = {
      next: async () => (await source.next()) as IteratorResult<TopicEvent<T>>,
      return: async () => {
        source.return()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  #source(lastEventId: string | undefined, events: boolean): SubscriptionSource {
    const id = lastEventId ?? this.#options.lastEventId
    return new SubscriptionSource(this.#open(), id, this.#options, this.#serializer, events)
  }
}

class SubscriptionSource implements FeedSource {
  readonly opening: Promise<void> | undefined
  readonly relays: boolean
  readonly #logs: readonly TopicLog[]
  readonly #options: ResolvedSubscribeOptions
  readonly #serializer: Serializer | undefined
  readonly #events: boolean
  #entries: readonly Entry[] = []
  #relay: Relay | undefined
  #reader: Reader | undefined
  #outlet: Outlet | undefined
  #stopped = false

  constructor(
    logs: readonly TopicLog[],
    lastEventId: string | undefined,
    options: ResolvedSubscribeOptions,
    serializer: Serializer | undefined,
    events: boolean,
  ) {
    this.#logs = logs
    this.#options = options
    this.#serializer = serializer
    this.#events = events
    const { filter, snapshot, onLag } = options
    this.relays = logs.length === 1 && !filter && !snapshot && onLag !== 'conflate'
    if (logs.every(log => log.ready === undefined)) this.#enter(lastEventId)
    else {
      this.opening = Promise.all(logs.map(log => log.ready)).then(() => this.#enter(lastEventId))
      this.opening.catch(noop)
    }
  }

  attach(outlet: Outlet, relaying: boolean): void {
    const [log] = this.#logs
    const [entry] = this.#entries
    this.#outlet = outlet
    if (relaying && log && entry) this.#relay = new Relay(log, this.#options, outlet, entry)
    // What it wrote first may have been the end already.
    if (this.#stopped) this.#relay?.stop()
  }

  room(): void {
    this.#relay?.room()
  }

  next(): IteratorResult<EncodedEvent> | Promise<IteratorResult<EncodedEvent>> {
    if (this.#reader) return this.#reader.next()
    if (this.#stopped) return { done: true, value: undefined }
    if (this.opening && this.#entries.length === 0) return this.opening.then(() => this.next())
    this.#reader = new Reader(this.#logs, this.#entries, this.#options, this.#serializer, this.#events)
    if (this.#outlet) this.#reader.outlet = this.#outlet
    return this.#reader.next()
  }

  end(): void {
    this.#relay?.end()
    this.#reader?.end()
  }

  return(): void {
    this.#stopped = true
    this.#relay?.stop()
    this.#reader?.stop()
  }

  #enter(lastEventId: string | undefined): void {
    const requested = requestedOf(lastEventId, this.#logs)
    this.#entries = this.#logs.map((log, index) => enter(log, requested[index], this.#options))
    if (this.#options.onGap !== 'refuse') return
    for (const { gap } of this.#entries) if (gap) throw new GapError(gap)
  }
}

/**
 * The position that a last event ID names in each of the logs. They are told apart by their epochs, so that an id stays
 * good when a subscription is of more topics, or of fewer, than it was. The empty id is that of a client that has
 * forgotten its position.
 */
function requestedOf(lastEventId: string | undefined, logs: readonly TopicLog[]): Requested[] {
  if (lastEventId === undefined || lastEventId === '') return logs.map(() => undefined)
  const positions = parsePositions(lastEventId)
  if (positions === undefined) return logs.map(() => ({ malformed: lastEventId }))
  const epochs = new Set(logs.map(({ epoch }) => epoch))
  const strangers = positions.filter(({ epoch }) => !epochs.has(epoch))
  return logs.map(({ epoch }) => positions.find(position => position.epoch === epoch) ?? strangers.shift())
}

function noop(): void {}
