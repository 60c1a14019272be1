import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import fastify, { type FastifyInstance } from 'fastify'
import { Controller, Get, HttpError, Signal, SSE } from 'okapi'
import { answerProblem, problemHandler, type Translate } from '../src/failures.js'
import { Connection, get, leaveAll } from './support/connection.js'
import { latch } from './support/latch.js'
import { type LogLine, logger } from './support/logged.js'
import { closeAll, serve } from './support/serve.js'

describe('problemHandler', () => {
  let app: FastifyInstance
  let logged: [details: object, message: string][] = []
  const log = { error: (...line: [object, string]) => void logged.push(line), warn: () => {} }

  const ask = async (error: unknown, translate?: Translate) => {
    app.setErrorHandler(problemHandler(log, translate))
    app.get('/', async () => Promise.reject(error))
    return app.inject('/')
  }

  beforeEach(() => {
    app = fastify()
    logged = []
  })
  afterEach(() => app.close())

  it('answers an error as problem details, with the headers that it brings', async () => {
    const { statusCode, headers, body } = await ask(new HttpError(405, undefined, { headers: { allow: 'GET' } }))

    expect(statusCode).to.equal(405)
    expect(headers).to.include({ allow: 'GET', 'content-type': 'application/problem+json; charset=utf-8' })
    expect(body).to.equal('{"type":"about:blank","title":"Method Not Allowed","status":405}')
    expect(logged).to.deep.equal([])
  })

  it('logs what is the fault of the server, and tells nothing of it', async () => {
    const error = new Error('password=hunter2')

    const { statusCode, body } = await ask(error)

    expect(statusCode).to.equal(500)
    expect(body).not.to.contain('hunter2')
    expect(logged).to.deep.equal([[{ err: error, reqId: 'req-1', method: 'GET', url: '/' }, 'A request failed']])
  })

  it('answers what the error is translated to, and logs the error itself', async () => {
    const error = new Error('password=hunter2')

    const { statusCode } = await ask(
      error,
      (given, { url }) => new HttpError(given === error && url === '/' ? 502 : 500),
    )

    expect(statusCode).to.equal(502)
    expect(logged[0]?.[0]).to.have.property('err', error)
  })
})

describe('A request that is called off', () => {
  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  for (const left of [true, false]) {
    it(`is ${left ? 'no failure if its client has left' : 'a failure if its client still waits'}`, async () => {
      const lines: LogLine[] = []
      const began = latch<AbortController>()
      const over = latch()

      @Controller()
      class Slow {
        @Get()
        async slow(@Signal() signal: AbortSignal) {
          const own = new AbortController()
          began.open(own)
          await sleep(60_000, undefined, { signal: AbortSignal.any([signal, own.signal]) })
        }
      }
      const { url, app } = await serve([Slow], {
        fastify: { logger: logger(lines) },
        setup: app => void app.addHook('onError', async () => over.open()),
      })
      const connection = await Connection.open(url, get('/'))
      const own = await began.promise

      if (left) connection.leave()
      else own.abort()
      await over.promise
      await app.close()

      expect(lines.map(({ msg }) => msg)).to.deep.equal(left ? [] : ['A request failed'])
    })
  }
})

describe('answerProblem', () => {
  it('returns the problem that it sends', async () => {
    const app = fastify()
    let problem: unknown
    app.get('/', (_request, reply) => {
      problem = answerProblem(reply, new HttpError(410, 'Gone for good'))
    })

    const { body } = await app.inject('/')

    expect(JSON.parse(body)).to.deep.equal(problem)
    await app.close()
  })

  it('leaves out a header that cannot be sent, which would fail the answer too', async () => {
    const app = fastify()
    app.get('/', (_request, reply) => {
      reply.headers({ 'x-whole': 'yes', 'x-broken': 'a\r\nset-cookie: a=1' })
      answerProblem(reply, new HttpError(400, undefined, { headers: { 'x-own': 'a\nb' } }))
    })

    const { statusCode, headers } = await app.inject('/')

    expect(statusCode).to.equal(400)
    expect(headers).to.include({ 'x-whole': 'yes' }).and.not.to.have.any.keys('x-broken', 'x-own', 'set-cookie')
    await app.close()
  })
})

describe('answerGarbage', () => {
  @Controller()
  class Clock {
    @SSE('/ticks')
    async *ticks(@Signal() signal: AbortSignal) {
      yield 'tick'
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    }
  }

  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  const quick = { keepAliveTimeout: 10, http: { connectionsCheckingInterval: 5, headersTimeout: 20 } }
  const answers: [what: string, given: string, answer: string, options?: object][] = [
    [
      'what is no HTTP',
      '\x16\x03\x01\x02\x00\x01',
      'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/problem+json; charset=utf-8\r\n' +
        'content-length: 114\r\n\r\n{"type":"about:blank","title":"Bad Request","status":400,' +
        '"detail":"The request is not written as HTTP/1.1 has it"}',
    ],
    [
      'a head that is too large',
      get('/ticks', { 'x-long': 'x'.repeat(20_000) }),
      'HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n' +
        'content-type: application/problem+json; charset=utf-8\r\ncontent-length: 125\r\n\r\n' +
        '{"type":"about:blank","title":"Request Header Fields Too Large","status":431,' +
        '"detail":"The head of the request is too large"}',
    ],
    [
      'a head that does not end',
      'GET /ticks HTTP/1.1\r\nhost: ',
      'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/problem+json; charset=utf-8\r\n' +
        'content-length: 107\r\n\r\n{"type":"about:blank","title":"Request Timeout","status":408,' +
        '"detail":"The request did not arrive in time"}',
      quick,
    ],
  ]
  for (const [what, given, answer, fastify = {}] of answers) {
    it(`answers ${what} as problem details, and closes`, async () => {
      const { url } = await serve([Clock], { fastify })
      const connection = await Connection.open(url, given)

      expect(await connection.end()).to.equal(answer)
    })
  }

  it('writes nothing into a stream that is under way, but cuts it', async () => {
    const { app, url } = await serve([Clock])
    const connection = await Connection.open(url, get('/ticks'))
    await connection.has('data: tick\n\n')

    connection.send('GARBAGE\r\n\r\n')

    expect(await connection.end()).to.match(/\r\n\r\nc\r\ndata: tick\n\n\r\n$/)
    expect(app.streams.size).to.equal(0)
  })
})
