import { IsNumber, Max, Min } from 'class-validator'
import { Controller, Doc, Event, event, JsonSerializer, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'
import { onError } from './errors.js'

export class Reading {
  @IsNumber()
  @Doc({ description: 'In degrees Celsius.' })
  temperature!: number

  @Min(0)
  @Max(100)
  @Doc({ description: 'In percent.' })
  humidity!: number
}

/** A stream with options: a comment after 30 s of silence, a serializer, and somebody to tell of errors. */
@Controller()
export class LiveData {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'A reading every two seconds' })
  @Event('data', Reading)
  @SSE('/live-data', { pingInterval: 30_000, serializer: JsonSerializer, onError })
  async *liveData(@Signal() signal: AbortSignal) {
    for await (const now of this.clock.every(2_000, signal)) {
      const second = now.getSeconds()
      yield event('data', { temperature: 20 + (second % 10), humidity: 60 + (second % 20) })
    }
  }
}
