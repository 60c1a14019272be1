import { Controller, Doc, Event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

/** The shortest stream: what a method yields, the client receives. */
@Controller()
export class Time {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'The time, every second' })
  @Event(String, { description: 'In ISO 8601.' })
  @SSE('/time')
  async *time(@Signal() signal: AbortSignal) {
    for await (const now of this.clock.every(1_000, signal)) yield now.toISOString()
  }
}
