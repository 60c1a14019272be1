import { Controller, event, JsonSerializer, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'
import { onError } from './errors.js'

/** A stream with options: a comment after 30 s of silence, a serializer, and somebody to tell of errors. */
@Controller()
export class LiveData {
  constructor(private readonly clock: Clock) {}

  @SSE('/live-data', { pingInterval: 30_000, serializer: JsonSerializer, onError })
  async *liveData(@Signal() signal: AbortSignal) {
    for await (const now of this.clock.every(2_000, signal)) {
      const second = now.getSeconds()
      yield event('data', { temperature: 20 + (second % 10), humidity: 60 + (second % 20) })
    }
  }
}
