import { IsString } from 'class-validator'
import { Controller, Doc, Event, type EventWriter, Signal, SSE, Stream } from 'okapi'
import { Clock } from './clock.js'

export class Notification {
  @IsString()
  message!: string
}

// Not `error`: EventSource has an event of that name itself, for a lost connection, and a listener would hear both.
const notifications = [
  { type: 'info', message: 'System started' },
  { type: 'warning', message: 'High CPU usage' },
  { type: 'failure', message: 'Database connection failed' },
]

/** Events with types, sent by calls: for those who would rather call than yield. */
@Controller()
export class Notifications {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'Three types of events, sent by calls' })
  @Event('info', Notification)
  @Event('warning', Notification)
  @Event('failure', Notification)
  @SSE('/notifications')
  async notifications(@Stream() stream: EventWriter, @Signal() signal: AbortSignal) {
    for (const { type, message } of notifications) {
      await stream.event(type, { message })
      await this.clock.sleep(2_000, signal)
    }
  }
}
