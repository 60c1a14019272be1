import { once } from 'node:events'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import type { FastifyInstance } from 'fastify'
import {
  type AppOptions,
  Channel,
  Controller,
  createApp,
  type EventWriter,
  Get,
  Head,
  Signal,
  SSE,
  Stream,
} from 'okapi'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { soon } from '../support/eventually.js'
import { latch } from '../support/latch.js'
import { closeAll, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

/** When a credential ends, at the moment that somebody asks. */
let ends = (): number => Number.POSITIVE_INFINITY

/** Takes who comes from a header: a guard would know better. */
function identify(app: FastifyInstance): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRequest', async request => {
    const { user, until: expiresAt } = request.headers
    if (user === undefined) return
    request.principal = { id: `${user}`, ...(expiresAt && { expiresAt: Number(expiresAt) }) }
    if (expiresAt === 'asked') Object.defineProperty(request.principal, 'expiresAt', { get: () => ends() })
  })
}

describe('The admission of streams', () => {
  let parked = latch()
  let begun = 0

  @Controller('/s')
  class Streaming {
    @SSE('/open')
    async *open(@Signal() signal: AbortSignal) {
      begun++
      yield 'a'
      await once(signal, 'abort')
    }

    @SSE('/other')
    async *other(@Signal() signal: AbortSignal) {
      yield* this.open(signal)
    }

    @SSE('/post', { method: 'POST' })
    async *post(@Signal() signal: AbortSignal) {
      yield* this.open(signal)
    }

    @SSE('/set-up')
    async setUp() {
      begun++
      await parked.promise
      return ['late']
    }

    @SSE('/silent')
    async *silent() {
      begun++
      yield* await parked.promise.then(() => [])
    }

    @SSE('/throws')
    throws(): string[] {
      throw new Error('at once')
    }

    @SSE('/throws-async')
    async *throwsAsync() {
      yield await Promise.reject(new Error('before the first event'))
    }

    @SSE('/fails')
    async *fails() {
      yield 'a'
      throw new Error('later')
    }

    @SSE('/no-source')
    noSource(): string[] {
      return 1 as unknown as string[]
    }

    @SSE('/done')
    done() {
      return ['a']
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter) {
      await stream.data('a')
    }

    @SSE('/channel')
    channel() {
      const channel = new Channel<string>()
      channel.trySend('a')
      return channel
    }

    @Head('/done')
    head() {}

    @Get('/plain')
    plain() {
      return 'plain'
    }
  }

  const start = (options: Omit<AppOptions, 'controllers'>) =>
    serve([Streaming], { closeGrace: 50, setup: identify, ...options })
  const open = async (url: string, init?: RequestInit): Promise<Subscription> => {
    const stream = await subscribe(url, init)
    if (stream.status === 200) await stream.take(1)
    return stream
  }

  beforeEach(() => {
    parked = latch()
    begun = 0
  })
  afterEach(async () => {
    leaveAll()
    parked.open()
    await closeAll()
  })

  describe('refuses', () => {
    for (const [limit, status, detail] of [
      ['perPrincipal', 429, 'You have too many event streams open: close one, or try again later'],
      ['perAddress', 429, 'Too many event streams are open from your address: close one, or try again later'],
      ['perRoute', 503, 'Too many event streams are open: try again later'],
      ['total', 503, 'Too many event streams are open: try again later'],
    ] as const) {
      it(`a fetch client by ${limit} with ${status}, as problem details with Retry-After`, async () => {
        const { url } = await start({ admission: { [limit]: 1 } })
        await open(`${url}/s/open`, { headers: { user: 'ann' } })

        const response = await fetch(`${url}/s/open`, { headers: { user: 'ann' } })

        expect(response.status).to.equal(status)
        expect(response.headers.get('retry-after')).to.equal('5')
        expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
        expect(await response.json()).to.deep.equal({
          type: 'about:blank',
          title: status === 429 ? 'Too Many Requests' : 'Service Unavailable',
          status,
          detail,
          code: 'ERR_STREAM_LIMIT',
        })
        expect(begun, 'the method is not called').to.equal(1)
      })
    }

    it('a POST whatever it accepts', async () => {
      const { url } = await start({ admission: { total: 1 } })
      await open(`${url}/s/open`)

      const response = await fetch(`${url}/s/post`, { method: 'POST', headers: { accept: 'text/event-stream' } })

      expect(response.status).to.equal(503)
    })

    it('an EventSource with 200, a reconnection time and stream:end, byte for byte', async () => {
      const { url } = await start({ admission: { total: 1, retryAfter: 20_000 } })
      await open(`${url}/s/open`)

      const connection = await Connection.open(
        url,
        get('/s/open', { accept: 'text/event-stream', connection: 'close' }),
      )
      const [head = '', body] = (await connection.end()).split('\r\n\r\n')

      expect(head).to.match(/^HTTP\/1\.1 200 OK\r\n/)
      expect(head).to.match(/\r\ncontent-type: text\/event-stream\r\n/)
      expect(head).to.match(/\r\ncache-control: no-cache, no-transform\r\n/)
      expect(head).not.to.match(/retry-after/i)
      expect(body).to.match(/^event: stream:end\nretry: 2[1-5]\d{3}\ndata: \{"reason":"busy"\}\n\n$/)
    })

    it('an EventSource so that it comes back, and is let in when there is room', async () => {
      const { url } = await start({ admission: { total: 1, retryAfter: 1 } })
      const first = await open(`${url}/s/open`)
      const reasons: string[] = []
      const source = new EventSource(`${url}/s/open`)
      source.addEventListener('stream:end', ({ data }) => {
        reasons.push(data)
        first.leave()
      })

      // Back after 2 to 6 seconds: as early as it may be asked to.
      const [{ data }] = (await soon(once(source, 'message'), 'it is let in', 9_000)) as [MessageEvent]

      expect(data).to.equal('a')
      expect(reasons).to.deep.equal(['{"reason":"busy"}'])
      source.close()
    })

    it('who comes, and never puts out who is in', async () => {
      const { app, url } = await start({ admission: { perPrincipal: 2 } })
      const init = { headers: { user: 'ann' } }
      const inside = [await open(`${url}/s/open`, init), await open(`${url}/s/open`, init)]

      for (let n = 0; n < 5; n++) expect((await open(`${url}/s/open`, init)).status).to.equal(429)

      expect(app.streams.size).to.equal(2)
      for (const stream of inside) expect(stream.text()).to.equal('data: a\n\n')
    })

    it('nobody who asks for something else', async () => {
      const { url } = await start({ admission: { total: 1 } })
      await open(`${url}/s/open`)

      expect(await (await fetch(`${url}/s/plain`)).text()).to.equal('plain')
    })

    it('without a word in the log', async () => {
      const lines: string[] = []
      const stream = { write: (line: string) => void lines.push(line) }
      const app = await createApp({
        controllers: [Streaming],
        admission: { total: 1 },
        fastify: { logger: { level: 'warn', stream } },
      })
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      await open(`${url}/s/open`)

      expect((await fetch(`${url}/s/open`)).status).to.equal(503)

      await app.close()
      expect(lines).to.deep.equal([])
    })
  })

  describe('counts', () => {
    it('the app, each route, each controller and each principal as it was asked to', async () => {
      @Controller('/limited', { admission: { total: 2 } })
      class Limited {
        @SSE('/one', { admission: { perPrincipal: 1 } })
        async *one(@Signal() signal: AbortSignal) {
          yield 'a'
          await once(signal, 'abort')
        }

        @SSE('/two')
        async *two(@Signal() signal: AbortSignal) {
          yield* this.one(signal)
        }
      }
      const { url } = await serve([Limited, Streaming], { setup: identify, admission: { total: 3 } })
      const status = async (path: string, user: string): Promise<number> =>
        (await open(url + path, { headers: { user } })).status

      expect(await status('/limited/one', 'ann')).to.equal(200)
      expect(await status('/limited/one', 'ann'), 'perPrincipal of the route').to.equal(429)
      expect(await status('/limited/two', 'ann')).to.equal(200)
      expect(await status('/limited/one', 'bob'), 'total of the controller').to.equal(503)
      expect(await status('/s/open', 'bob')).to.equal(200)
      expect(await status('/s/open', 'bob'), 'total of the app').to.equal(503)
    })

    it('the addresses that a trusted proxy tells', async () => {
      const { url } = await start({ admission: { perAddress: 1 }, fastify: { trustProxy: true } })
      const status = async (address: string): Promise<number> =>
        (await open(`${url}/s/open`, { headers: { 'x-forwarded-for': address } })).status

      expect(await status('192.0.2.1')).to.equal(200)
      expect(await status('192.0.2.1')).to.equal(429)
      expect(await status('192.0.2.2')).to.equal(200)
    })

    for (const [limit, count] of [
      ['perPrincipal', 7],
      ['perAddress', 11],
      ['perRoute', 13],
      ['total', 17],
    ] as const) {
      it(`exactly, by ${limit}, when 200 come at the same time and leave again`, async () => {
        const { app, url } = await start({ admission: { [limit]: count } })
        for (const _ of [1, 2]) {
          const streams = await Promise.all(
            Array.from({ length: 200 }, () => subscribe(`${url}/s/open`, { headers: { user: 'ann' } })),
          )

          expect(streams.filter(({ status }) => status === 200)).to.have.length(count)
          expect(app.streams.size).to.equal(count)

          for (const stream of streams) stream.leave()
          await until(() => app.streams.size === 0)
        }
      })
    }
  })

  describe('gives the place back', () => {
    /** With one place: a stream more is admitted only when the one before is over. */
    const isFree = async (url: string): Promise<void> => {
      const stream = await open(`${url}/s/open`)
      expect(stream.status, 'there is room again').to.equal(200)
      expect((await open(`${url}/s/open`)).status, 'and for one only').to.equal(503)
    }

    for (const path of ['open', 'channel', 'set-up', 'silent']) {
      it(`when the client of ${path} leaves`, async () => {
        const { app, url } = await start({ admission: { total: 1 } })
        const connection = await Connection.open(url, get(`/s/${path}`))
        await until(() => app.streams.size === 1)

        connection.leave()
        await until(() => app.streams.size === 0)

        await isFree(url)
      })
    }

    it('once, when the set-up ends after its client has left', async () => {
      const { app, url } = await start({ admission: { total: 1 } })
      const connection = await Connection.open(url, get('/s/set-up'))
      await until(() => begun === 1)
      connection.leave()
      await until(() => app.streams.size === 0)

      parked.open()

      await isFree(url)
    })

    for (const [path, status] of [
      ['throws', 500],
      ['throws-async', 500],
      ['no-source', 500],
      ['fails', 200],
      ['done', 200],
      ['calls', 200],
    ] as const) {
      it(`when ${path} is over`, async () => {
        const { app, url } = await start({ admission: { total: 1 } })
        const response = await fetch(`${url}/s/${path}`)
        await response.text()
        expect(response.status).to.equal(status)
        await until(() => app.streams.size === 0)

        await isFree(url)
      })
    }

    it('never having taken one for a finished stream that is asked for again, or for HEAD', async () => {
      const { url } = await start({ admission: { total: 1 } })
      const inside = await open(`${url}/s/open`)
      const again = await fetch(`${url}/s/done`, { headers: { 'last-event-id': 'stream.end' } })
      const head = await fetch(`${url}/s/done`, { method: 'HEAD' })

      expect([again.status, head.status]).to.deep.equal([204, 204])
      inside.leave()
    })

    it('when a hook sends something else', async () => {
      let hooks = 0
      const { app, url } = await start({
        admission: { total: 1 },
        setup: app => {
          app.addHook('onSend', async (_request, _reply, payload) => (hooks++ === 0 ? 'else' : payload))
        },
      })
      const response = await fetch(`${url}/s/open`)
      await response.text()
      await until(() => hooks > 0)
      // Nobody has opened the stream, and its response is over.
      await until(() => app.streams.size === 0)

      await isFree(url)
    })

    for (const [what, ask] of [
      ['that is open', get('/s/open')],
      ['in its set-up', get('/s/set-up')],
      ['over POST', post('/s/post')],
    ] as const) {
      it(`when the app closes, of a stream ${what}`, async () => {
        const { app, url } = await start({ admission: { total: 1 } })
        await Connection.open(url, ask)
        await until(() => begun === 1)

        await app.close()

        expect(app.streams.size).to.equal(0)
      })
    }
  })

  describe('looks at the credential', () => {
    // However long the set-up takes, the end is yet to come.
    const endSoon = (): void => {
      ends = () => Date.now() + 50
    }

    it('and refuses one that has ended, with 401', async () => {
      const { url } = await start({})

      const response = await fetch(`${url}/s/open`, {
        headers: { user: 'ann', until: '1', accept: 'text/event-stream' },
      })

      expect(response.status).to.equal(401)
      expect(((await response.json()) as { detail: string }).detail).to.equal('The credential has expired')
      expect(begun).to.equal(0)
    })

    it('and ends the stream with it, so that an EventSource comes back', async () => {
      const { url } = await start({})
      endSoon()

      const stream = await subscribe(`${url}/s/open`, { headers: { user: 'ann', until: 'asked' } })
      await stream.rest()

      expect(stream.text()).to.match(
        /^data: a\n\nevent: stream:end\nretry: [1-5]\d{3}\ndata: \{"reason":"expired"\}\n\n$/,
      )
    })

    it('and tells a fetch client that asked by POST', async () => {
      const { url } = await start({})
      endSoon()

      const stream = await subscribe(`${url}/s/post`, { method: 'POST', headers: { user: 'ann', until: 'asked' } })

      expect((await stream.rest()).at(-1)).to.deep.equal({
        id: undefined,
        event: 'stream:end',
        data: '{"reason":"expired"}',
      })
    })

    it('and refuses one that ends during the set-up', async () => {
      const { url } = await start({})
      ends = () => Number.POSITIVE_INFINITY
      const answer = fetch(`${url}/s/set-up`, { headers: { user: 'ann', until: 'asked' } })
      await until(() => begun === 1)

      ends = () => Date.now() - 1
      parked.open()

      expect((await answer).status).to.equal(401)
    })

    it('and lets a stream go on whose credential has no end', async () => {
      const { app, url } = await start({})
      const stream = await open(`${url}/s/open`, { headers: { user: 'ann', until: 'Infinity' } })

      expect(stream.status).to.equal(200)
      expect(app.streams.size).to.equal(1)
    })
  })
})
