import type { Subscription } from 'okapi'
import { FEED, type FeedSource, type Outlet } from '../../src/sse/feed.js'
import { until } from './until.js'

/** A client of a subscription without a connection: it takes what it is given when it is told to. */
export class Reading implements Outlet {
  readonly source: FeedSource
  readonly blocked = false
  closed = false
  /** What it was given, as text on the wire. */
  text = ''
  /** How it ended. */
  outcome: unknown

  private constructor(source: FeedSource) {
    this.source = source
  }

  /** Begins where a client begins that sends this last event ID, and takes nothing yet. */
  static async begin(subscription: Subscription, lastEventId?: string): Promise<Reading> {
    const reading = new Reading(subscription[FEED](lastEventId))
    await reading.source.opening
    reading.source.attach(reading, false)
    return reading
  }

  /** Begins, and takes all there is and will be. */
  static async of(subscription: Subscription, lastEventId?: string): Promise<Reading> {
    const reading = await Reading.begin(subscription, lastEventId)
    reading.goOn()
    return reading
  }

  /** Takes the next text. */
  async take(): Promise<string> {
    const { done, value } = await this.source.next()
    const wire = done ? '' : (value as { wire: string }).wire
    this.text += wire
    return wire
  }

  /** Takes all there is and will be. */
  async goOn(): Promise<void> {
    try {
      while ((await this.take()) !== '');
      this.outcome ??= 'ended'
    } catch (error) {
      this.outcome = error
    }
  }

  async sees(part: string): Promise<void> {
    await until(
      () => this.text.includes(part),
      () => `${JSON.stringify(part)} in ${JSON.stringify(this.text)}`,
    )
  }

  /** Leaves. */
  leave(): void {
    this.closed = true
    this.source.return?.()
  }

  relay(): never {
    throw new Error('was asked to relay')
  }

  finish(): void {
    this.closed = true
  }

  close(retry: number, reason: string): void {
    this.closed = true
    this.outcome = { retry, reason }
  }

  fail(error: unknown): void {
    this.closed = true
    this.outcome = error
  }
}
