import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { FastifyReply } from 'fastify'
import {
  Channel,
  Controller,
  createApp,
  type EventWriter,
  Get,
  HttpError,
  Param,
  Reply,
  Signal,
  SSE,
  Stream,
} from 'okapi'
import request from 'supertest'
import { overhear } from './support/console.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'
import { until } from './support/until.js'

class Ticker {
  toJSON() {
    return 'SYM'
  }
}

describe('plainHandler', () => {
  @Controller()
  class Answers {
    @Get('/nothing')
    nothing() {}

    @Get('/nothing/later')
    async nothingLater() {}

    @Get('/null')
    null() {
      return null
    }

    @Get('/zero')
    zero() {
      return 0
    }

    @Get('/no')
    no() {
      return false
    }

    @Get('/text')
    text() {
      return 'text'
    }

    @Get('/empty')
    empty() {
      return ''
    }

    @Get('/object')
    async object() {
      return { symbol: new Ticker(), gone: undefined, list: [1, null] }
    }

    @Get('/bytes')
    bytes() {
      return Buffer.from([0, 255])
    }

    @Get('/array')
    array() {
      return new Uint8Array([0, 255])
    }

    @Get('/readable')
    readable() {
      return Readable.from(['a', 'b'])
    }

    @Get('/web')
    web() {
      return new Blob(['web']).stream()
    }

    @Get('/iterator')
    iterator() {
      return [1, 2].values()
    }

    @Get('/generator')
    async generator() {
      const values = async function* () {
        yield 1
      }
      return values()
    }

    @Get('/channel')
    channel() {
      return new Channel()
    }

    @Get('/twice')
    twice(@Reply() reply: FastifyReply) {
      reply.send('sent')
      return 'returned'
    }

    @Get('/function')
    function() {
      return () => 1
    }

    @Get('/symbol')
    symbol() {
      return Symbol('s')
    }

    @Get('/bigint')
    bigint() {
      return { n: 1n }
    }
  }

  let server: Awaited<ReturnType<typeof serve>>['app']['server']
  let url = ''

  before(async () => {
    const served = await serve([Answers])
    server = served.app.server
    url = served.url
  })
  after(closeAll)

  const answers: [path: string, status: number, type: string | undefined, text: string][] = [
    ['/nothing', 204, undefined, ''],
    ['/nothing/later', 204, undefined, ''],
    ['/null', 200, 'application/json; charset=utf-8', 'null'],
    ['/zero', 200, 'application/json; charset=utf-8', '0'],
    ['/no', 200, 'application/json; charset=utf-8', 'false'],
    ['/text', 200, 'text/plain; charset=utf-8', 'text'],
    ['/empty', 200, 'text/plain; charset=utf-8', ''],
    ['/object', 200, 'application/json; charset=utf-8', '{"symbol":"SYM","list":[1,null]}'],
  ]
  for (const [path, status, type, text] of answers) {
    it(`answers ${path} with ${status} ${text}`, async () => {
      const answer = await request(server).get(path)

      expect(answer.status).to.equal(status)
      expect(answer.headers['content-type']).to.equal(type)
      expect(answer.text).to.equal(text)
    })
  }

  for (const path of ['/bytes', '/array']) {
    it(`answers ${path} as they are`, async () => {
      const { headers, body } = await request(server).get(path)

      expect(headers['content-type']).to.equal('application/octet-stream')
      expect(body).to.deep.equal(Buffer.from([0, 255]))
    })
  }

  it("sends Node's and the web's streams of bytes", async () => {
    const texts = ['/readable', '/web'].map(async path => (await fetch(url + path)).text())

    expect(await Promise.all(texts)).to.deep.equal(['ab', 'web'])
  })

  for (const path of ['/iterator', '/generator', '/channel']) {
    it(`does not answer with ${path}, and says in the log what would`, async () => {
      const app = await createApp({ controllers: [Answers] })

      const { errors } = await overhear(async () => {
        expect((await request(app.server).get(path)).status).to.equal(500)
      })

      expect(errors[0]?.[1]).to.have.nested.property(
        'err.message',
        `Answers.${path.slice(1)} GET ${path} returned an iterator, which only a stream can send: declare the method with @SSE`,
      )
      await app.close()
    })
  }

  it('leaves the answer to a method that has the reply, and sends it later', async () => {
    @Controller('/later')
    class Later {
      @Get()
      later(@Reply() reply: FastifyReply) {
        setImmediate(() => reply.send('later'))
      }
    }
    const { app } = await serve([Later])

    const { status, text } = await request(app.server).get('/later')

    expect([status, text]).to.deep.equal([200, 'later'])
  })

  it('leaves out a value that is returned when the reply is sent, and logs nothing of it', async () => {
    const lines: string[] = []
    const stream = { write: (line: string) => lines.push(line) }
    const app = await createApp({ controllers: [Answers], fastify: { logger: { level: 'warn', stream } } })

    expect((await request(app.server).get('/twice')).text).to.equal('sent')

    await app.close()
    expect(lines).to.deep.equal([])
  })

  for (const path of ['function', 'symbol']) {
    it(`does not answer with a ${path}, and says in the log whose it is`, async () => {
      const app = await createApp({ controllers: [Answers] })

      const { errors } = await overhear(async () => {
        expect((await request(app.server).get(`/${path}`)).status).to.equal(500)
      })

      expect(errors[0]?.[1]).to.have.nested.property(
        'err.message',
        `Answers.${path} GET /${path} returned a ${path}, which has no text`,
      )
      await app.close()
    })
  }

  it('answers 500 for what has no JSON form', async () => {
    const { status, body } = await request(server).get('/bigint')

    expect(status).to.equal(500)
    expect(body).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
  })
})

