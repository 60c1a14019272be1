import { once } from 'node:events'
import jwt, { type FastifyJWTOptions } from '@fastify/jwt'
import {
  type App,
  type AppOptions,
  Controller,
  createApp,
  credentials,
  Get,
  Guard,
  Jwt,
  Principal,
  Signal,
  SSE,
} from 'okapi'

/** For whoever brings a token. */
@Controller('/quotes')
@Guard(credentials([Jwt]))
class Quotes {
  @Get()
  reader(@Principal() { id }: Principal) {
    return { reader: id }
  }

  @SSE('/live')
  async *live(@Signal() signal: AbortSignal) {
    yield 'To be, or not to be'
    await once(signal, 'abort')
  }
}

/** Who issues the tokens, and for whom. A claim that is not required is not looked at where a token has none. */
export const claims = {
  allowedIss: 'https://id.example',
  allowedAud: 'quotes',
  requiredClaims: ['iss', 'aud', 'sub', 'exp'],
}

/** How tokens are verified: by which key, and by no other algorithms than these. */
export interface Verification {
  readonly secret: FastifyJWTOptions['secret']
  readonly algorithms: NonNullable<NonNullable<FastifyJWTOptions['verify']>['algorithms']>
}

/** For tokens that are signed with a secret that both sides know. */
export function bySecret(secret: string): Verification {
  return { secret, algorithms: ['HS256'] }
}

/** For tokens that are signed with a private key, of whatever kind; here is the public one, as PEM. */
export function byPublicKey(key: string): Verification {
  return { secret: { public: key }, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] }
}

/** Makes the sample of JSON Web Tokens. */
export function createJwtSample(
  { secret, algorithms }: Verification,
  options: Omit<AppOptions, 'controllers' | 'setup'> = {},
): Promise<App> {
  return createApp({
    ...options,
    controllers: [Quotes],
    setup: async app => {
      // Complete: keys that are looked for are found by the header of the token.
      await app.register(jwt, { secret, decode: { complete: true }, verify: { algorithms, ...claims } })
    },
  })
}
