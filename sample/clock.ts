import { setInterval, setTimeout } from 'node:timers/promises'
import { injectable } from 'tsyringe'

/**
 * The time, and waiting for it. The streams wait by this class alone, so that a spec can put a faster one in its place.
 *
 * Every wait takes the signal of its stream: when the client leaves, the wait is over and the timer is cleared.
 */
@injectable()
export class Clock {
  now(): Date {
    return new Date()
  }

  /** Waits; rejects with an AbortError when the signal fires. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return setTimeout(milliseconds, undefined, { signal })
  }

  /** Gives the time at every interval, until the signal fires. */
  async *every(milliseconds: number, signal: AbortSignal): AsyncGenerator<Date> {
    for await (const _ of setInterval(milliseconds, undefined, { signal })) yield this.now()
  }
}
