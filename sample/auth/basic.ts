import basicAuth from '@fastify/basic-auth'
import {
  type App,
  type AppOptions,
  Controller,
  createApp,
  Get,
  type HookFunction,
  Principal,
  SSE,
  UnauthorizedError,
  Use,
} from 'okapi'
import type { People } from './people.js'

/** The hook of @fastify/basic-auth: it refuses, or lets `validate` say who it is. */
const basic: HookFunction = (request, reply, done) => request.server.basicAuth(request, reply, done)

@Controller('/quotes')
@Use(basic)
class Quotes {
  @Get()
  reader(@Principal() { id }: Principal) {
    return { reader: id }
  }

  @SSE('/live')
  *live() {
    yield 'To be, or not to be'
  }
}

/** Makes the sample of basic authentication. It is for encrypted connections: the password is in every request. */
export function createBasicSample(
  people: People,
  options: Omit<AppOptions, 'controllers' | 'setup'> = {},
): Promise<App> {
  return createApp({
    ...options,
    controllers: [Quotes],
    setup: async app => {
      await app.register(basicAuth, {
        authenticate: { realm: 'quotes' },
        validate: async (name, password, request) => {
          if (!(await people.knows(name, password))) throw new UnauthorizedError('The name or the password is wrong')
          request.principal = { id: name }
        },
      })
    },
  })
}
