import { Controller, event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'
import { onError } from './errors.js'

/** The stream behind the page: an update every two seconds, and each fifth one is a notification. */
@Controller()
export class Events {
  constructor(private readonly clock: Clock) {}

  @SSE('/events', { pingInterval: 30_000, onError })
  async *events(@Signal() signal: AbortSignal) {
    let count = 0
    for await (const now of this.clock.every(2_000, signal)) {
      const type = ++count % 5 === 0 ? 'notification' : 'update'
      yield event(type, { count, timestamp: now.toISOString(), message: `Event #${count}` })
    }
  }
}
