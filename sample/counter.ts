import { Controller, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

/** A stream that ends: when the method is done, the client is told so, and does not come back. */
@Controller()
export class Counter {
  constructor(private readonly clock: Clock) {}

  @SSE('/counter')
  async *counter(@Signal() signal: AbortSignal) {
    for (let count = 0; count <= 10; count++) {
      yield count
      await this.clock.sleep(1_000, signal)
    }
  }
}
