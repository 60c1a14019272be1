import { type Names, unknownName } from '../sse/known.js'
import type { Decode, TopicEvent } from './event.js'
import type { Gap } from './gap.js'

/**
 * What becomes of a client that reads more slowly than a topic is published to. Nothing is ever kept for it alone.
 *
 * `'gap'` goes on with what the log still has, and says what is missing; `'disconnect'` ends its stream while it could
 * still resume, and it does so after a moment; `'block'` lets `await publish()` wait for it; `'conflate'` gives it only
 * the newest event of each `key`.
 */
export type OnLag = 'gap' | 'disconnect' | 'block' | 'conflate'

/** How a client goes on that has missed something: see `SubscribeOptions.onGap`. */
export type OnGap = 'earliest' | 'latest' | 'snapshot' | 'refuse'

/** The options of a subscription. */
export interface SubscribeOptions<T = unknown> {
  /**
   * Where a first visit begins: with what comes from now on, with everything that is kept, with the last n events, or
   * with the `snapshot`. Default `'now'`; `'snapshot'` where there is one.
   */
  from?: 'now' | 'start' | 'snapshot' | number
  /**
   * How a client goes on whose position is gone, after it was told so by the event `stream:gap`: with the earliest event
   * that is kept, with what comes from now on, or with the `snapshot`; `'refuse'` answers 410 in place of a stream.
   * Default `'earliest'`; `'snapshot'` where there is one.
   */
  onGap?: OnGap
  /**
   * Gives the state of a topic as a whole: a value, or several as an iterable, to be sent before the events that follow.
   * They have no id. What is published while the snapshot is made follows it, though it may be in it: let an event say
   * what is, not what changed. Of several topics, each is asked for that has to be.
   */
  snapshot?: (gap: Gap | undefined, topic: string) => SnapshotLike<NoInfer<T>>
  /** What becomes of a slow client. Default `'gap'`. */
  onLag?: OnLag
  /** For `onLag: 'conflate'`: of events with the same key, a client that lags sees only the newest. */
  key?: (event: TopicEvent<T>) => unknown
  /**
   * Which events this client may see; it answers at once. The position moves on behind those it does not see, too: the
   * client is told its position after 100 of them, or 5 seconds.
   */
  filter?: (event: TopicEvent<T>) => boolean
  /** For code that reads a subscription by itself: a position to continue from. A client's own one wins. */
  lastEventId?: string | undefined
  /** Ends the reading at once: a loop that waits for an event is let go, and a stream ends as it does with its topic. */
  signal?: AbortSignal
  /** Turns data back into a value for `filter`, `key` and `for await`. Default: JSON if it is, text otherwise. */
  decode?: Decode<T>
}

// biome-ignore lint/suspicious/noExplicitAny: a snapshot may be of another shape than the events
export type SnapshotLike<T> = Iterable<any> | AsyncIterable<any> | Promise<Iterable<any> | T> | T

/** Every option, those that are not given as `undefined`. */
type EveryOption = { readonly [Name in keyof Names<SubscribeOptions>]: SubscribeOptions[Name] }

/** The options with every default filled in. */
export interface ResolvedSubscribeOptions extends EveryOption {
  readonly from: NonNullable<SubscribeOptions['from']>
  readonly onGap: OnGap
  readonly onLag: OnLag
}

const names: Names<SubscribeOptions> = {
  from: true,
  onGap: true,
  snapshot: true,
  onLag: true,
  key: true,
  filter: true,
  lastEventId: true,
  signal: true,
  decode: true,
}

/** @throws {TypeError} for options that contradict each other or make no sense */
export function resolveSubscribeOptions(options: SubscribeOptions): ResolvedSubscribeOptions {
  const unknown = unknownName(options, names)
  if (unknown) throw new TypeError(`subscribe(): there is ${unknown}`)
  const { snapshot, key, filter, decode, lastEventId, signal } = options
  checkFunction('snapshot', snapshot)
  checkFunction('key', key)
  checkFunction('filter', filter)
  checkFunction('decode', decode)
  if (lastEventId !== undefined && typeof lastEventId !== 'string') {
    throw new TypeError(`subscribe(): lastEventId is a string, not ${typeof lastEventId}`)
  }
  const { from = snapshot ? 'snapshot' : 'now', onGap = snapshot ? 'snapshot' : 'earliest', onLag = 'gap' } = options
  if (typeof from === 'number' ? !Number.isSafeInteger(from) || from < 0 : !FROM.includes(from)) {
    throw new TypeError(`subscribe(): from is 'now', 'start', 'snapshot' or a number of events, not ${String(from)}`)
  }
  if (!ON_GAP.includes(onGap)) throw new TypeError(`subscribe(): onGap is one of ${ON_GAP.join(', ')}, not ${onGap}`)
  if (!ON_LAG.includes(onLag)) throw new TypeError(`subscribe(): onLag is one of ${ON_LAG.join(', ')}, not ${onLag}`)
  if (!snapshot && (from === 'snapshot' || onGap === 'snapshot')) {
    throw new TypeError("subscribe(): 'snapshot' needs the option snapshot, a function that gives one")
  }
  if ((onLag === 'conflate') !== (key !== undefined)) {
    throw new TypeError("subscribe(): onLag 'conflate' and key belong together")
  }
  // Not spread, which takes many times as long, and gives the options of each subscription a shape of their own.
  return { from, onGap, snapshot, onLag, key, filter, lastEventId, signal, decode }
}

function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`subscribe(): ${name} is a function`)
}

const FROM: readonly unknown[] = ['now', 'start', 'snapshot']
const ON_GAP: readonly string[] = ['earliest', 'latest', 'snapshot', 'refuse']
const ON_LAG: readonly string[] = ['gap', 'disconnect', 'block', 'conflate']
