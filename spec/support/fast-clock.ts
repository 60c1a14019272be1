import { setTimeout } from 'node:timers/promises'
import { Clock } from '../../sample/clock.js'

/**
 * A clock for specs that runs many times as fast. Its time moves only by what is waited for, so that what streams say
 * of the time is the same on every run. `waits` says how long they asked to wait.
 */
export class FastClock extends Clock {
  readonly waits: number[] = []
  /** How many wait just now. */
  waiting = 0
  readonly #speed: number
  #time = Date.UTC(2026, 0, 31, 12)

  /** @param speed how many times as fast as the real one */
  constructor(speed = 1_000) {
    super()
    this.#speed = speed
  }

  override now(): Date {
    return new Date(this.#time)
  }

  override async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.waits.push(milliseconds)
    this.waiting++
    try {
      await setTimeout(milliseconds / this.#speed, undefined, { signal })
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
