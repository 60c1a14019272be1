import { Writable } from 'node:stream'
import { expect } from 'chai'
import fastify, { type FastifyBaseLogger } from 'fastify'
import { Controller, createApp, type FastifyOptions, Get, HttpError, okapi, SSE, withoutTicket } from 'okapi'
import request from 'supertest'
import { overhear } from './support/console.js'
import { subscribe } from './support/subscribe.js'
import { until } from './support/until.js'

describe('the log of an app', () => {
  @Controller()
  class Failing {
    @Get('/failed')
    failed() {
      throw new Error('password=hunter2')
    }

    @Get('/refused')
    refused() {
      throw new HttpError(404, 'Nobody is to blame')
    }

    @SSE('/live')
    *live() {
      yield 'first'
      throw new Error('password=hunter2')
    }
  }

  let wake: (value?: unknown) => void = () => {}

  @Controller()
  class Deaf {
    @SSE('/deaf', { orphanTimeout: 1 })
    async *deaf() {
      yield 'first'
      await new Promise(resolve => {
        wake = resolve
      })
    }
  }

  /** Leaves a generator that does not heed it, and waits until that is noticed. */
  const leave = async (options: FastifyOptions) => {
    const app = await createApp({ controllers: [Deaf], fastify: options })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const heard = await overhear(async () => {
      const stream = await subscribe(`${url}/deaf`)
      await stream.take(1)
      stream.leave()
      await until(() => app.streams.orphans === 1)
    })
    wake()
    await app.close()
    return heard
  }

  /** Asks an app for everything that it may log. */
  const ask = async (options?: FastifyOptions) => {
    const app = await createApp({ controllers: [Failing], ...(options ? { fastify: options } : {}) })
    const heard = await overhear(async () => {
      for (const path of ['/failed?a=1', '/refused', '/nowhere', '/live']) await request(app.server).get(path)
    })
    await app.close()
    return heard
  }

  it('is the console if it has no logger', async () => {
    const { errors, warnings } = await ask()

    expect(errors.map(([message]) => message)).to.deep.equal(['A request failed', 'An event stream failed'])
    expect(errors[0]?.[1]).to.deep.include({ reqId: 'req-1', method: 'GET', url: '/failed?a=1' })
    expect(errors[0]?.[1]).to.have.nested.property('err.message', 'password=hunter2')
    expect(errors[1]?.[1]).to.deep.include({ stream: 'Failing.live GET /live', phase: 'source', reqId: 'req-4' })
    expect(errors[1]?.[1]).to.have.nested.property('err.message', 'password=hunter2')
    expect(warnings).to.deep.equal([])
  })

  it('is silent with `logger: false`', async () => {
    expect(await ask({ logger: false })).to.deep.equal({ errors: [], warnings: [] })
    expect(await leave({ logger: false })).to.deep.equal({ errors: [], warnings: [] })
  })

  it('is warned of a generator that outlives its client', async () => {
    const { errors, warnings } = await leave({})

    expect(errors).to.deep.equal([])
    expect(warnings.map(([message]) => message)).to.deep.equal([
      'A generator has outlived its client: give @Signal() to whatever it awaits',
    ])
  })

  it('is the logger of Fastify if it has one', async () => {
    const lines: { level: number; msg: string; err?: { message: string } }[] = []
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(JSON.parse(String(chunk)))
        done()
      },
    })

    const { errors } = await ask({ logger: { level: 'error', stream } })

    expect(errors).to.deep.equal([])
    expect(lines.map(({ level, msg, err }) => [level, msg, err?.message])).to.deep.equal([
      [50, 'A request failed', 'password=hunter2'],
      [50, 'An event stream failed', 'password=hunter2'],
    ])
  })

  describe('tells no ticket', () => {
    const told = async (options: object) => {
      const lines: string[] = []
      const app = await createApp({
        controllers: [Failing],
        fastify: { logger: { stream: { write: (line: string) => void lines.push(line) }, ...options } },
      })
      for (const path of ['/failed', '/nowhere', '/live']) {
        await request(app.server).get(`${path}?a=1&ticket=secret-ticket&b=2`).set('accept-version', '1.x')
      }
      await app.close()
      return lines
    }

    it('where a request comes, fails or is over', async () => {
      const lines = await told({})

      expect(lines.join('')).not.to.contain('secret-ticket')
      const [first] = lines.map(line => JSON.parse(line)).filter(({ req }) => req)
      expect(first.req).to.include({ method: 'GET', url: '/failed?a=1&ticket=…&b=2', version: '1.x' })
      expect(first.req.host).to.match(/^127\.0\.0\.1:\d+$/)
      expect(first.req.remoteAddress).to.equal('127.0.0.1')
      expect(first.req.remotePort).to.be.a('number')
    })

    it('unless it has a serializer of its own', async () => {
      const lines = await told({ serializers: { req: ({ url }: { url: string }) => ({ seen: url }) } })

      expect(lines.join('')).to.contain('"req":{"seen":"/failed?a=1&ticket=secret-ticket&b=2"}')
    })

    it('and is told by Fastify that a logger which is made already goes elsewhere', async () => {
      const logger = fastify({ logger: { level: 'silent' } }).log

      const error = await createApp({ controllers: [], fastify: { logger: logger as never } }).catch(
        (error: unknown) => error,
      )

      expect(error).to.include({ code: 'FST_ERR_LOG_INVALID_LOGGER_CONFIG' })
    })

    it('with `logger: true` either', async () => {
      const write = process.stdout.write
      const lines: string[] = []
      process.stdout.write = ((line: string) => lines.push(line) > 0) as typeof write
      try {
        const app = await createApp({ controllers: [Failing], fastify: { logger: true } })
        await app.inject('/refused?ticket=secret-ticket')
        await app.close()
      } finally {
        process.stdout.write = write
      }
      expect(lines.join('')).not.to.contain('secret-ticket')
    })
  })

  it('is a logger of another make, though it has no level', async () => {
    const messages: string[] = []
    const ignore = () => {}
    const error = (_details: object, message: string) => messages.push(message)
    const logger = {
      info: ignore,
      warn: ignore,
      debug: ignore,
      trace: ignore,
      fatal: ignore,
      error,
      child: () => logger,
    }

    const { errors } = await ask({ loggerInstance: logger as unknown as FastifyBaseLogger })

    expect(errors).to.deep.equal([])
    expect(messages).to.deep.equal(['A request failed', 'An event stream failed'])
  })

  it('is the console under the plugin too, unless it asks for silence', async () => {
    const told = fastify()
    await told.register(okapi, { controllers: [Failing] })
    const silent = fastify()
    await silent.register(okapi, { controllers: [Failing], log: false })

    const { errors } = await overhear(() => told.inject('/failed'))
    const silence = await overhear(() => silent.inject('/failed'))

    expect(errors).to.have.length(1)
    expect(silence.errors).to.deep.equal([])
    await Promise.all([told.close(), silent.close()])
  })
})

describe('withoutTicket', () => {
  for (const [url, told] of [
    ['/live', '/live'],
    ['/live?', '/live?'],
    ['/live?ticket=a.b-c', '/live?ticket=…'],
    ['/live?a=1&ticket=x&b=2', '/live?a=1&ticket=…&b=2'],
    ['/live?a=1;ticket=x;b=2', '/live?a=1;ticket=…;b=2'],
    ['/live?ticket=x&ticket=y', '/live?ticket=…&ticket=…'],
    ['/live?%74icket=x', '/live?%74icket=…'],
    ['/live?ticket=x?ticket=y', '/live?ticket=…'],
    ['/live?ticket=', '/live?ticket=…'],
    ['/live?tickets=7&eticket=8&ticket', '/live?tickets=7&eticket=8&ticket'],
    ['/ticket=7?%E0%A4%A=1', '/ticket=7?%E0%A4%A=1'],
  ] as const) {
    it(`makes ${told} of ${url}`, () => {
      expect(withoutTicket(url)).to.equal(told)
    })
  }

  it('reads a long query once', () => {
    const url = `/live?${'a'.repeat(200_000)}`

    expect(withoutTicket(url)).to.equal(url)
  })
})
