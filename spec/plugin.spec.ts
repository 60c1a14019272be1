import { once } from 'node:events'
import { connect } from 'node:http2'
import cookie from '@fastify/cookie'
import view from '@fastify/view'
import { expect } from 'chai'
import { Eta } from 'eta'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import {
  Controller,
  Cookie,
  DefinitionError,
  Get,
  HttpError,
  okapi,
  Param,
  Reply,
  Signal,
  SSE,
  Streams,
  view as show,
} from 'okapi'
import request from 'supertest'
import { subscribe } from './support/subscribe.js'
import { settles, until } from './support/until.js'

describe('okapi', () => {
  let runs = 0
  let ended = 0

  @Controller('/prices')
  class Prices {
    @Get()
    list() {
      return ['tea']
    }

    @Get('/failed')
    failed() {
      throw Object.assign(new Error('The price is unknown'), { statusCode: 422, expose: true })
    }

    @SSE('/live')
    async *live(@Signal() signal: AbortSignal) {
      runs++
      try {
        yield 'first'
        await once(signal, 'abort')
      } finally {
        ended++
      }
    }

    @SSE('/refused')
    async refused(): Promise<never> {
      throw new HttpError(409)
    }

    @SSE('/once')
    *once(@Reply() reply: FastifyReply) {
      runs++
      reply.setCookie('method', 'yes')
      yield 'only'
    }
  }

  let flooded = 0

  @Controller('/flood')
  class Flood {
    @SSE()
    *flood() {
      for (;;) {
        flooded++
        yield 'x'.repeat(65_536)
      }
    }
  }

  @Controller('/visits')
  class Visits {
    @Get()
    count(@Cookie('visits') visits: string) {
      return visits
    }
  }

  let app: FastifyInstance

  beforeEach(() => {
    runs = 0
    ended = 0
    app = fastify()
  })
  afterEach(() => app.close())

  describe('beside the routes of an app', () => {
    beforeEach(async () => {
      app.setErrorHandler((error: Error, _request, reply) => reply.code(418).send({ mine: error.message }))
      app.setNotFoundHandler((_request, reply) => reply.code(404).send('not mine'))
      app.get('/own', () => 'mine')
      app.get('/own/failed', () => {
        throw new Error('mine too')
      })
      await app.register(okapi, { controllers: [Prices], prefix: '/api', log: false })
      await app.ready()
    })

    it('serves its routes below the prefix, and leaves the others as they are', async () => {
      expect((await request(app.server).get('/api/prices')).body).to.deep.equal(['tea'])
      expect((await request(app.server).get('/own')).text).to.equal('mine')
      expect((await request(app.server).get('/prices')).text).to.equal('not mine')
    })

    it('answers its own errors as problem details, and no others', async () => {
      const failed = await request(app.server).get('/api/prices/failed')
      const own = await request(app.server).get('/own/failed')

      expect(failed.status).to.equal(422)
      expect(failed.headers['content-type']).to.equal('application/problem+json; charset=utf-8')
      expect(failed.body.detail).to.equal('The price is unknown')
      expect(own.status).to.equal(418)
      expect(own.body).to.deep.equal({ mine: 'mine too' })
    })

    it('does not run a stream for HEAD', async () => {
      expect((await request(app.server).head('/api/prices/once')).status).to.equal(404)
      expect((await request(app.server).head('/api/prices')).status).to.equal(200)
      expect(runs).to.equal(0)
    })

    it('stands there a second time, below another prefix', async () => {
      await app.close()
      app = fastify()
      await app.register(okapi, { controllers: [Prices], prefix: '/v1' })
      await app.register(okapi, { controllers: [Prices], prefix: '/v2' })

      await app.ready()

      expect((await request(app.server).get('/v1/prices')).body).to.deep.equal(['tea'])
      expect((await request(app.server).get('/v2/prices')).body).to.deep.equal(['tea'])
    })
  })

  it('reads parameters of its prefix', async () => {
    @Controller('/prices')
    class Tenants {
      @Get('/:symbol')
      price(@Param('tenant') tenant: number, @Param('symbol') symbol: string) {
        return { tenant, symbol }
      }
    }
    await app.register(okapi, { controllers: [Tenants], prefix: '/:tenant' })
    await app.ready()

    expect((await request(app.server).get('/7/prices/tea')).body).to.deep.equal({ tenant: 7, symbol: 'tea' })
  })

  describe('under the hooks of an app', () => {
    it('sends the headers and cookies that they set with a stream', async () => {
      await app.register(cookie)
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('access-control-allow-origin', '*').setCookie('hook', 'yes')
      })
      app.addHook('onSend', async (_request, reply) => {
        reply.header('x-send', 'yes')
      })
      app.addHook('preHandler', (_request, reply, done) => {
        reply.raw.setHeader('x-raw', 'yes')
        done()
      })
      await app.register(okapi, { controllers: [Prices] })
      await app.ready()

      const { headers, text } = await request(app.server).get('/prices/once')

      expect(headers).to.include({
        'content-type': 'text/event-stream',
        'access-control-allow-origin': '*',
        'x-send': 'yes',
        'x-raw': 'yes',
      })
      expect(headers['set-cookie']).to.have.members(['hook=yes; SameSite=Lax', 'method=yes; SameSite=Lax'])
      expect(text).to.match(/^data: only\n\n/)
    })

    it('lets them set what the headers of a stream would be', async () => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('cache-control', 'no-store')
      })
      await app.register(cookie)
      await app.register(okapi, { controllers: [Prices] })
      await app.ready()

      expect((await request(app.server).get('/prices/once')).headers['cache-control']).to.equal('no-store')
    })

    it('runs onResponse hooks when a stream ends, and not before', async () => {
      const responses: string[] = []
      app.addHook('onResponse', async ({ url }, { statusCode }) => {
        responses.push(`${url} ${statusCode}`)
      })
      app.addHook('onRequest', async (_request, reply) => {
        reply.raw.on('finish', () => responses.push('finished'))
      })
      await app.register(okapi, { controllers: [Prices] })
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      const stream = await subscribe(`${url}/prices/live`)
      await stream.take(1)
      expect(responses).to.deep.equal([])

      stream.leave()

      await until(() => responses.length === 1)
      expect(responses).to.deep.equal(['/prices/live 200'])
    })

    it('runs onResponse hooks once when a client of HTTP/2 leaves a stream', async () => {
      let responses = 0
      const over = fastify({ http2: true })
      over.addHook('onResponse', async () => {
        responses++
      })
      await over.register(okapi, { controllers: [Prices] })
      const session = connect(await over.listen({ port: 0, host: '127.0.0.1' }))
      const stream = session.request({ ':path': '/prices/live' })
      await once(stream, 'data')

      stream.close()

      await until(() => ended === 1)
      await over.close()
      expect(responses).to.equal(1)
    })

    it('runs onResponse hooks once for a stream that ends by itself, or never begins', async () => {
      const responses: string[] = []
      app.addHook('onResponse', async ({ url }, { statusCode }) => {
        responses.push(`${url} ${statusCode}`)
      })
      await app.register(cookie)
      await app.register(okapi, { controllers: [Prices] })
      await app.ready()

      await request(app.server).get('/prices/once')
      await request(app.server).get('/prices/refused')
      await request(app.server).get('/prices')

      expect(responses).to.deep.equal(['/prices/once 200', '/prices/refused 409', '/prices 200'])
    })

    it('does not run a stream that a hook has answered', async () => {
      app.addHook('onRequest', async (_request, reply) => reply.code(401).send('who?'))
      await app.register(okapi, { controllers: [Prices] })
      await app.ready()

      const { status, text } = await request(app.server).get('/prices/once')

      expect({ status, text }).to.deep.equal({ status: 401, text: 'who?' })
      expect(runs).to.equal(0)
    })

    const spoilers: [what: string, hook: (payload: unknown) => unknown, status: number][] = [
      ['replaces the stream by a text', () => 'replaced', 200],
      ['takes the stream for one of bytes', payload => (payload as { pipe(): unknown }).pipe(), 500],
      ['throws', () => Promise.reject(new Error('hook')), 500],
    ]
    for (const [what, hook, status] of spoilers) {
      it(`ends the source of a stream if an onSend hook ${what}`, async () => {
        const streams = new Streams()
        let first = true
        app.addHook('onSend', async (_request, _reply, payload) => {
          if (!first) return payload
          first = false
          return hook(payload)
        })
        await app.register(okapi, { controllers: [Prices], streams, log: false })
        await app.ready()

        const answer = await request(app.server).get('/prices/live')

        expect(answer.status).to.equal(status)
        expect(answer.text).not.to.contain('data: ')
        await until(() => ended === 1 && streams.size === 0)
      })
    }
  })

  it('reads cookies by the plugin that the app has registered', async () => {
    await app.register(cookie, { hook: 'preHandler' })
    await app.register(okapi, { controllers: [Visits] })
    await app.ready()

    expect((await request(app.server).get('/visits').set('cookie', 'visits=3')).text).to.equal('3')
  })

  it('reads cookies by itself if a controller wants them', async () => {
    await app.register(okapi, { controllers: [Visits] })
    await app.ready()

    expect((await request(app.server).get('/visits').set('cookie', 'visits=3')).text).to.equal('3')
  })

  it('renders by the engine that the app has registered', async () => {
    @Controller()
    class Pages {
      @Get()
      page() {
        return show('@hello', { name: '<you>' })
      }
    }
    const eta = new Eta()
    eta.loadTemplate('@hello.eta', 'Hello <%= it.name %>')
    await app.register(view, { engine: { eta } })
    await app.register(okapi, { controllers: [Pages] })
    await app.ready()

    expect((await request(app.server).get('/')).text).to.equal('Hello &lt;you&gt;')
  })

  it('counts and ends its streams when the app closes', async () => {
    const streams = new Streams()
    await app.register(okapi, { controllers: [Prices], streams, closeGrace: 1_000 })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const stream = await subscribe(`${url}/prices/live`)
    await stream.take(1)
    expect(streams.size).to.equal(1)

    await app.close()

    expect((await stream.rest()).map(({ event }) => event)).to.deep.equal(['stream:end'])
    expect({ size: streams.size, ended }).to.deep.equal({ size: 0, ended: 1 })
  })

  it('ends the streams of all its prefixes at once, so that the app closes within one grace', async () => {
    const all = [new Streams(), new Streams()] as const
    await app.register(okapi, { controllers: [Flood], streams: all[0], prefix: '/v1' })
    await app.register(okapi, { controllers: [Prices], streams: all[1], prefix: '/v2' })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const [stuck, stream] = await Promise.all([subscribe(`${url}/v1/flood`), subscribe(`${url}/v2/prices/live`)])
    await stream.take(1)
    await settles(() => flooded)

    const closed = app.close()

    expect((await stream.rest()).map(({ event }) => event)).to.deep.equal(['stream:end'])
    expect(all[0].size, 'while another plugin still waits').to.equal(1)
    stuck.leave()
    await closed
    expect(all.map(({ size }) => size)).to.deep.equal([0, 0])
  })

  it('shares its streams with other plugins of the server, and refuses those of another server', async () => {
    const streams = new Streams()
    for (const prefix of ['/v1', '/v2']) await app.register(okapi, { controllers: [Prices], streams, prefix })
    const other = fastify()

    const error = await Promise.resolve(other.register(okapi, { controllers: [Prices], streams })).catch(
      (error: unknown) => error,
    )

    expect(error)
      .to.be.instanceOf(DefinitionError)
      .with.property('message', 'option streams: belongs to another server; give each its own: new Streams()')
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const all = await Promise.all([subscribe(`${url}/v1/prices/live`), subscribe(`${url}/v2/prices/live`)])
    for (const stream of all) await stream.take(1)
    expect(streams.size).to.equal(2)

    await app.close()

    for (const stream of all) expect((await stream.rest()).map(({ event }) => event)).to.deep.equal(['stream:end'])
    await other.close().catch(() => {})
  })

  it('serves nothing if a controller is declared wrongly', async () => {
    const error = await Promise.resolve(app.register(okapi, { controllers: [Prices, class {}] })).then(
      () => undefined,
      (error: unknown) => error,
    )

    expect(error).to.be.instanceOf(DefinitionError)
  })
})
