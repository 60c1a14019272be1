import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Mock, mock } from 'node:test'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Channel, lastEventId, ServerSentEvent, type StreamEventsOptions, streamEvents } from 'okapi/sse'
import { Subject } from 'rxjs'
import type { Feed } from '../../src/sse/feed.js'
import { askHttp2, leaveAllHttp2 } from '../support/ask-http2.js'
import { framed, HandFeed } from '../support/hand-feed.js'
import { type Latch, latch } from '../support/latch.js'
import { closeServers, listen, listenHttp2 } from '../support/listen.js'
import { DONE, never } from '../support/streaming.js'
import { settles, turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

const MASKED = 'event: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n'

type Values = Parameters<typeof streamEvents>[2]

describe('streamEvents', () => {
  let logged: Mock<typeof console.error>
  let warned: Mock<typeof console.warn>
  let client: EventSource | undefined

  beforeEach(() => {
    logged = mock.method(console, 'error', () => {})
    warned = mock.method(console, 'warn', () => {})
  })

  afterEach(async () => {
    mock.reset()
    client?.close()
    leaveAll()
    leaveAllHttp2()
    await closeServers()
  })

  /** A source that has nothing to give, and tells that it was asked. */
  function silent(asked: Latch<void>): AsyncIterable<never> {
    const next = (): Promise<never> => {
      asked.open()
      return never
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  /** Answers every request with a stream; `outcomes` tells what became of each call. */
  async function serve(
    values: (request: IncomingMessage) => Values | Feed,
    options: StreamEventsOptions = {},
    prepare: (response: ServerResponse) => void = () => {},
  ) {
    const outcomes: unknown[] = []
    const port = await listen((request, response) => {
      prepare(response)
      streamEvents(request, response, values(request) as Values, { headDelay: 60_000, ...options }).then(
        () => outcomes.push('over'),
        error => {
          outcomes.push(error)
          response.writeHead(500).end('refused')
        },
      )
    })
    return { port, outcomes }
  }

  it('answers with an event stream, and resolves when it is over', async () => {
    const { port, outcomes } = await serve(async function* () {
      yield 'a'
      yield { n: 2 }
    })

    const wire = ask(port)
    await wire.ends()
    await until(() => outcomes.length === 1)

    const [status, ...headers] = wire.head.split('\r\n')
    expect(status).to.equal('HTTP/1.1 200 OK')
    expect(headers.filter(header => !/^(Date|Keep-Alive): /.test(header))).to.deep.equal([
      'content-type: text/event-stream',
      'cache-control: no-cache, no-transform',
      'x-accel-buffering: no',
      'Connection: keep-alive',
      'Transfer-Encoding: chunked',
    ])
    expect(wire.chunks).to.deep.equal([`data: a\n\ndata: {"n":2}\n\n${DONE}`, ''])
    expect(outcomes).to.deep.equal(['over'])
  })

  it('does not resolve while the stream is open', async () => {
    const next = latch()
    const { port, outcomes } = await serve(async function* () {
      yield 'a'
      await next.promise
    })
    const wire = ask(port)
    await wire.sees('data: a')
    await turns(5)
    expect(outcomes).to.deep.equal([])

    next.open()
    await wire.ends()

    await until(() => outcomes.length === 1)
    expect(outcomes).to.deep.equal(['over'])
  })

  it('takes any source: a Channel, an Observable, a ReadableStream', async () => {
    const channel = new Channel<string>()
    channel.send('a')
    channel.close()
    const subject = new Subject<string>()
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue('a')
        controller.close()
      },
    })
    const sources = [channel, subject as unknown as Values, stream]
    const { port } = await serve(() => sources.shift() ?? [])

    const wires = [ask(port)]
    await wires[0]?.ends()
    wires.push(ask(port))
    await until(() => subject.observed)
    subject.next('a')
    subject.complete()
    await wires[1]?.ends()
    wires.push(ask(port))
    await wires[2]?.ends()

    for (const wire of wires) expect(wire.chunks.join('')).to.equal(`data: a\n\n${DONE}`)
  })

  it('serves a client of HTTP/1.0, without chunks', async () => {
    const { port } = await serve(() => ['a', 'b'], { end: false })

    const wire = ask(port, { version: '1.0' })
    await wire.closes()

    expect(wire.body).to.equal('data: a\n\ndata: b\n\n')
  })

  it('takes the options of a stream', async () => {
    const { port } = await serve(() => ['a'], {
      end: 'id',
      retry: 5,
      serializer: { serialize: data => `<${data}>` },
    })

    const wire = ask(port)
    await wire.ends()

    expect(wire.chunks).to.deep.equal(['retry: 5\n\ndata: <a>\n\nid: stream.end\n\n', ''])
  })

  describe('Its headers', () => {
    async function headers(options: StreamEventsOptions, prepare?: (response: ServerResponse) => void) {
      const { port } = await serve(() => [], options, prepare)
      const wire = ask(port)
      await wire.ends()
      return wire.head
        .split('\r\n')
        .slice(1)
        .filter(header => !/^(Date|Keep-Alive|Connection|Transfer)/.test(header))
    }

    it('may be more, and replace those of the stream, in whatever case they are written', async () => {
      const more = { 'Cache-Control': 'no-store', 'Set-Cookie': ['a=1', 'b=2'], 'X-Count': 3, 'X-None': undefined }

      expect(await headers({ headers: more })).to.deep.equal([
        'content-type: text/event-stream',
        'cache-control: no-store',
        'x-accel-buffering: no',
        'set-cookie: a=1',
        'set-cookie: b=2',
        'x-count: 3',
      ])
    })

    it('leave those alone that the response has already', async () => {
      const prepare = (response: ServerResponse) => {
        response.setHeader('Cache-Control', 'no-store')
        response.setHeader('X-Mine', 'yes')
      }

      expect(await headers({}, prepare)).to.have.members([
        'Cache-Control: no-store',
        'X-Mine: yes',
        'content-type: text/event-stream',
        'x-accel-buffering: no',
      ])
    })

    it('are refused before anything is sent if HTTP does not allow them', async () => {
      for (const [bad, code] of [
        [{ 'x-a': 'a\nb' }, 'ERR_INVALID_CHAR'],
        [{ 'x a': 'b' }, 'ERR_INVALID_HTTP_TOKEN'],
      ] as const) {
        const { port, outcomes } = await serve(() => ['a'], { headers: bad })
        const wire = ask(port)
        await wire.ends()

        expect(wire.head).to.match(/^HTTP\/1\.1 500 /)
        expect(outcomes[0]).to.be.instanceOf(TypeError).and.include({ code })
      }
    })
  })

  describe('A client that comes back to a finished stream', () => {
    const back = { 'Last-Event-ID': 'stream.end' }

    it('is answered 204, and the source is told that nobody reads it', async () => {
      const channel = new Channel()
      const { port, outcomes } = await serve(() => channel)

      const wire = ask(port, { headers: back })
      await wire.sees('\r\n\r\n')
      await until(() => outcomes.length === 1)

      expect(wire.head)
        .to.match(/^HTTP\/1\.1 204 No Content\r\n/)
        .and.not.contain('content-type')
      expect(wire.body).to.equal('')
      expect(channel.closed).to.equal(true)
      expect(outcomes).to.deep.equal(['over'])
    })

    it('gets the stream again where streams do not end for good', async () => {
      const { port } = await serve(() => ['a'], { end: false })

      const wire = ask(port, { headers: back })
      await wire.ends()

      expect(wire.chunks).to.deep.equal(['data: a\n\n', ''])
    })

    it('is an EventSource like any other: it asks once more, and then no more', async () => {
      const asked: (string | undefined)[] = []
      const { port } = await serve(
        ({ headers }) => {
          asked.push(lastEventId(headers))
          return [new ServerSentEvent({ id: '7', data: 'a' })]
        },
        { retry: 1 },
      )
      const seen: unknown[] = []
      client = new EventSource(`http://127.0.0.1:${port}`)
      client.addEventListener('message', ({ data }) => seen.push(data))
      client.addEventListener('stream:end', ({ data }) => seen.push(data))

      await until(() => client?.readyState === EventSource.CLOSED)

      expect(seen).to.deep.equal(['a', '{"reason":"done"}'])
      expect(asked).to.deep.equal([undefined, 'stream.end'])
    })
  })

  it('gives an EventSource that was cut off what it missed', async () => {
    const { port } = await serve(
      async function* ({ headers, socket }) {
        for (let n = Number(lastEventId(headers) ?? 0) + 1; n <= 5; n++) {
          yield new ServerSentEvent({ id: `${n}`, data: n })
          await turns(2)
          if (n === 2) socket.destroy()
        }
      },
      { retry: 1 },
    )
    const seen: unknown[] = []
    client = new EventSource(`http://127.0.0.1:${port}`)
    client.addEventListener('message', ({ data }) => seen.push(data))

    await until(() => client?.readyState === EventSource.CLOSED)

    expect(seen).to.deep.equal(['1', '2', '3', '4', '5'])
  })

  describe('A feed', () => {
    it('is asked for a source of the client that goes on where it left off, and opens at once', async () => {
      const feed = new HandFeed()
      const { port, outcomes } = await serve(() => feed)
      const wire = ask(port, { headers: { 'Last-Event-ID': 'a.7' } })
      await wire.sees(': open\n\n')

      const { outlet } = await feed.attached.promise
      outlet.relay(framed('id: a.8\ndata: 1\n\n'))
      outlet.finish()
      await wire.closes()

      expect(wire.chunks).to.deep.equal([': open\n\n', 'id: a.8\ndata: 1\n\n', DONE, ''])
      expect(feed.calls).to.deep.equal(['feed a.7', 'attach', 'return'])
      await until(() => outcomes.length === 1)
      expect(outcomes).to.deep.equal(['over'])
    })

    it('that does not open is an error of the call, and nothing was sent', async () => {
      const feed = new HandFeed()
      const opening = latch()
      feed.opening = opening.promise
      const { port, outcomes } = await serve(() => feed)
      const wire = ask(port)
      await until(() => feed.calls.length === 1)
      const gone = new Error('Gone')

      opening.fail(gone)
      await wire.ends()

      expect(wire.head).to.match(/^HTTP\/1\.1 500 /)
      expect(outcomes).to.deep.equal([gone])
      expect(feed.calls).to.deep.equal(['feed undefined', 'return'])
    })

    it('is not asked when nobody reads it', async () => {
      const feed = new HandFeed()
      const { port, outcomes } = await serve(() => feed)

      await ask(port, { method: 'HEAD' }).sees('\r\n\r\n')
      await ask(port, { headers: { 'Last-Event-ID': 'stream.end' } }).sees('HTTP/1.1 204')
      await until(() => outcomes.length === 2)

      expect(feed.calls).to.deep.equal([])
    })

    it('is read event by event over HTTP/2', async () => {
      const feed = new HandFeed()
      feed.values.push('a', 'b')
      const port = await listenHttp2((request, response) => {
        streamEvents(request as never, response, feed as never)
      })

      const answer = askHttp2(port)
      await answer.sees(': open\n\ndata: a\n\ndata: b\n\n')

      expect((await feed.attached.promise).relaying).to.equal(false)
    })
  })

  it('answers HEAD with the head alone, and tells the source that nobody reads it', async () => {
    const channel = new Channel()
    const { port, outcomes } = await serve(() => channel, { headers: { 'X-Mine': 'yes' } })

    const wire = ask(port, { method: 'HEAD' })
    await wire.sees('\r\n\r\n')
    await until(() => outcomes.length === 1)

    expect(wire.head).to.match(/^HTTP\/1\.1 200 OK\r\n/)
    expect(wire.head).to.contain('\r\ncontent-type: text/event-stream\r\n').and.contain('\r\nx-mine: yes\r\n')
    expect(wire.body).to.equal('')
    expect(channel.closed).to.equal(true)
  })

  describe('It rejects, while nothing was sent,', () => {
    async function refusal(values: () => unknown, options: StreamEventsOptions = {}): Promise<Error> {
      const { port, outcomes } = await serve(values as () => Values, options)
      const wire = ask(port)
      await wire.ends()
      expect(wire.head)
        .to.match(/^HTTP\/1\.1 500 /)
        .and.not.contain('event-stream')
      expect(wire.chunks).to.deep.equal(['refused', ''])
      return outcomes[0] as Error
    }

    it('with what the source throws before its first event', async () => {
      const error = new Error('no such thing')
      // biome-ignore lint/correctness/useYield: it fails before
      const values = async function* () {
        throw error
      }

      expect(await refusal(values)).to.equal(error)
      expect(logged.mock.callCount()).to.equal(0)
    })

    it('with a TypeError where there is no source', async () => {
      expect(await refusal(() => 'text')).to.be.instanceOf(TypeError)
      expect((await refusal(() => ({}))).message).to.equal(
        'streamEvents() takes a generator, a channel, or another iterable',
      )
    })

    for (const status of [204, 304]) {
      it(`with a TypeError where the response has status ${status}, which has no body`, async () => {
        const refused = latch<unknown>()
        const port = await listen((request, response) => {
          response.statusCode = status
          streamEvents(request, response, ['a']).catch(refused.open)
        })
        ask(port)

        expect(await refused.promise)
          .to.be.instanceOf(TypeError)
          .and.have.property(
            'message',
            `streamEvents() cannot stream in a response of status ${status}, which has no body`,
          )
      })
    }

    it('with a TypeError for an option that makes no sense', async () => {
      expect((await refusal(() => [], { pingInterval: -1 })).message).to.equal(
        'The stream option pingInterval is a whole number from 0 to 2147483647, not -1',
      )
    })
  })

  describe('An error after the first event', () => {
    const error = new Error('the secret of the database')

    it('ends the stream with an event that does not tell it, and is logged', async () => {
      const { port, outcomes } = await serve(function* () {
        yield 'a'
        throw error
      })
      const wire = ask(port, { path: '/clock?a=1' })

      await wire.ends()
      await until(() => outcomes.length === 1)

      expect(wire.chunks).to.deep.equal([`data: a\n\n${MASKED}`, ''])
      expect(outcomes).to.deep.equal(['over'])
      expect(logged.mock.calls.map(call => call.arguments)).to.deep.equal([
        ['Event stream GET /clock?a=1 failed (source):', error],
      ])
    })

    it('is told to onError, with the name and the request of the stream', async () => {
      const told: unknown[] = []
      const { port } = await serve(
        function* () {
          yield 'a'
          throw error
        },
        { name: 'Clock', onError: (...args) => void told.push(...args) },
      )

      await ask(port).ends()

      expect(told[0]).to.equal(error)
      expect(told[1]).to.deep.include({ phase: 'source', name: 'Clock' })
      expect((told[1] as { request: IncomingMessage }).request.url).to.equal('/')
      expect(logged.mock.calls[0]?.arguments[0]).to.equal('Event stream Clock failed (source):')
    })
  })

  describe('A client that leaves', () => {
    it('ends the source', async () => {
      const ended = latch()
      const { port, outcomes } = await serve(async function* () {
        try {
          for (;;) {
            yield 'a'
            await turns(1)
          }
        } finally {
          ended.open()
        }
      })
      const wire = ask(port)
      await wire.sees('data: a')

      wire.leave()

      await ended.promise
      await until(() => outcomes.length === 1)
      expect(outcomes).to.deep.equal(['over'])
      expect(logged.mock.callCount()).to.equal(0)
    })

    it('is no error before the first event either', async () => {
      const asked = latch()
      const { port, outcomes } = await serve(() => silent(asked), { headDelay: 60_000 })
      const wire = ask(port)
      await asked.promise

      wire.leave()
      await until(() => outcomes.length === 1)

      expect(outcomes).to.deep.equal(['over'])
    })

    it('is warned of when the source does not end', async () => {
      const { port } = await serve(
        async function* () {
          yield 'a'
          await never
        },
        { orphanTimeout: 5, name: 'Clock' },
      )
      const wire = ask(port)
      await wire.sees('data: a')

      wire.leave()
      await until(() => warned.mock.callCount() === 1)

      expect(warned.mock.calls[0]?.arguments[0]).to.match(
        /^Event stream Clock: its source still waits \d+ ms after the start, though its client has left$/,
      )
    })
  })

  describe('Over HTTP/2', () => {
    async function serveHttp2(values: () => Values, options: StreamEventsOptions = {}) {
      const outcomes: unknown[] = []
      const port = await listenHttp2((request, response) => {
        streamEvents(request, response, values(), { headDelay: 60_000, ...options }).then(
          () => outcomes.push('over'),
          error => {
            outcomes.push(error)
            response.writeHead(500).end('refused')
          },
        )
      })
      return { port, outcomes }
    }

    it('answers with an event stream', async () => {
      const next = latch()
      const { port, outcomes } = await serveHttp2(async function* () {
        yield 'a'
        await next.promise
        yield 'b'
      })

      const answer = askHttp2(port)
      await answer.sees('data: a\n\n')
      next.open()
      await until(() => answer.over() && outcomes.length === 1)

      expect(answer.headers).to.include({
        ':status': 200,
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
      })
      expect(answer.headers).to.not.have.any.keys('connection', 'transfer-encoding')
      expect(answer.text()).to.equal(`data: a\n\ndata: b\n\n${DONE}`)
      expect(outcomes).to.deep.equal(['over'])
    })

    it('answers HEAD with the head alone', async () => {
      const { port, outcomes } = await serveHttp2(() => ['a'])

      const answer = askHttp2(port, '/', 'HEAD')
      await until(() => answer.over() && outcomes.length === 1)

      expect(answer.headers).to.include({ ':status': 200, 'content-type': 'text/event-stream' })
      expect(answer.text()).to.equal('')
    })

    it('rejects with what the source throws before its first event', async () => {
      const error = new Error('no such thing')
      const { port, outcomes } = await serveHttp2(() => [Promise.reject(error)])

      const answer = askHttp2(port)
      await answer.sees('refused')

      expect(answer.headers[':status']).to.equal(500)
      expect(outcomes).to.deep.equal([error])
    })

    it('slows a source down to a client that reads nothing, and ends it when that client leaves', async () => {
      const ended = latch<number>()
      let asked = 0
      const { port, outcomes } = await serveHttp2(function* () {
        try {
          for (; ; asked++) yield 'x'.repeat(50_000)
        } finally {
          ended.open(asked)
        }
      })
      const answer = askHttp2(port)
      answer.pause()
      await settles(() => asked)

      answer.leave()

      expect(await ended.promise).to.be.below(1_000)
      await until(() => outcomes.length === 1)
      expect(outcomes).to.deep.equal(['over'])
    })

    it('makes no error of a client that leaves before the first event', async () => {
      const asked = latch()
      const { port, outcomes } = await serveHttp2(() => silent(asked), { headDelay: 60_000 })
      const answer = askHttp2(port)
      await asked.promise

      answer.leave()
      await until(() => outcomes.length === 1)

      expect(outcomes).to.deep.equal(['over'])
    })
  })
})
