import { Controller, Doc, Event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

/** A stream that ends: when the method is done, the client is told so, and does not come back. */
@Controller()
export class Counter {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'From 0 to 10, then the end' })
  @Event(Number)
  @SSE('/counter')
  async *counter(@Signal() signal: AbortSignal) {
    for (let count = 0; count <= 10; count++) {
      yield count
      await this.clock.sleep(1_000, signal)
    }
  }
}
