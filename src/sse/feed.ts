import type { Source } from './source.js'

/** A value that is a source for one client at a time, and wants to know where the client left off. */
export const FEED = Symbol.for('okapi.feed')

/** What an `@SSE` method may return to be asked for a source that continues where its client left off. */
export interface Feed {
  /** @param lastEventId what the client sent when it came back, if it did */
  [FEED](lastEventId: string | undefined): FeedSource
}

/** A source whose stream opens at once. It gives events that are encoded already. */
export interface FeedSource extends Source {
  /** Until when the stream must wait before it opens, if at all. What it rejects with can still be an HTTP error. */
  readonly opening?: Promise<void> | undefined
  /** A way to write chunks that many streams share, for a stream that has its socket to itself. */
  readonly relay?: Relay | undefined
}

/** Writes chunks by itself, in place of being pulled. */
export interface Relay {
  /** The stream has begun, and has room. */
  attach(outlet: Outlet): void
  /** The client has taken what was written: there is room again. */
  room(): void
}

/** Where a relay writes. */
export interface Outlet {
  /** Whether nothing more can be sent. */
  readonly closed: boolean
  /**
   * Writes bytes that are framed for HTTP/1.1 already.
   *
   * @returns whether the client has taken everything: if not, `room()` is called when it has
   */
  relay(chunk: Buffer): boolean
  /** Ends the stream: everything was said. */
  finish(): void
  /** Ends the stream, and asks the client to come back after `retry` milliseconds. */
  close(retry: number, reason: string): void
}

/** Whether a value is to be asked for a source of the client's own. */
export function isFeed(value: unknown): value is Feed {
  return typeof value === 'object' && value !== null && FEED in value
}
