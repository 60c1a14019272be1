import { IsInt, IsISO8601 } from 'class-validator'
import { Channel, Controller, Doc, Event, event, type ServerSentEvent, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

export class Progress {
  @IsInt()
  count!: number

  @IsISO8601()
  time!: string
}

/** A producer and a stream that meet in a channel: it holds ten events, then the producer waits for the client. */
@Controller()
export class Producer {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'Ten updates through a bounded channel' })
  @Event('update', Progress)
  @SSE('/channel')
  channel(@Signal() signal: AbortSignal): Channel<ServerSentEvent> {
    const channel = new Channel<ServerSentEvent>(10)
    this.#produce(channel, signal).then(
      () => channel.close(),
      error => channel.fail(error),
    )
    return channel
  }

  async #produce(channel: Channel<ServerSentEvent>, signal: AbortSignal) {
    for (let count = 0; count < 10; count++) {
      await this.clock.sleep(1_000, signal)
      await channel.send(event('update', { count, time: this.clock.now().toISOString() }))
    }
  }
}
