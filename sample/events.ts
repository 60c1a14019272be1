import { IsInt, IsISO8601, IsString, Min } from 'class-validator'
import { Controller, Doc, Event, event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'
import { onError } from './errors.js'

export class Update {
  @IsInt()
  @Min(1)
  count!: number

  @IsISO8601()
  timestamp!: string

  @IsString()
  message!: string
}

/** The stream behind the page: an update every two seconds, and each fifth one is a notification. */
@Controller()
export class Events {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'An update every two seconds, each fifth a notification' })
  @Event('update', Update)
  @Event('notification', Update)
  @SSE('/events', { pingInterval: 30_000, onError })
  async *events(@Signal() signal: AbortSignal) {
    let count = 0
    for await (const now of this.clock.every(2_000, signal)) {
      const type = ++count % 5 === 0 ? 'notification' : 'update'
      yield event(type, { count, timestamp: now.toISOString(), message: `Event #${count}` })
    }
  }
}
