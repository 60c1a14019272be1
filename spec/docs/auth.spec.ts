import { expect } from 'chai'
import { EventSource } from 'eventsource'
import {
  type App,
  Controller,
  type ControllerClass,
  credentials,
  describeApi,
  Get,
  Guard,
  Jwt,
  ServerSentEvent,
  type Topics,
} from 'okapi'
import { ask } from '../support/ask.js'
import { examplesOf, runScript } from '../support/examples.js'
import { closeServers, listen } from '../support/listen.js'
import { closeAll, serve, start } from '../support/serve.js'
import { forge, keysOf, sign } from '../support/tokens.js'
import { until } from '../support/until.js'

const secret = 'a secret of 32 characters, or more'
const hmac = new TextEncoder().encode(secret)
const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe('docs/auth.md', () => {
  const { find, load } = examplesOf('docs/auth.md')
  const given = { ...process.env }
  const urls = new Map<string, string>()
  /** The server that publishes keys. */
  const keys = { there: true, asked: 0 }
  /** The app of an example, which is made once. */
  const begin = async (name: string) => {
    const example = await load<{ app: App; topics: Topics }>(name)
    if (!urls.has(name)) urls.set(name, (await start(example.app)).url)
    return { ...example, url: urls.get(name) as string }
  }
  /** An EventSource that knows where the page is from, and the cookie that its browser keeps. */
  const browserAt = (url: string, cookie = () => '', sources: EventSource[] = []) =>
    class extends EventSource {
      constructor(path: string) {
        super(url + path, {
          fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, cookie: cookie() } }),
        })
        sources.push(this)
      }
    }

  before(async () => {
    const port = await listen((_request, response) => {
      keys.asked++
      if (!keys.there) response.statusCode = 500
      response.end(JSON.stringify({ keys: [{ ...keysOf('ec').verifying.export({ format: 'jwk' }), kid: 'one' }] }))
    })
    const urlOfKeys = `http://127.0.0.1:${port}/keys`
    Object.assign(process.env, { PUBLIC_KEY: keysOf('rsa').public, JWKS_URL: urlOfKeys, SECRET: secret })
  })
  after(async () => {
    for (const name of ['PUBLIC_KEY', 'JWKS_URL', 'SECRET']) {
      if (given[name] === undefined) delete process.env[name]
      else process.env[name] = given[name]
    }
    await closeAll()
    await closeServers()
  })

  it('jwt: takes the tokens of the issuer for this app, and says more of the claims', async () => {
    const { url } = await begin('jwt')
    const by = (claims = {}) =>
      sign(keysOf('rsa').signing, { alg: 'RS256' }, { aud: 'accounts', role: 'admin', ...claims })

    expect(await ask(`${url}/accounts`, bearing(await by()))).to.equal('200 {"id":"ada","admin":true}')
    for (const token of [
      'token',
      forge({ alg: 'none' }, { aud: 'accounts' }),
      await sign(new TextEncoder().encode(keysOf('rsa').public), { alg: 'HS256' }, { aud: 'accounts' }),
      await sign(keysOf('rsa').signing, { alg: 'PS256' }, { aud: 'accounts' }),
      await by({ exp: 1 }),
      await by({ aud: 'shop' }),
      await by({ aud: undefined }),
      await by({ iss: 'https://evil.example' }),
    ]) {
      expect(await ask(`${url}/accounts`, bearing(token)), token).to.match(/^401 /)
    }
    expect(await ask(`${url}/accounts`)).to.match(/^401 .*Send a credential/)
  })

  it('jwt: says in the OpenAPI document which scheme it asks for; what says none is a 401 alone', async () => {
    const { Accounts, Members } = await load<{ Accounts: ControllerClass; Members: new () => Jwt }>('jwt')
    class Heirs extends Members {}

    @Controller('/plain')
    @Guard(credentials([Jwt]))
    class Plain {
      @Get()
      plain() {}
    }

    @Controller('/inherited')
    @Guard(credentials([Heirs]))
    class Inherited {
      @Get()
      inherited() {}
    }
    const { paths } = describeApi([Accounts, Plain, Inherited], {
      info: { title: 'Accounts', version: '1.0.0' },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    })

    expect(paths['/accounts']?.get?.security).to.deep.equal([{ bearer: [] }])
    for (const path of ['/plain', '/inherited']) {
      expect(paths[path]?.get).to.not.have.property('security')
      expect(paths[path]?.get?.responses).to.include.keys('401')
    }
  })

  it('jwks: takes tokens by the keys at a URL', async () => {
    const { url } = await begin('jwks')
    const by = (kid: string) => sign(keysOf('ec').signing, { alg: 'ES256', kid }, { aud: 'accounts' })
    const one = bearing(await by('one'))
    // Until they can be had, nobody is to blame; then they are asked for once.
    keys.there = false
    const { status, headers } = await fetch(`${url}/accounts`, one)
    expect([status, headers.get('retry-after')]).to.deep.equal([503, '5'])
    Object.assign(keys, { there: true, asked: 0 })

    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(`${url}/accounts`, one)))

    expect(new Set(answers)).to.deep.equal(new Set(['200 {"id":"ada"}']))
    for (const kid of ['two', 'three']) {
      expect(await ask(`${url}/accounts`, bearing(await by(kid)))).to.match(/^401 .*No key is known/)
    }
    expect(keys.asked).to.equal(1)
  })

  it('api key: knows a reader by the key, and everybody without one', async () => {
    const { Reports } = await load<{ Reports: ControllerClass }>('api key')
    const { url } = await serve([Reports])
    const by = (key: string) => ({ headers: { 'x-api-key': key } })

    expect(await ask(`${url}/reports`)).to.equal('200 {"for":"everybody"}')
    expect(await ask(`${url}/reports`, by('ada.a long and random secret'))).to.equal('200 {"for":"ada"}')
    for (const key of ['', 'ada', 'ada.', 'ada.another', 'eve.', 'eve.a long and random secret']) {
      expect(await ask(`${url}/reports`, by(key)), key).to.match(/^401 /)
    }
  })

  it('basic: knows a reader by name and password', async () => {
    const { url } = await begin('basic')
    const by = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } })

    expect(await ask(`${url}/reports`, by('ada:analytical engine'))).to.equal('200 {"for":"ada"}')
    for (const text of ['ada:', 'ada:difference engine', 'eve:analytical engine']) {
      expect(await ask(`${url}/reports`, by(text)), text).to.match(/^401 .*The name or the password is wrong/)
    }
    expect(await ask(`${url}/reports`)).to.match(/^401 /)
  })

  it('cookie: signs in, streams, and ends with the token; the page renews and goes on where it left off', async () => {
    const { url, topics } = await begin('cookie')
    const login = (headers = {}, password = 'analytical engine') =>
      fetch(`${url}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ name: 'ada', password }),
      })
    const cookieOf = (answer: Response) => answer.headers.getSetCookie().join().split(';', 1)[0] as string
    const set = (await login()).headers.getSetCookie().join()
    expect(set).to.match(/^__Host-token=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    for (const [site, status] of Object.entries({ 'cross-site': 403, 'same-site': 403, 'same-origin': 204 })) {
      expect((await login({ 'sec-fetch-site': site })).status, site).to.equal(status)
    }
    expect((await login({}, 'difference engine')).status).to.equal(401)

    let cookie = `__Host-token=${await sign(hmac, { alg: 'HS256' }, { exp: Math.floor(Date.now() / 1_000) + 3 })}`
    const told: unknown[] = []
    const sources: EventSource[] = []
    let renewed = 0
    await runScript(find('cookie in the browser'), {
      EventSource: browserAt(url, () => cookie, sources),
      console: { log: (line: unknown) => told.push(line) },
      signIn: async () => {
        await topics.publish('news', 'two')
        cookie = cookieOf(await login())
        renewed++
      },
    })
    await until(() => sources[0]?.readyState === EventSource.OPEN)
    await topics.publish('news', 'one')

    await until(() => told.length === 2)
    for (const source of sources) source.close()
    expect(told).to.deep.equal(['one', 'two'])
    expect({ renewed, opened: sources.length }).to.deep.equal({ renewed: 1, opened: 2 })
  })

  it('tickets: let a page in that has a token; it comes back with another one and misses nothing', async () => {
    const { app, url, topics } = await begin('tickets')
    const token = () => sign(hmac, { alg: 'HS256' })
    const told: unknown[] = []
    const sources: EventSource[] = []
    const asked: string[] = []
    await runScript(find('tickets in the browser'), {
      EventSource: browserAt(url, undefined, sources),
      fetch: (path: string, init: RequestInit) => {
        asked.push(path)
        return fetch(url + path, init)
      },
      console: { log: (line: unknown) => told.push(line) },
      setTimeout: (later: () => void) => setImmediate(later),
      token,
      signIn: () => told.push('sign in'),
    })
    await until(() => sources[0]?.readyState === EventSource.OPEN)
    await topics.publish('news', 'one')
    await until(() => told.length === 1)

    app.streams.cut()
    await topics.publish('news', 'two')

    await until(() => told.length === 2)
    for (const source of sources) source.close()
    expect(told).to.deep.equal(['one', 'two'])
    expect(asked).to.deep.equal(['/tickets', '/tickets'])
    expect(new Set(sources.map(source => new URL(source.url).searchParams.get('ticket'))).size).to.equal(2)
    expect(await ask(sources[0]?.url ?? '')).to.match(/^401 .*The credential is not valid/)
  })

  it('tickets: ask a page to sign in again whose token is no good, and wait while they cannot be had', async () => {
    const { url } = await begin('tickets')
    const told: string[] = []
    let reachable = false
    await runScript(find('tickets in the browser'), {
      EventSource: browserAt(url),
      fetch: async (path: string, init: RequestInit) => {
        if (!reachable) throw new TypeError('fetch failed')
        return fetch(url + path, init)
      },
      console,
      setTimeout: (later: () => void, wait: number) => {
        told.push(wait >= 1_000 && wait <= 5_000 ? 'later' : `after ${wait} ms`)
        reachable = true
        setImmediate(later)
      },
      token: async () => 'token',
      signIn: () => told.push('sign in'),
    })

    await until(() => told.length === 2)
    expect(told).to.deep.equal(['later', 'sign in'])
  })

  it('headers: send a token that is still good, for every connection', async () => {
    const { app, url, topics } = await begin('tickets')
    const told: unknown[] = []
    let given = 0
    let over = false
    await runScript(find('headers'), {
      server: url,
      fetch: async (...asked: Parameters<typeof fetch>) =>
        over ? new Response(null, { status: 204 }) : fetch(...asked),
      token: async () => {
        given++
        return sign(hmac, { alg: 'HS256' })
      },
      console: { log: (line: unknown) => told.push(line) },
    })
    await until(() => app.streams.size === 1)
    await topics.publish('news', new ServerSentEvent({ data: 'three', retry: 1 }))
    await until(() => told.length === 1)
    app.streams.cut()
    await topics.publish('news', 'four')

    await until(() => told.length === 2)
    expect({ told, given }).to.deep.equal({ told: ['three', 'four'], given: 2 })
    over = true
    app.streams.cut()
  })
})
