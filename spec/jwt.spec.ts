import cookie from '@fastify/cookie'
import jwt, { type FastifyJWTOptions } from '@fastify/jwt'
import { expect } from 'chai'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { JWTPayload } from 'jose'
import {
  type AppOptions,
  Controller,
  type ControllerClass,
  credentials,
  Get,
  Guard,
  HttpError,
  Jwt,
  type JwtClaims,
  okapi,
  Principal,
} from 'okapi'
import request from 'supertest'
import { type LogLine, logger } from './support/logged.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'
import { audience, forge, issuer, keysOf, sign } from './support/tokens.js'

const secret = 'a secret of 32 characters, or more'
const hmac = new TextEncoder().encode(secret)
const claims = { allowedIss: issuer, allowedAud: audience, requiredClaims: ['iss', 'aud', 'sub', 'exp'] }

@Controller('/me')
class Me {
  @Get()
  @Guard(credentials([Jwt], { anonymous: true }))
  me(@Principal() principal?: Principal) {
    return principal ?? { id: null }
  }
}

describe('Jwt', () => {
  let lines: LogLine[] = []

  const start = async (options: FastifyJWTOptions, controller: ControllerClass = Me, app: Partial<AppOptions> = {}) => {
    const { url } = await serve([controller], {
      fastify: { logger: logger(lines) },
      setup: async app => {
        await app.register(cookie)
        await app.register(jwt, options)
      },
      ...app,
    })
    return (headers: Record<string, string> = {}) => request(url).get('/me').set(headers)
  }
  const bearing = (token: string) => ({ authorization: `Bearer ${token}` })
  const withSecret: FastifyJWTOptions = { secret, verify: { algorithms: ['HS256'], ...claims } }
  const withRsa: FastifyJWTOptions = {
    secret: { public: keysOf('rsa').public },
    verify: { algorithms: ['RS256', 'PS256'], ...claims },
  }

  beforeEach(() => {
    lines = []
  })
  afterEach(closeAll)

  it('makes a principal of `sub` that ends with `exp`', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const ask = await start(withSecret)

    const { status, body } = await ask(bearing(await sign(hmac, { alg: 'HS256' }, { exp })))

    expect({ status, body }).to.deep.equal({ status: 200, body: { id: 'ada', expiresAt: exp * 1_000 } })
  })

  for (const [alg, type] of [
    ['RS256', 'rsa'],
    ['PS256', 'rsa'],
    ['ES256', 'ec'],
    ['EdDSA', 'ed25519'],
  ] as const) {
    it(`takes tokens that are signed by ${alg}, and by no other key`, async () => {
      const ask = await start({
        secret: { public: keysOf(type).public },
        verify: { algorithms: [alg], ...claims },
      })

      expect((await ask(bearing(await sign(keysOf(type).signing, { alg })))).body.id).to.equal('ada')
      expect((await ask(bearing(await sign(keysOf(type, `${type} of Eve`).signing, { alg })))).status).to.equal(401)
    })
  }

  it('reads the scheme in any case, and is not there without a token', async () => {
    const ask = await start(withSecret)
    const token = await sign(hmac, { alg: 'HS256' })

    expect((await ask({ authorization: `bearer ${token}` })).body.id).to.equal('ada')
    expect((await ask()).body).to.deep.equal({ id: null })
  })

  describe('refuses with 401, and logs nothing,', () => {
    const now = () => Math.floor(Date.now() / 1_000)
    const rsa = keysOf('rsa')
    const byRsa = (claims: JwtClaims) => sign(rsa.signing, { alg: 'RS256' }, claims as JWTPayload)
    const signatureOf = (token: string): string => token.split('.')[2] as string
    const refused: [what: string, token: () => string | Promise<string>, detail?: string][] = [
      ['an expired token', () => byRsa({ exp: now() - 1 }), 'The token has expired'],
      ['a token that is not valid yet', () => byRsa({ nbf: now() + 60 })],
      ['a token for somebody else', () => byRsa({ aud: 'shop' })],
      ['a token for nobody', () => byRsa({ aud: undefined })],
      ['a token of another issuer', () => byRsa({ iss: 'https://evil.example' })],
      ['a token without an issuer', () => byRsa({ iss: undefined })],
      ['a token without a subject', () => byRsa({ sub: undefined })],
      ['a token without an end', () => byRsa({ exp: undefined })],
      ['a token of nobody', () => byRsa({ sub: '' }), 'The credential is not valid'],
      ['a token whose end is no time', () => byRsa({ exp: 'tomorrow' as never })],
      ['a token without an algorithm', () => forge({ alg: 'none', typ: 'JWT' })],
      ['a token without an algorithm, and signed', () => forge({ alg: 'none' }, {}, 'c2lnbmVk')],
      ['a token without an algorithm, in other letters', () => forge({ alg: 'nOnE' })],
      ['a token without a signature', () => forge({ alg: 'RS256' })],
      ['an HMAC by the public key', () => sign(new TextEncoder().encode(rsa.public), { alg: 'HS256' })],
      ['an algorithm that is not allowed', () => sign(rsa.signing, { alg: 'RS384' })],
      ['an algorithm for another kind of key', () => sign(keysOf('ec').signing, { alg: 'ES256' })],
      ['the algorithm of a prototype', () => forge({ alg: '__proto__' }, {}, 'c2lnbmVk')],
      [
        'a token that was changed',
        async () => forge({ alg: 'RS256', typ: 'JWT' }, { sub: 'eve' }, signatureOf(await byRsa({}))),
      ],
      [
        'a critical header that nobody knows',
        () => sign(rsa.signing, { alg: 'RS256', crit: ['b64'], b64: true } as never),
      ],
      ['what is no token', () => 'token'],
      ['three parts that are none', () => 'a.b.c'],
      ['an empty text', () => ''],
      ['two tokens', async () => `${await byRsa({})} ${await byRsa({})}`],
      [
        'claims that are no object',
        () => `${forge({ alg: 'RS256' }).split('.')[0]}.${Buffer.from('7').toString('base64url')}.x`,
      ],
    ]
    for (const [what, token, detail] of refused) {
      it(what, async () => {
        const ask = await start(withRsa)

        const { status, headers, body } = await ask(bearing(await token()))

        expect({ status, body }, JSON.stringify(lines)).to.have.property('status', 401)
        expect(headers['www-authenticate']).to.equal('Bearer error="invalid_token"')
        if (detail) expect(body.detail).to.equal(detail)
        expect(lines).to.deep.equal([])
      })
    }
  })

  it('takes a token for nobody where the plugin is not told which claims there have to be', async () => {
    const ask = await start({ secret, verify: { algorithms: ['HS256'], allowedAud: audience } })

    expect((await ask(bearing(await sign(hmac, { alg: 'HS256' }, { aud: undefined })))).body.id).to.equal('ada')
    expect((await ask(bearing(await sign(hmac, { alg: 'HS256' }, { aud: 'shop' })))).status).to.equal(401)
  })

  it('says in the terms of RFC 6750 that a token is not valid', async () => {
    const ask = await start(withSecret)

    const { headers, body } = await ask(bearing(await sign(hmac, { alg: 'HS256' }, { aud: 'shop' })))

    expect(headers['www-authenticate']).to.equal('Bearer error="invalid_token"')
    expect(body).to.deep.equal({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'The token is not valid',
    })
  })

  describe('in a cookie', () => {
    const withCookie: FastifyJWTOptions = { ...withSecret, cookie: { cookieName: 'token', signed: false } }

    it('is read from the one that the plugin names', async () => {
      const ask = await start(withCookie)

      expect((await ask({ cookie: `token=${await sign(hmac, { alg: 'HS256' })}` })).body.id).to.equal('ada')
      expect((await ask({ cookie: `other=${await sign(hmac, { alg: 'HS256' })}` })).body.id).to.equal(null)
    })

    it('is never taken for none: a bad one is answered 401', async () => {
      const ask = await start(withCookie)
      const expired = await sign(hmac, { alg: 'HS256' }, { exp: 1 })

      for (const token of [expired, 'x', '']) {
        expect((await ask({ cookie: `token=${token}` })).status, token).to.equal(401)
      }
    })

    it('does not make up for a bad one in the header', async () => {
      const ask = await start(withCookie)

      const { status } = await ask({ cookie: `token=${await sign(hmac, { alg: 'HS256' })}`, ...bearing('x') })

      expect(status).to.equal(401)
    })

    it('is not looked at where the plugin names none', async () => {
      const ask = await start(withSecret)

      expect((await ask({ cookie: 'token=x' })).status).to.equal(200)
    })
  })

  describe('whose key is looked for', () => {
    const withKeys = (find: () => Promise<string>): FastifyJWTOptions => ({
      ...withRsa,
      decode: { complete: true },
      secret: find,
    })
    const token = () => sign(keysOf('rsa').signing, { alg: 'RS256' })

    it('is verified by it', async () => {
      const ask = await start(withKeys(async () => keysOf('rsa').public))

      expect((await ask(bearing(await token()))).body.id).to.equal('ada')
    })

    it('is refused as whoever looks for it says', async () => {
      const ask = await start(
        withKeys(async () => {
          throw new HttpError(503, 'The keys cannot be had', { headers: { 'retry-after': '5' } })
        }),
      )

      const { status, headers } = await ask(bearing(await token()))

      expect(status).to.equal(503)
      expect(headers['retry-after']).to.equal('5')
    })

    it('is a 500, and is logged, where that fails', async () => {
      const ask = await start(
        withKeys(async () => {
          throw new TypeError('fetch failed')
        }),
      )

      expect((await ask(bearing(await token()))).status).to.equal(500)
      expect(lines[0]).to.have.nested.property('err.message', 'fetch failed')
    })
  })

  it('tells whoever forgot the plugin, at boot', async () => {
    expect(await refusal([Me])).to.equal(
      'Me.me, @Guard(Credentials), Jwt: needs @fastify/jwt: register it before the controllers, in setup',
    )
  })

  it('tells whoever forgot the plugin of cookies, at boot', async () => {
    const setup = async (app: FastifyInstance) => {
      await app.register(jwt, { ...withSecret, cookie: { cookieName: 'token', signed: false } })
    }

    expect(await refusal([Me], { setup })).to.equal(
      'Me.me, @Guard(Credentials), Jwt: needs @fastify/cookie: register it before the controllers, in setup',
    )
  })

  it('finds the plugin in an app that registers it behind the controllers', async () => {
    const app = fastify()
    await app.register(okapi, { controllers: [Me] })
    await app.register(jwt, withSecret)
    await app.ready()

    const { body } = await request(app.server)
      .get('/me')
      .set(bearing(await sign(hmac, { alg: 'HS256' })))

    expect(body).to.have.property('id', 'ada')
    await app.close()
  })

  it('makes more of the claims where it is extended, and uses a namespace', async () => {
    class Employees extends Jwt {
      protected override claimsOf(request: FastifyRequest): Promise<JwtClaims> {
        return (request as FastifyRequest & { staffJwtVerify(): Promise<JwtClaims> }).staffJwtVerify()
      }

      protected override principalOf(claims: JwtClaims) {
        const principal = super.principalOf(claims)
        return principal && { ...principal, roles: claims.roles }
      }
    }

    @Controller('/me')
    class Staff {
      @Get()
      @Guard(credentials([Employees]))
      me(@Principal() principal: Principal) {
        return principal
      }
    }
    const ask = await start({ ...withSecret, namespace: 'staff' }, Staff)

    const { body } = await ask(bearing(await sign(hmac, { alg: 'HS256' }, { roles: ['admin'] })))

    expect(body).to.deep.include({ id: 'ada', roles: ['admin'] })
    expect((await ask(bearing('x'))).status).to.equal(401)
  })
})