describe('streamHandler', () => {
  let runs = 0
  let stopped = 0

  @Controller('/live')
  class Live {
    @SSE('/done')
    *done() {
      runs++
      yield 'only'
    }

    @SSE('/endless', { end: false })
    *endless() {
      runs++
      yield 'again'
    }

    @SSE('/late')
    async late(@Param() _all: object) {
      await turn()
      return ['a', Promise.resolve('b')]
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter) {
      await stream.text('called')
      return ['returned']
    }

    @SSE('/refused/:how')
    refused(@Param('how') how: string) {
      if (how === 'thrown') throw new HttpError(402, 'Pay first', { headers: { 'x-price': '5' } })
      if (how === 'unknown') throw new Error('password=hunter2')
      return (async function* () {
        await turn()
        if (how === 'later') throw new HttpError(402, 'Pay first')
        yield how
      })()
    }

    @SSE('/refused-in-time')
    async refusedInTime(): Promise<string[]> {
      runs++
      await new Promise(resolve => {
        wake = resolve
      })
      throw new HttpError(402, 'Pay first')
    }

    @SSE('/called/refused')
    async calledRefused(@Stream() _stream: EventWriter) {
      throw new HttpError(402, 'Pay first')
    }

    @SSE('/nothing')
    nothing() {}

    @SSE('/number')
    number() {
      return 5 as never
    }

    @SSE('/object')
    object() {
      return new Date() as never
    }

    @SSE('/headers')
    *headers(@Reply() reply: FastifyReply) {
      reply.header('x-broken', 'a\nb').header('x-whole', 'yes')
      yield 'never'
    }

    @SSE('/broken', { onError: () => 'end' })
    async *broken() {
      yield 'first'
      await turn()
      throw new Error('password=hunter2')
    }

    @SSE('/silent', { headDelay: 60_000 })
    async *silent(@Signal() signal: AbortSignal) {
      runs++
      try {
        await once(signal, 'abort')
        signal.throwIfAborted()
      } finally {
        stopped++
      }
      yield 'never'
    }

    @SSE('/deaf', { orphanTimeout: 5 })
    async *deaf() {
      yield 'first'
      await new Promise(resolve => {
        wake = resolve
      })
    }
  }

  let wake: (value?: unknown) => void = () => {}

  beforeEach(() => {
    runs = 0
    stopped = 0
  })
  afterEach(closeAll)

  const headers = { 'last-event-id': 'stream.end' }

  it('sends the headers of an event stream', async () => {
    const { app } = await serve([Live])

    const { status, headers } = await request(app.server).get('/live/done')

    expect(status).to.equal(200)
    expect(headers).to.include({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  it('answers 204 to a client that comes back to a finished stream, and does not run it again', async () => {
    const { app } = await serve([Live])

    const first = await request(app.server).get('/live/done')
    const second = await request(app.server).get('/live/done').set(headers)

    expect(first.text).to.equal('data: only\n\nid: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n')
    expect(second.status).to.equal(204)
    expect(second.text).to.equal('')
    expect(runs).to.equal(1)
  })

  it('runs a stream again that does not say that it has ended', async () => {
    const { app } = await serve([Live])

    const { text } = await request(app.server).get('/live/endless').set(headers)

    expect(text).to.equal('data: again\n\n')
  })

  it('takes a promise of a source, with promises in it', async () => {
    const { app } = await serve([Live])

    expect((await request(app.server).get('/live/late')).text).to.match(/^data: a\n\ndata: b\n\n/)
  })

  it('sends what a method that sends by calls returns behind its calls', async () => {
    const { app } = await serve([Live])

    expect((await request(app.server).get('/live/calls')).text).to.match(/^data: called\n\ndata: returned\n\n/)
  })

  for (const path of ['/refused/thrown', '/refused/later', '/called/refused']) {
    it(`answers what is thrown before the first event with an ordinary error (${path})`, async () => {
      const { app } = await serve([Live])

      const { status, headers, body } = await request(app.server).get(`/live${path}`).set('accept', 'text/event-stream')

      expect(status).to.equal(402)
      expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
      expect(headers).not.to.have.property('x-accel-buffering')
      expect(body).to.deep.equal({ type: 'about:blank', title: 'Payment Required', status: 402, detail: 'Pay first' })
      expect(app.streams.size).to.equal(0)
    })
  }

  it('sends the headers of an error', async () => {
    const { app } = await serve([Live])

    expect((await request(app.server).get('/live/refused/thrown')).headers['x-price']).to.equal('5')
  })

  it('says nothing of an unknown error before the first event', async () => {
    const { app } = await serve([Live])

    const { status, body } = await request(app.server).get('/live/refused/unknown')

    expect(status).to.equal(500)
    expect(body).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
  })

  const sources =
    'a stream needs a generator, another iterable, a Channel, a subscription, a ReadableStream or an Observable'
  for (const [path, kind] of [
    ['nothing', 'nothing'],
    ['number', 'a number'],
    ['object', 'an object of class Date'],
  ]) {
    it(`answers 500 if the method returns ${kind}, and the log tells what it may return`, async () => {
      const app = await createApp({ controllers: [Live] })

      const { errors } = await overhear(async () => {
        expect((await request(app.server).get(`/live/${path}`)).status).to.equal(500)
      })

      expect(errors[0]?.[1]).to.have.nested.property(
        'err.message',
        `Live.${path} GET /live/${path} returned ${kind}; ${sources}`,
      )
      await app.close()
    })
  }

  it('answers 500 if a header cannot be sent, and leaves it out', async () => {
    const { app } = await serve([Live])

    const { status, headers, text } = await request(app.server).get('/live/headers')

    expect(status).to.equal(500)
    expect(headers).to.have.property('x-whole', 'yes')
    expect(headers).not.to.have.property('x-broken')
    expect(text).to.equal('{"type":"about:blank","title":"Internal Server Error","status":500}')
    expect(app.streams.size).to.equal(0)
  })

  it('ends a stream that fails later with an event that says nothing of it, and logs it', async () => {
    const app = await createApp({ controllers: [Live] })

    const { errors } = await overhear(async () => {
      const { status, text } = await request(app.server).get('/live/broken')

      expect(status).to.equal(200)
      expect(text).to.equal(
        'data: first\n\n' +
          'event: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n',
      )
    })

    expect(errors[0]?.[0]).to.equal('An event stream failed')
    expect(errors[0]?.[1]).to.deep.include({ stream: 'Live.broken GET /live/broken', phase: 'source' })
    expect(errors[0]?.[1]).to.have.nested.property('err.message', 'password=hunter2')
    await app.close()
  })

  it('stops the method of a client that leaves before the first event, and logs nothing', async () => {
    const app = await createApp({ controllers: [Live] })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const controller = new AbortController()

    const { errors } = await overhear(async () => {
      const answer = fetch(`${url}/live/silent`, { signal: controller.signal }).catch(() => 'left')
      await until(() => runs === 1)
      controller.abort()
      expect(await answer).to.equal('left')
      await until(() => stopped === 1 && app.streams.size === 0)
      await app.close()
    })

    expect(errors).to.deep.equal([])
  })

  it('has nothing to say to a client that leaves while hooks run', async () => {
    const controller = new AbortController()
    const app = await createApp({
      controllers: [Live],
      setup: app => {
        app.addHook('onSend', async (_request, reply, payload) => {
          controller.abort()
          await once(reply.raw, 'close')
          return payload
        })
      },
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })

    const { errors } = await overhear(async () => {
      const answer = await fetch(`${url}/live/endless`, { signal: controller.signal }).catch(() => 'left')
      expect(answer).to.equal('left')
      await until(() => runs === 1 && app.streams.size === 0)
      await app.close()
    })

    expect(errors).to.deep.equal([])
  })

  it('answers 503 to a client that waits for its first event when the app closes', async () => {
    const { app, url } = await serve([Live])
    const answer = fetch(`${url}/live/silent`)
    await until(() => runs === 1)

    const closed = app.close()

    const { status, headers } = await answer
    expect(status).to.equal(503)
    expect(headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
    await closed
    expect(stopped).to.equal(1)
  })

  it('tells a client that waits for its first event when the app will have closed', async () => {
    const { app, url } = await serve([Live], { closeGrace: 60_000 })
    const answer = fetch(`${url}/live/silent`)
    await until(() => runs === 1)

    const closed = app.close()

    expect((await answer).headers.get('retry-after')).to.be.oneOf(['60', '61'])
    await closed
  })

  it('answers an error of the method as it is while the app is about to close', async () => {
    const { app, url } = await serve([Live])
    const answer = fetch(`${url}/live/refused-in-time`)
    await until(() => runs === 1)

    app.streams.stopAdmitting(1_000)
    wake()

    expect((await answer).status).to.equal(402)
  })

  it('logs, once, that a method has returned while its code goes on to send', async () => {
    const late: Promise<unknown>[] = []
    @Controller('/callback')
    class Callback {
      @SSE()
      calls(@Stream() stream: EventWriter) {
        setImmediate(() => late.push(stream.data('a'), stream.data('b')))
      }
    }
    const app = await createApp({ controllers: [Callback] })

    const { warnings } = await overhear(async () => {
      await request(app.server).get('/callback').expect(200)
      await until(() => late.length === 2)
    })

    expect(warnings).to.have.length(1)
    expect(warnings[0]?.[0]).to.equal(
      'A stream was written to after its method had returned, which ended it: await what it waits for, or return a Channel',
    )
    expect(warnings[0]?.[1]).to.include({ stream: 'Callback.calls GET /callback' })
    await app.close()
  })

  it('counts and logs a generator that outlives its client, until it ends', async () => {
    const app = await createApp({ controllers: [Live] })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })

    const { warnings } = await overhear(async () => {
      const stream = await subscribe(`${url}/live/deaf`)
      await stream.take(1)
      stream.leave()
      await until(() => app.streams.orphans === 1)
    })

    expect(warnings[0]?.[0]).to.equal('A generator has outlived its client: give @Signal() to whatever it awaits')
    expect(warnings[0]?.[1]).to.include({ stream: 'Live.deaf GET /live/deaf' })
    wake()
    await until(() => app.streams.orphans === 0)
    await app.close()
  })
})
