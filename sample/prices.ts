import type { Socket } from 'node:net'
import { Type } from 'class-transformer'
import { IsInt, IsUUID, Min, ValidateNested } from 'class-validator'
import type { FastifyRequest } from 'fastify'
import {
  Body,
  Controller,
  Doc,
  Event,
  Get,
  NotFoundError,
  Post,
  Query,
  Req,
  SetHeader,
  Signal,
  SSE,
  View,
  view,
} from 'okapi'
import { Market, Quote } from './market.js'
import { POLICY } from './policy.js'

export class Viewers {
  @IsInt()
  @Min(0)
  viewers!: number
}

export class State extends Viewers {
  @ValidateNested({ each: true })
  @Type(() => Quote)
  quotes!: Quote[]

  @IsInt()
  number!: number
}

export class Viewer {
  /** A random name that the page gives to itself: nobody else can cut its connection. */
  @IsUUID()
  viewer!: string
}

/** A live board: one topic for all viewers, which a client that was away resumes without a hole. */
@Controller('/prices')
export class Prices {
  readonly #connections = new Map<string, Socket>()

  constructor(private readonly market: Market) {}

  @Doc({ summary: 'The board' })
  @Get()
  @SetHeader('content-security-policy', POLICY)
  page(): View {
    return view('prices', this.market.state())
  }

  @Doc({ summary: 'The market, live' })
  @Event('market', State)
  @Event('price', Quote)
  @Event('viewers', Viewers)
  @SSE('/live', { retry: 1_000 })
  live(@Req() request: FastifyRequest, @Signal() signal: AbortSignal, @Query('viewer') viewer?: string) {
    if (viewer !== undefined) this.#note(viewer, request.raw.socket, signal)
    return this.market.watch(signal)
  }

  @Doc({ summary: 'Cuts the connection of a viewer, as a bad network would' })
  @Post('/cut')
  cut(@Body() { viewer }: Viewer): void {
    const connection = this.#connections.get(viewer)
    if (connection === undefined) throw new NotFoundError('This viewer has no connection now')
    connection.destroy()
  }

  #note(viewer: string, connection: Socket, signal: AbortSignal): void {
    this.#connections.set(viewer, connection)
    signal.addEventListener('abort', () => {
      if (this.#connections.get(viewer) === connection) this.#connections.delete(viewer)
    })
  }
}
