import { once } from 'node:events'
import { expect } from 'chai'
import { type AppOptions, Controller, Cookie, createApp, Delete, Get, html, Signal, SSE } from 'okapi'
import type { Page } from 'playwright-core'
import { closePages, launch, newPage } from './support/browser.js'
import { Connection, get, leaveAll } from './support/connection.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'

@Controller('/api')
class Api {
  @Get()
  get() {
    return { got: true }
  }

  @Delete()
  delete() {}

  @SSE('/stream')
  async *stream(@Signal() signal: AbortSignal, @Cookie('user') user: string = 'nobody') {
    yield user
    await once(signal, 'abort')
  }

  @SSE('/post', { method: 'POST' })
  post() {
    return ['posted']
  }
}

@Controller()
class Home {
  @Get()
  home() {
    return html`<title>Home</title>`
  }
}

describe('protect', () => {
  const start = async (options: Partial<AppOptions>): Promise<string> => (await serve([Api], options)).url

  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  it('adds nothing that nobody asked for', async () => {
    const { headers } = await fetch(`${await start({})}/api`, { headers: { origin: 'https://a.example' } })

    for (const name of ['access-control-allow-origin', 'content-security-policy', 'x-ratelimit-limit']) {
      expect(headers.get(name), name).to.equal(null)
    }
  })

  it('with compress and etag, compresses what is long, and tags what is not a stream', async () => {
    const url = await start({ compress: { threshold: 1 }, etag: true })
    const got = await fetch(`${url}/api`, { headers: { 'accept-encoding': 'gzip' } })
    const stream = await subscribe(`${url}/api/stream`, { headers: { 'accept-encoding': 'gzip' } })
    await stream.take(1)

    expect(await got.json()).to.deep.equal({ got: true })
    expect([got.headers.get('content-encoding'), got.headers.get('etag')?.slice(0, 3)]).to.deep.equal(['gzip', 'W/"'])
    for (const name of ['content-encoding', 'etag']) expect(stream.headers.get(name), name).to.equal(null)
  })

  describe('with cors', () => {
    const origin = 'https://a.example'
    const ask = (url: string, init: RequestInit = {}): Promise<Response> =>
      fetch(url, { ...init, headers: { origin, ...init.headers } })

    it('lets all origins in, on every answer: of methods, streams, refusals and unknown paths', async () => {
      const url = await start({ cors: true, admission: { total: 1 } })
      const stream = await subscribe(`${url}/api/stream`, { headers: { origin } })
      await stream.take(1)
      const refused = await ask(`${url}/api/stream`)
      const gentle = await ask(`${url}/api/stream`, { headers: { accept: 'text/event-stream' } })
      const answers = [stream, refused, gentle, await ask(`${url}/api`), await ask(`${url}/nothing`)]

      expect(answers.map(({ status }) => status)).to.deep.equal([200, 503, 200, 200, 404])
      for (const { headers } of answers) {
        expect(headers.get('access-control-allow-origin')).to.equal('*')
        expect(headers.get('access-control-allow-credentials')).to.equal(null)
      }
      expect(refused.headers.get('access-control-expose-headers')).to.equal('retry-after')
    })

    it('answers the preflight of every method, with the headers that are asked for', async () => {
      const url = await start({ cors: true })

      const { status, headers } = await ask(`${url}/api`, {
        method: 'OPTIONS',
        headers: {
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'content-type, last-event-id',
        },
      })

      expect(status).to.equal(204)
      expect(headers.get('access-control-allow-methods')).to.equal('GET, HEAD, POST, PUT, PATCH, DELETE')
      expect(headers.get('access-control-allow-headers')).to.equal('content-type, last-event-id')
    })

    it('leaves unknown paths and wrong methods as they were', async () => {
      const url = await start({ cors: true })

      expect((await fetch(`${url}/nothing`)).status).to.equal(404)
      const wrong = await fetch(`${url}/api`, { method: 'PUT' })
      expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'DELETE, GET, HEAD'])
    })

    it('takes origins of other schemes than http, and those of pages without one', async () => {
      for (const origin of ['capacitor://localhost', 'chrome-extension://abcdef', 'null', 'http://127.0.0.1:8080']) {
        const url = await start({ cors: { origin: [origin, /never/] } })

        expect((await fetch(url, { headers: { origin } })).headers.get('access-control-allow-origin')).to.equal(origin)
      }
    })

    it('lets in the origins that are named, and no others', async () => {
      const url = await start({ cors: { origin: [origin] } })

      const [one, other] = [
        await ask(`${url}/api`),
        await ask(`${url}/api`, { headers: { origin: 'https://b.example' } }),
      ]

      expect(one.headers.get('access-control-allow-origin')).to.equal(origin)
      expect(other.headers.get('access-control-allow-origin')).to.equal(null)
    })

    it('refuses at boot what no browser would heed: credentials for every origin', async () => {
      for (const cors of [{ credentials: true }, { credentials: true, origin: ['https://a.example', '*'] }]) {
        expect(await refusal([Api], { cors })).to.equal(
          "createApp(), option cors: allows credentials to every origin, which browsers refuse: name yours, such as origin: ['https://app.example']",
        )
      }
    })

    it('refuses at boot what every browser would heed: credentials for whoever asks', async () => {
      expect(await refusal([Api], { cors: { credentials: true, origin: true } })).to.equal(
        "createApp(), option cors: allows credentials to every origin, so that any page acts in the name of your users: name yours, such as origin: ['https://app.example']",
      )
    })
  })

  describe('with cors, in Chromium', function () {
    this.timeout(30_000)
    before(launch)
    afterEach(closePages)

    /** A page of another origin than the API, with a cookie for both. */
    async function visit(): Promise<{ page: Page; origin: string }> {
      const { url } = await serve([Home])
      const page = await newPage()
      await page.context().addCookies([{ name: 'user', value: 'ann', url }])
      await page.goto(url)
      return { page, origin: url }
    }

    it('lets an EventSource with credentials in, past the security headers', async () => {
      const { page, origin } = await visit()
      const url = await start({ cors: { origin: [origin], credentials: true }, securityHeaders: true })

      const data = await page.evaluate(`new Promise((resolve, reject) => {
        const source = new EventSource('${url}/api/stream', { withCredentials: true })
        source.onmessage = ({ data }) => { source.close(); resolve(data) }
        source.onerror = () => reject(new Error('refused'))
      })`)

      expect(data).to.equal('ann')
    })

    it('keeps an EventSource out whose origin is not named', async () => {
      const { page } = await visit()
      const url = await start({ cors: { origin: ['https://a.example'], credentials: true } })

      const state = await page.evaluate(`new Promise((resolve, reject) => {
        const source = new EventSource('${url}/api/stream', { withCredentials: true })
        source.onmessage = () => reject(new Error('let in'))
        source.onerror = () => resolve(source.readyState)
      })`)

      expect(state).to.equal(2)
    })

    it('tells an EventSource of another origin that there is no room, and does not end it', async () => {
      const { page, origin } = await visit()
      const url = await start({ cors: { origin: [origin], credentials: true }, rateLimit: { max: 0 } })

      const told = await page.evaluate(`new Promise(resolve => {
        const source = new EventSource('${url}/api/stream', { withCredentials: true })
        let told
        source.addEventListener('stream:end', ({ data }) => (told = data))
        source.onerror = () => resolve([told, source.readyState])
      })`)

      expect(told).to.deep.equal(['{"reason":"limit"}', 0])
    })
  })

  describe('with securityHeaders', () => {
    it('sends them with every answer, of streams too', async () => {
      const url = await start({ securityHeaders: true })
      const answers = [
        await fetch(`${url}/api`),
        await subscribe(`${url}/api/stream`),
        await subscribe(`${url}/api/post`, { method: 'POST' }),
        await fetch(`${url}/nothing`),
      ]

      for (const { headers } of answers) {
        expect(headers.get('x-content-type-options')).to.equal('nosniff')
        expect(headers.get('content-security-policy')).to.contain("default-src 'self'")
      }
      expect(answers[1]?.headers.get('content-type')).to.equal('text/event-stream')
    })

    it('sends those that were chosen', async () => {
      const url = await start({ securityHeaders: { contentSecurityPolicy: false } })
      const { headers } = await fetch(`${url}/api`)

      expect(headers.get('content-security-policy')).to.equal(null)
      expect(headers.get('x-content-type-options')).to.equal('nosniff')
    })
  })

  describe('with rateLimit', () => {
    it('refuses what is too much with problem details that say when to come back', async () => {
      const url = await start({ rateLimit: { max: 1, timeWindow: 60_000 } })
      expect((await fetch(`${url}/api`)).status).to.equal(200)

      const response = await fetch(`${url}/api`)

      expect(response.status).to.equal(429)
      expect(response.headers.get('retry-after')).to.equal('60')
      expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      expect(await response.json()).to.deep.equal({
        type: 'about:blank',
        title: 'Too Many Requests',
        status: 429,
        detail: 'Too many requests: try again in 1 minute',
        code: 'ERR_RATE_LIMIT',
      })
    })

    it('refuses a stream before it opens', async () => {
      const { app, url } = await serve([Api], { rateLimit: { max: 1 } })
      const stream = await subscribe(`${url}/api/stream`)
      await stream.take(1)
      expect(stream.headers.get('x-ratelimit-remaining')).to.equal('0')

      expect((await fetch(`${url}/api/stream`)).status).to.equal(429)
      expect((await fetch(`${url}/api/post`, { method: 'POST' })).status).to.equal(429)

      expect(app.streams.size).to.equal(1)
    })

    it('asks an EventSource to come back when the time is over', async () => {
      const url = await start({ rateLimit: { max: 0, timeWindow: 60_000 } })

      const connection = await Connection.open(url, get('/api/stream', { accept: 'text/event-stream' }))

      await connection.has('stream:end')
      expect(connection.text).to.match(/^HTTP\/1\.1 200 OK\r\n/)
      expect(connection.body).to.match(/^event: stream:end\nretry: 6[1-5]\d{3}\ndata: \{"reason":"limit"\}\n\n$/)
    })

    it('counts who tries paths that are not there', async () => {
      const url = await start({ rateLimit: { max: 2 } })

      const statuses = [await fetch(`${url}/a`), await fetch(`${url}/b`), await fetch(`${url}/c`)]

      expect(statuses.map(({ status }) => status)).to.deep.equal([404, 404, 429])
    })

    it('does not count probes', async () => {
      const url = await start({ rateLimit: { max: 1 }, health: true })

      for (let n = 0; n < 5; n++) expect((await fetch(`${url}/readyz`)).status).to.equal(200)
    })

    it('bans with 403 who goes on', async () => {
      const url = await start({ rateLimit: { max: 0, ban: 0 } })

      const response = await fetch(`${url}/api/stream`, { headers: { accept: 'text/event-stream' } })

      expect(response.status).to.equal(403)
      expect(((await response.json()) as { code: string }).code).to.equal('ERR_RATE_LIMIT')
    })

    it('lets its options say it otherwise', async () => {
      const url = await start({
        rateLimit: { max: 0, errorResponseBuilder: () => Object.assign(new Error('Slow down'), { statusCode: 429 }) },
      })

      const response = await fetch(`${url}/api`)

      expect(await response.json()).to.deep.include({ status: 429, detail: 'Slow down' })
    })

    it('takes true for the defaults of the plugin', async () => {
      const { headers } = await fetch(`${await start({ rateLimit: true })}/api`)

      expect(headers.get('x-ratelimit-limit')).to.equal('1000')
      expect(headers.get('x-ratelimit-reset'), 'seconds').to.equal('60')
    })
  })

  it('stands before the routes of setup, too', async () => {
    const app = await createApp({
      controllers: [Api],
      securityHeaders: true,
      fastify: { logger: false },
      setup: app => void app.get('/own', () => 'own'),
    })

    const { headers } = await app.inject('/own')

    expect(headers['x-content-type-options']).to.equal('nosniff')
    await app.close()
  })
})
