import { Controller, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

interface StockUpdate {
  name: string
  price: number
  time: string
}

/** An object is sent as JSON. */
@Controller()
export class Stocks {
  constructor(private readonly clock: Clock) {}

  @SSE('/stocks')
  async *stocks(@Signal() signal: AbortSignal): AsyncGenerator<StockUpdate> {
    for await (const now of this.clock.every(2_000, signal)) {
      yield { name: 'STOCK-XYZ', price: 150.25 + now.getSeconds(), time: now.toISOString() }
    }
  }
}
