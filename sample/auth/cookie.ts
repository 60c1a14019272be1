import cookie, { type CookieSerializeOptions } from '@fastify/cookie'
import jwt from '@fastify/jwt'
import { IsString } from 'class-validator'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type App,
  type AppOptions,
  Body,
  Controller,
  createApp,
  credentials,
  ForbiddenError,
  Guard,
  Jwt,
  Post,
  Reply,
  SSE,
  Topics,
  UnauthorizedError,
  Use,
} from 'okapi'
import { claims } from './jwt.js'
import { pages } from './page.js'
import { People } from './people.js'

/** Browsers send a cookie of this name to nobody but the host that has set it, and only encrypted. */
const NAME = '__Host-token'

/**
 * No script can read it, and no other site makes a browser send it. It has no end of its own: a browser that has thrown an
 * expired token away would come back without any, as if it had never signed in.
 */
const COOKIE: CookieSerializeOptions = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' }

/** Lets the pages of no other origin change anything, though the browser sends the cookie: not even those of the site. */
const ownPages = ({ headers }: FastifyRequest): void => {
  const from = headers['sec-fetch-site']
  if (from !== undefined && from !== 'same-origin' && from !== 'none') throw new ForbiddenError('From another origin')
}

class SignIn {
  @IsString()
  name!: string

  @IsString()
  password!: string
}

@Controller('/login')
@Use(ownPages)
class Login {
  constructor(private readonly people: People) {}

  @Post()
  async login(@Body() { name, password }: SignIn, @Reply() reply: FastifyReply) {
    if (!(await this.people.knows(name, password))) throw new UnauthorizedError('The name or the password is wrong')
    return reply
      .setCookie(NAME, await reply.jwtSign({ sub: name }), COOKIE)
      .code(204)
      .send()
  }

  @Post('/end')
  logout(@Reply() reply: FastifyReply) {
    return reply.clearCookie(NAME, COOKIE).code(204).send()
  }
}

@Controller('/quotes')
@Guard(credentials([Jwt]))
class Quotes {
  constructor(private readonly topics: Topics) {}

  @SSE('/live')
  live() {
    return this.topics.subscribe('quotes')
  }
}

/** How the sample signs: with a secret, and for how long. */
export interface Signing {
  readonly secret: string
  /** Seconds. */
  readonly lasts: number
}

/** Makes the sample of tokens in cookies: `EventSource` sends them by itself. */
export function createCookieSample(
  { secret, lasts }: Signing,
  options: Omit<AppOptions, 'controllers' | 'setup'> = {},
): Promise<App> {
  return createApp({
    ...options,
    ...pages,
    controllers: [Login, Quotes],
    setup: async app => {
      await app.register(cookie)
      await app.register(jwt, {
        secret,
        cookie: { cookieName: NAME, signed: false },
        sign: { algorithm: 'HS256', iss: claims.allowedIss, aud: claims.allowedAud, expiresIn: lasts },
        verify: { algorithms: ['HS256'], ...claims },
      })
    },
  })
}
