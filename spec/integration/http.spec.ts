import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { IsString } from 'class-validator'
import { Body, Controller, type EventWriter, event, Get, SetHeader, SSE, Stream } from 'okapi'
import request from 'supertest'
import { certificate } from '../support/certificate.js'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { askHttp2, connectHttp2, leaveAllHttp2 } from '../support/http2.js'
import { parsed } from '../support/parsed.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { chunksOf, unchunked } from '../support/unchunked.js'
import { until } from '../support/until.js'

const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'
const TEXT = 'Grüße \u{1F600}\u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u2028 日本語'
const MEBIBYTE = 'é'.repeat(1 << 19)
/** Longer than what may wait of a producer that does not. */
const LONG = 'x'.repeat(3 << 20)

class Question {
  @IsString()
  declare text: string
}

describe('A stream over HTTP', () => {
  let runs = 0
  let proceed = (): void => {}
  const parked = (): Promise<void> =>
    new Promise(resolve => {
      proceed = resolve
    })
  let warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)

  @Controller('/http')
  class Http {
    @SSE('/three')
    *three(): Generator<unknown> {
      runs++
      yield* ['a', { b: 1 }, event('c', 'd')]
    }

    @SSE('/step')
    async *step(): AsyncGenerator<string> {
      yield 'a'
      yield 'b'
      await parked()
      yield 'c'
    }

    @SSE('/answer', { method: 'POST' })
    async *answer(@Body() question: Question): AsyncGenerator<string> {
      for (const word of question.text.split(' ')) {
        yield word
        await sleep(1)
      }
    }

    @SSE('/text')
    *text(): Generator<string> {
      for (let n = 0; n < 200; n++) yield `${n} ${TEXT.repeat(20)}`
    }

    @SSE('/big')
    async *big(): AsyncGenerator<unknown> {
      yield MEBIBYTE
      yield event('json', { text: MEBIBYTE })
      yield LONG
    }

    @SSE('/big-calls')
    async bigCalls(@Stream() stream: EventWriter): Promise<void> {
      await stream.data(MEBIBYTE)
      await stream.event('json', { text: MEBIBYTE })
      await stream.data('short')
      await stream.data(LONG)
    }

    @SSE('/many')
    async *many(): AsyncGenerator<string> {
      for (let n = 0; n < 20_000; n++) yield `${n}`
    }

    @Get('/slow')
    async slow(): Promise<string> {
      await parked()
      return 'slow'
    }

    @Get('/plain')
    plain(): string {
      return 'plain'
    }
  }

  beforeEach(() => {
    runs = 0
    warnings = []
    process.on('warning', onWarning)
  })
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeAll()
    process.off('warning', onWarning)
  })

  const THREE = `data: a\n\ndata: {"b":1}\n\nevent: c\ndata: d\n\n${END}`

  describe('version 2', () => {
    for (const [kind, scheme, options] of [
      ['with TLS', 'https', () => ({ http2: true as const, https: certificate() })],
      [
        'with TLS, where HTTP/1.1 is served too',
        'https',
        () => ({ http2: true as const, https: { ...certificate(), allowHTTP1: true } }),
      ],
      ['in clear text', 'http', () => ({ http2: true as const })],
    ] as const) {
      it(`is the same stream ${kind}, and warns of nothing`, async () => {
        const { url, app } = await serve([Http], { fastify: options() })
        const session = connectHttp2(url.replace('http', scheme))

        const three = askHttp2(session, '/http/three')
        const answer = askHttp2(session, '/http/answer', 'POST', { text: 'to be or' })
        const step = askHttp2(session, '/http/step')
        await until(() => step.text() === 'data: a\n\ndata: b\n\n', 'the first steps have arrived')
        proceed()
        const bodies = await Promise.all([three.body, answer.body, step.body])
        const headers = await three.headers

        expect(bodies).to.deep.equal([
          THREE,
          'data: to\n\ndata: be\n\ndata: or\n\n',
          `data: a\n\ndata: b\n\ndata: c\n\n${END}`,
        ])
        expect(headers).to.include({
          ':status': 200,
          'content-type': 'text/event-stream',
          'cache-control': 'no-cache, no-transform',
          'x-accel-buffering': 'no',
        })
        expect(headers).to.not.have.any.keys('connection', 'transfer-encoding', 'keep-alive')
        expect(app.streams.size).to.equal(0)
        await sleep(1)
        expect(warnings).to.deep.equal([])
      })

      it(`is answered by problems and plain answers like any other ${kind}`, async () => {
        const { url } = await serve([Http], { fastify: options() })
        const session = connectHttp2(url.replace('http', scheme))

        const answers = [
          askHttp2(session, '/http/answer', 'POST', { text: 7 }),
          askHttp2(session, '/http/plain'),
          askHttp2(session, '/http/three', 'HEAD'),
        ]
        const statuses = await Promise.all(answers.map(async ({ headers }) => (await headers)[':status']))

        expect(statuses).to.deep.equal([400, 200, 405])
        expect(runs).to.equal(0)
      })
    }

    it('leaves out the headers of one connection, which a method sets for HTTP/1.1', async () => {
      @Controller('/old')
      class Old {
        @SetHeader('connection', 'keep-alive')
        @SetHeader('keep-alive', 'timeout=5')
        @SetHeader('x-more', 'yes')
        @SSE()
        *old(): Generator<string> {
          yield 'a'
        }
      }
      const { url } = await serve([Old], { fastify: { http2: true } })
      const answer = askHttp2(connectHttp2(url), '/old')

      expect(await answer.body).to.equal(`data: a\n\n${END}`)
      expect(await answer.headers)
        .to.include({ 'x-more': 'yes' })
        .and.not.have.any.keys('connection', 'keep-alive')
      await sleep(1)
      expect(warnings).to.deep.equal([])
    })

    it('carries events of mebibytes, each in one piece', async () => {
      const { url } = await serve([Http], { fastify: { http2: true } })
      const session = connectHttp2(url)

      const bodies = await Promise.all(['/http/big', '/http/big-calls'].map(path => askHttp2(session, path).body))

      const lengths = bodies.map(body => parsed(body).map(({ data }) => data.length))
      expect(lengths).to.deep.equal([
        [1 << 19, (1 << 19) + 11, 3 << 20, 17],
        [1 << 19, (1 << 19) + 11, 5, 3 << 20, 17],
      ])
    })
  })

  describe('of a method', () => {
    it('is not run for HEAD, which is not allowed', async () => {
      const { app } = await serve([Http])

      const { status, headers } = await request(app.server).head('/http/three')

      expect(status).to.equal(405)
      expect(headers.allow).to.equal('GET')
      expect(runs).to.equal(0)
    })

    it('is not run for a client that comes back to it after its end', async () => {
      const { app } = await serve([Http])

      const { status, text } = await request(app.server).get('/http/three').set('last-event-id', 'stream.end')

      expect(status).to.equal(204)
      expect(text).to.equal('')
      expect(runs).to.equal(0)
    })

    it('answers a POST, with the body checked before', async () => {
      const { url } = await serve([Http])
      const ask = (body: unknown): RequestInit => ({
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })

      const stream = await subscribe(`${url}/http/answer`, ask({ text: 'to be or' }))
      const refused = await subscribe(`${url}/http/answer`, ask({ text: 7 }))
      const events = await stream.rest()
      await refused.rest()

      expect(events.map(({ data }) => data)).to.deep.equal(['to', 'be', 'or'])
      expect(stream.text()).to.equal('data: to\n\ndata: be\n\ndata: or\n\n')
      expect(refused.status).to.equal(400)
    })

    for (const path of ['three', 'big', 'many']) {
      it(`is answered to app.inject() too (${path})`, async () => {
        const { app, url } = await serve([Http])

        const { statusCode, headers, body } = await app.inject(`/http/${path}`)
        const overTheNetwork = await (await fetch(`${url}/http/${path}`)).text()

        expect(statusCode).to.equal(200)
        expect(headers['content-type']).to.equal('text/event-stream')
        expect(body === overTheNetwork).to.equal(true)
        expect(app.streams.size).to.equal(0)
      })
    }
  })

  describe('on a connection', () => {
    it('leaves it to the next request when it has ended', async () => {
      const { url, app } = await serve([Http])
      let connections = 0
      app.server.on('connection', () => connections++)
      const connection = await Connection.open(url)

      for (let n = 1; n <= 30; n++) {
        connection.send(
          n % 3 === 0 ? post('/http/answer', { text: 'b' }) : get(n % 3 === 1 ? '/http/three' : '/http/plain'),
        )
        await until(() => connection.text.split('HTTP/1.1 200 OK').length === n + 1, 'the next answer has begun')
        await until(() => connection.text.endsWith(n % 3 === 2 ? 'plain' : '\r\n0\r\n\r\n'), 'the answer is complete')
      }

      expect(connections).to.equal(1)
      expect(connection.closed).to.equal(false)
      expect(runs).to.equal(10)
      await sleep(1)
      expect(warnings).to.deep.equal([])
    })

    it('answers requests that were sent at once in their order', async () => {
      const { url } = await serve([Http])

      const connection = await Connection.open(
        url,
        get('/http/three') +
          get('/http/plain') +
          post('/http/answer', { text: 'x y' }) +
          get('/http/three') +
          get('/http/plain'),
      )
      await until(() => connection.text.split('\r\n\r\nplain').length === 3, 'all answers have arrived')

      const answers = connection.text.split(/(?=HTTP\/1\.1 200 OK)/)
      expect(answers.map(answer => unchunked(Buffer.from(answer)))).to.deep.equal([
        THREE,
        '',
        'data: x\n\ndata: y\n\n',
        THREE,
        '',
      ])
    })

    it('waits for a slower answer before it', async () => {
      const { url, app } = await serve([Http])
      const connection = await Connection.open(
        url,
        get('/http/slow') + get('/http/three') + get('/http/many') + get('/http/plain'),
      )
      await until(() => runs === 1 && app.streams.size === 2, 'the streams have begun')
      await sleep(20)
      const before = connection.size

      proceed()
      await until(() => connection.text.endsWith('\r\n\r\nplain'), 'all answers have arrived')

      const [slow, three, many, plain] = connection.text.split(/(?=HTTP\/1\.1 200 OK)/)
      expect(before).to.equal(0)
      expect(slow).to.match(/\r\n\r\nslow$/)
      expect(unchunked(Buffer.from(three as string))).to.equal(THREE)
      expect(parsed(unchunked(Buffer.from(many as string)))).to.have.length(20_001)
      expect(plain).to.match(/\r\n\r\nplain$/)
      expect(app.streams.size).to.equal(0)
    })

    it('of HTTP/1.0 ends with it, and has no chunks', async () => {
      const { url } = await serve([Http])

      const connection = await Connection.open(url, 'GET /http/three HTTP/1.0\r\n\r\n')
      const answer = await connection.end()

      expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/)
      expect(answer.toLowerCase()).to.not.contain('transfer-encoding')
      expect(connection.body).to.equal(THREE)
    })

    it('that the client wants closed is closed at the end', async () => {
      const { url } = await serve([Http])

      const connection = await Connection.open(url, get('/http/three', { connection: 'close' }))
      await connection.end()

      expect(unchunked(Buffer.concat(connection.pieces))).to.equal(THREE)
    })

    it('says what hooks and plugins set on the reply', async () => {
      const { url } = await serve([Http], {
        setup: app => {
          app.addHook('onRequest', async (_request, reply) => {
            reply.header('access-control-allow-origin', '*').header('set-cookie', ['a=1', 'b=2'])
          })
          app.addHook('onSend', async (_request, reply) => void reply.header('x-late', 'yes'))
        },
      })

      const stream = await subscribe(`${url}/http/three`)
      await stream.rest()

      expect(stream.headers.get('access-control-allow-origin')).to.equal('*')
      expect(stream.headers.getSetCookie()).to.deep.equal(['a=1', 'b=2'])
      expect(stream.headers.get('x-late')).to.equal('yes')
      expect(stream.text()).to.equal(THREE)
    })
  })

  describe('in its pieces', () => {
    it('leaves with its head in one write, if its generator does not wait', async () => {
      const { url } = await serve([Http])

      const connection = await Connection.open(url, get('/http/three'))
      await connection.complete()

      expect(connection.pieces).to.have.length(1)
      expect(chunksOf(Buffer.from(connection.body)).map(String)).to.deep.equal([THREE, ''])
    })

    it('leaves at once, as far as it is, when its generator waits', async () => {
      const { url } = await serve([Http])
      const connection = await Connection.open(url, get('/http/step'))

      await connection.has('data: b')
      const before = { pieces: connection.pieces.length, body: connection.body }
      proceed()
      await connection.complete()

      expect(before).to.deep.equal({ pieces: 1, body: '12\r\ndata: a\n\ndata: b\n\n\r\n' })
      expect(connection.body.slice(before.body.length)).to.equal(`43\r\ndata: c\n\n${END}\r\n0\r\n\r\n`)
    })

    it('is gathered to batches, if its generator is fast', async () => {
      const { url } = await serve([Http])
      const connection = await Connection.open(url, get('/http/many'))

      const answer = await connection.complete()

      const sizes = chunksOf(answer.subarray(answer.indexOf('\r\n\r\n') + 4)).map(({ length }) => length)
      expect(sizes.slice(0, -2).every(size => size >= 50_000 && size < 50_100)).to.equal(true)
      expect(
        parsed(unchunked(answer))
          .map(({ data }) => data)
          .slice(0, -1),
      ).to.deep.equal(Array.from({ length: 20_000 }, (_, n) => `${n}`))
    })

    it('may be cut anywhere, between the bytes of a character too', async () => {
      const { url } = await serve([Http])
      const connection = await Connection.open(url, get('/http/text'))
      const answer = await connection.complete()
      const decoder = new TextDecoder()

      const body = Buffer.concat(chunksOf(answer.subarray(answer.indexOf('\r\n\r\n') + 4)))
      const pieces = Array.from(body, byte => decoder.decode(Uint8Array.of(byte), { stream: true }))

      const events = parsed(pieces).slice(0, -1)
      expect(events).to.have.length(200)
      for (const [n, { data }] of events.entries()) expect(data).to.equal(`${n} ${TEXT.repeat(20)}`)
    })

    it('carries events of mebibytes, from generators and calls', async () => {
      const { url } = await serve([Http])

      for (const path of ['/http/big', '/http/big-calls']) {
        const stream = await subscribe(`${url}${path}`)
        const events = await stream.rest()
        const [raw, json] = events

        expect(raw?.data === MEBIBYTE).to.equal(true)
        expect(events.at(-2)?.data === LONG).to.equal(true)
        expect(events.at(-1)?.event).to.equal('stream:end')
        expect(JSON.parse(json?.data ?? '').text === MEBIBYTE).to.equal(true)
      }
    })
  })
})
