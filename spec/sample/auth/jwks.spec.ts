import { createPublicKey } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { mock } from 'node:test'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import type { RemoteJWKSetOptions } from 'jose'
import { byKeysAt } from '../../../sample/auth/jwks.js'
import { claims, createJwtSample } from '../../../sample/auth/jwt.js'
import { closeServers, listen } from '../../support/listen.js'
import { closeAll, start } from '../../support/serve.js'
import { forge, keysOf, sign } from '../../support/tokens.js'

interface PublicKey {
  readonly kid: string
  readonly alg: string
}

const old = { kid: 'old', alg: 'RS256', keys: keysOf('rsa') }
const young = { kid: 'young', alg: 'ES256', keys: keysOf('ec') }
const jwk = ({ kid, alg, keys }: typeof old): PublicKey => ({
  ...createPublicKey(keys.public).export({ format: 'jwk' }),
  ...{ kid, alg },
})
const by = ({ kid, alg, keys }: typeof old, given = {}) =>
  sign(keys.signing, { alg, kid }, { aud: claims.allowedAud, ...given })

describe('The sample of keys at a URL', () => {
  let fetched = 0
  let answer: (response: ServerResponse) => void = () => {}

  const serving = (...keys: PublicKey[]) => {
    answer = response => void response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  }
  const begin = async (options: RemoteJWKSetOptions = {}) => {
    const port = await listen((_request, response) => {
      fetched++
      answer(response)
    })
    const keys = byKeysAt(new URL(`http://127.0.0.1:${port}/keys`), options)
    const { url } = await start(await createJwtSample(keys, { fastify: { logger: false } }))
    return {
      url,
      ask: (token: string) => fetch(`${url}/quotes`, { headers: { authorization: `Bearer ${token}` } }),
    }
  }

  beforeEach(() => {
    fetched = 0
    serving(jwk(old))
  })
  afterEach(async () => {
    mock.reset()
    await closeAll()
    await closeServers()
  })

  it('fetches them once for many requests, also for those at the same time', async () => {
    const { ask } = await begin()
    const token = await by(old)

    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token)))
    expect((await ask(token)).status).to.equal(200)

    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(200))
    expect(fetched).to.equal(1)
  })

  it('fetches them again after ten minutes', async () => {
    const { ask } = await begin()
    await ask(await by(old))
    const now = Date.now()
    let passed = 599_000
    mock.method(Date, 'now', () => now + passed)

    expect((await ask(await by(old))).status).to.equal(200)
    expect(fetched).to.equal(1)
    passed = 600_000
    expect((await ask(await by(old))).status).to.equal(200)
    expect(fetched).to.equal(2)
  })

  it('takes a new key as soon as there is one, and refuses one that has gone', async () => {
    const { ask } = await begin({ cooldownDuration: 0 })
    expect((await ask(await by(old))).status).to.equal(200)

    serving(jwk(young))

    expect((await ask(await by(young))).status).to.equal(200)
    expect(fetched).to.equal(2)
    expect((await ask(await by(old))).status).to.equal(401)
  })

  it('refuses a token of an unknown key, and does not fetch for each', async () => {
    const { ask } = await begin()
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => ask(await by({ ...old, kid: `${n}` }))),
    )

    for (const { status, headers } of answers) {
      expect(status).to.equal(401)
      expect(headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
    }
    expect(fetched).to.equal(1)
  })

  it('refuses what was forged', async () => {
    const { ask } = await begin()
    const { aud } = { aud: claims.allowedAud }
    const modulus = new TextEncoder().encode(JSON.stringify(jwk(old)))

    for (const token of [
      forge({ alg: 'none', kid: 'old' }, { aud }),
      forge({ alg: 'RS256', kid: 'old' }, { aud }, 'c2lnbmVk'),
      forge({ alg: 'RS256', kid: 'old', jku: 'http://evil.example', jwk: jwk(young) }, { aud }, 'c2lnbmVk'),
      forge({ kid: 'old' }, { aud }, 'c2lnbmVk'),
      forge({ alg: 7, kid: ['old'] }, { aud }, 'c2lnbmVk'),
      await sign(modulus, { alg: 'HS256', kid: 'old' }, { aud }),
      await sign(keysOf('rsa', 'eve').signing, { alg: 'RS256', kid: 'old' }, { aud }),
      await by({ ...young, kid: 'old' }),
      await by(old, { exp: 1 }),
      await by(old, { aud: 'shop' }),
    ]) {
      expect((await ask(token)).status, token).to.equal(401)
    }
  })

  describe('says 503, and when to come back,', () => {
    const failing: [what: string, answer: typeof answer][] = [
      ['if they do not come in time', () => {}],
      ['if they come as an error', response => response.writeHead(500).end()],
      ['if they are no keys', response => response.end('<html>')],
      ['if the connection breaks', response => response.destroy()],
    ]
    for (const [what, given] of failing) {
      it(`${what}, and goes on when they can be had again`, async () => {
        const { ask } = await begin({ timeoutDuration: 20 })
        answer = given

        const refused = await ask(await by(old))
        const { detail } = (await refused.json()) as { detail: string }
        serving(jwk(old))

        expect(refused.status).to.equal(503)
        expect(refused.headers.get('retry-after')).to.equal('5')
        expect(detail).to.equal('The keys cannot be had just now')
        expect((await ask(await by(old))).status).to.equal(200)
      })
    }

    it('to an EventSource in the form that it survives', async () => {
      const { url } = await begin({ timeoutDuration: 20 })
      const token = await by(old)
      answer = response => response.writeHead(500).end()
      const source = new EventSource(`${url}/quotes/live`, {
        fetch: (input, init) =>
          fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
      })

      const told = await new Promise<string>(resolve =>
        source.addEventListener('stream:end', ({ data }) => resolve(data)),
      )

      expect(told).to.equal('{"reason":"busy"}')
      expect(source.readyState).not.to.equal(source.CLOSED)
      source.close()
    })
  })
})
