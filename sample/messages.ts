import { IsInt, IsString } from 'class-validator'
import { Controller, Doc, Event, event, LastEventId, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

export class Message {
  @IsString()
  text!: string

  @IsInt()
  @Doc({ description: 'In seconds since 1970.' })
  timestamp!: number
}

const ids = ['msg-0', 'msg-1', 'msg-2', 'msg-3', 'msg-4']

/** Events with ids: a client that lost its connection says which one it had last, and the rest follows. */
@Controller()
export class Messages {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'Five messages, to resume from' })
  @Event('message', Message, { id: true })
  @SSE('/messages')
  async *messages(@Signal() signal: AbortSignal, @LastEventId() last = '') {
    for (let next = ids.indexOf(last) + 1; next < ids.length; next++) {
      const timestamp = Math.floor(this.clock.now().getTime() / 1_000)
      yield event('message', { text: `Message ${next}`, timestamp }, { id: `msg-${next}` })
      await this.clock.sleep(1_000, signal)
    }
  }
}
