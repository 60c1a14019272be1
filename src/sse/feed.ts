import type { CutReason } from './frames.js'
import type { Source } from './source.js'

/** A value that is a source for one client at a time, and wants to know where the client left off. */
export const FEED = Symbol.for('okapi.feed')

/** What an `@SSE` method may return to be asked for a source that continues where its client left off. */
export interface Feed {
  /** @param lastEventId what the client sent when it came back, if it did */
  [FEED](lastEventId: string | undefined): FeedSource
}

/** A source whose stream opens at once. It gives events that are encoded already, or writes them by itself. */
export interface FeedSource extends Source {
  /** Until when the stream must wait before it opens, if at all. What it rejects with can still be an HTTP error. */
  readonly opening: Promise<void> | undefined
  /** Whether it can write chunks that many streams share, on a stream that has its socket to itself. */
  readonly relays: boolean
  /**
   * The stream has begun, and has room.
   *
   * @param relaying whether the source writes by itself from now on; otherwise it is asked by `next()`
   */
  attach(outlet: Outlet, relaying: boolean): void
  /** While it writes by itself: the client has taken what was written, there is room again. */
  room(): void
  /** Gives what there is already, and then ends: the server closes. */
  end(): void
}

/** The stream of one client, as a feed sees it. */
export interface Outlet {
  /** Whether nothing more can be sent. */
  readonly closed: boolean
  /** Whether the client has yet to take what was written: then `room()` is called when it has, and nothing is relayed. */
  readonly blocked: boolean
  /**
   * Writes bytes that are framed for HTTP/1.1 already.
   *
   * @returns whether the client has taken everything: if not, `room()` is called when it has
   */
  relay(chunk: Buffer): boolean
  /** Ends the stream: everything was said. */
  finish(): void
  /** Ends the stream at once, and asks the client to come back after `retry` milliseconds. */
  close(retry: number, reason: CutReason): void
  /** Ends the stream with an error. */
  fail(error: unknown): void
}

/** Whether a value is to be asked for a source of the client's own. */
export function isFeed(value: unknown): value is Feed {
  return typeof value === 'object' && value !== null && FEED in value
}
