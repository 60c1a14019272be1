import jwt from '@fastify/jwt'
import { IsString } from 'class-validator'
import {
  type App,
  type AppOptions,
  Body,
  Controller,
  createApp,
  credentials,
  ForbiddenError,
  Guard,
  HttpCode,
  Jwt,
  Post,
  Principal,
  SetHeader,
  SSE,
  Tickets,
  Topics,
} from 'okapi'
import { singleton } from 'tsyringe'
import { claims, type Verification } from './jwt.js'
import { pages } from './page.js'

/** Who has a subscription. It is looked at whenever a stream begins, and so whenever a client comes back. */
@singleton()
export class Subscriptions {
  readonly #ended = new Set<string>()

  end(id: string): void {
    this.#ended.add(id)
  }

  check({ id }: Principal): void {
    if (this.#ended.has(id)) throw new ForbiddenError('Your subscription has ended')
  }
}

class Wish {
  /** The path of the stream that the ticket is for. */
  @IsString()
  path!: string
}

/** Whoever brings a token gets a ticket. A ticket is no good here: nobody makes two of one. */
@Controller('/tickets')
@Guard(credentials([Jwt]))
class TicketOffice {
  constructor(private readonly tickets: Tickets) {}

  @Post()
  @HttpCode(201)
  @SetHeader('cache-control', 'no-store')
  issue(@Body() { path }: Wish, @Principal() principal: Principal) {
    return this.tickets.issue(principal, path)
  }
}

@Controller('/quotes')
@Guard(credentials([Jwt, Tickets]))
class Quotes {
  constructor(
    private readonly topics: Topics,
    private readonly subscriptions: Subscriptions,
  ) {}

  @SSE('/live')
  @SetHeader('referrer-policy', 'no-referrer')
  live(@Principal() principal: Principal) {
    this.subscriptions.check(principal)
    return this.topics.subscribe('quotes')
  }
}

/** Makes the sample of tickets: for pages that have a token, and an `EventSource` that cannot send it. */
export function createTicketSample(
  { secret, algorithms }: Verification,
  options: Omit<AppOptions, 'controllers' | 'setup'> = {},
): Promise<App> {
  return createApp({
    ...options,
    ...pages,
    controllers: [TicketOffice, Quotes],
    setup: async app => {
      await app.register(jwt, { secret, decode: { complete: true }, verify: { algorithms, ...claims } })
    },
  })
}
