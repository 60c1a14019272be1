import { IsISO8601, IsPositive, IsString } from 'class-validator'
import { Controller, Doc, Event, Signal, SSE } from 'okapi'
import { Clock } from './clock.js'

export class StockUpdate {
  @IsString()
  name!: string

  @IsPositive()
  price!: number

  @IsISO8601()
  time!: string
}

/** An object is sent as JSON. */
@Controller()
export class Stocks {
  constructor(private readonly clock: Clock) {}

  @Doc({ summary: 'A price every two seconds' })
  @Event(StockUpdate)
  @SSE('/stocks')
  async *stocks(@Signal() signal: AbortSignal): AsyncGenerator<StockUpdate> {
    for await (const now of this.clock.every(2_000, signal)) {
      yield { name: 'STOCK-XYZ', price: 150.25 + now.getSeconds(), time: now.toISOString() }
    }
  }
}
