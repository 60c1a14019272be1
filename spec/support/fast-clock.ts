import { setTimeout } from 'node:timers/promises'
import { Clock } from '../../sample/clock.js'

/**
 * A clock for specs: every wait takes a moment, and moves the time by what was asked for. What streams say of the time
 * is therefore the same on every run, and `waits` says how long they would have waited.
 */
export class FastClock extends Clock {
  readonly waits: number[] = []
  /** How many wait just now. */
  waiting = 0
  readonly #pace: number
  #time = Date.UTC(2026, 0, 31, 12)

  /** @param pace how many milliseconds every wait takes */
  constructor(pace = 1) {
    super()
    this.#pace = pace
  }

  override now(): Date {
    return new Date(this.#time)
  }

  override async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.waits.push(milliseconds)
    this.waiting++
    try {
      await setTimeout(this.#pace, undefined, { signal })
      this.#time += milliseconds
    } finally {
      this.waiting--
    }
  }

  override async *every(milliseconds: number, signal: AbortSignal): AsyncGenerator<Date> {
    for (;;) {
      await this.sleep(milliseconds, signal)
      yield this.now()
    }
  }
}
