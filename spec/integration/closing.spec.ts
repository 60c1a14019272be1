import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { type App, Channel, Controller, createApp, type EventWriter, Get, Post, Signal, SSE, Stream } from 'okapi'
import { certificate } from '../support/certificate.js'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { soon, untilAtRest } from '../support/eventually.js'
import { askHttp2, connectHttp2, leaveAllHttp2 } from '../support/http2.js'
import { parsed } from '../support/parsed.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { unchunked } from '../support/unchunked.js'
import { until } from '../support/until.js'

const HOUR = 3_600_000
const GRACE = 100
/** More than the kernel takes at once. */
const LONG = 'x'.repeat(15_000_000)
const GOODBYE = /event: stream:end\nretry: (\d+)\ndata: \{"reason":"closing"\}\n\n$/

describe('Closing an app', () => {
  let started = 0
  let ended: string[] = []
  let yields = 0
  let proceed = (): void => {}
  const parked = (): Promise<void> =>
    new Promise(resolve => {
      proceed = resolve
    })

  @Controller('/close')
  class Closing {
    @SSE('/signal')
    async *signal(@Signal() signal: AbortSignal): AsyncGenerator<string> {
      started++
      signal.addEventListener('abort', () => ended.push('signal'))
      try {
        yield 'a'
        await sleep(HOUR, undefined, { signal })
      } finally {
        ended.push('finally')
      }
    }

    @SSE('/post', { method: 'POST' })
    async *post(@Signal() signal: AbortSignal): AsyncGenerator<string> {
      yield* this.signal(signal)
    }

    @SSE('/channel')
    channel(): Channel<string> {
      started++
      const channel = new Channel<string>()
      channel.trySend('a')
      channel.onClose(() => ended.push('channel'))
      return channel
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter, @Signal() signal: AbortSignal): Promise<void> {
      started++
      try {
        await stream.data('a')
        await sleep(HOUR, undefined, { signal })
      } finally {
        ended.push('calls')
      }
    }

    @SSE('/parked')
    async *parked(): AsyncGenerator<string> {
      started++
      yield 'a'
      await parked()
    }

    @SSE('/fast')
    *fast(): Generator<string> {
      started++
      try {
        for (;;) {
          yields++
          yield 'x'.repeat(10_000)
        }
      } finally {
        ended.push('fast')
      }
    }

    @SSE('/fast-async')
    async *fastAsync(): AsyncGenerator<string> {
      try {
        for (;;) yield 'x'.repeat(1_000)
      } finally {
        ended.push('async')
      }
    }

    @SSE('/fast-calls')
    async fastCalls(@Stream() stream: EventWriter): Promise<void> {
      try {
        for (;;) await stream.data('x'.repeat(1_000))
      } finally {
        ended.push('calls')
      }
    }

    @SSE('/long')
    *long(): Generator<string> {
      started++
      yield LONG
    }

    @Get('/download')
    download(): Readable {
      started++
      return Readable.from(Array.from({ length: 150 }, () => LONG.slice(0, 100_000)))
    }

    @Get('/long-answer')
    longAnswer(): string {
      started++
      return LONG
    }

    @SSE('/set-up')
    async setUp(@Signal() signal: AbortSignal): Promise<string[]> {
      started++
      await sleep(HOUR, undefined, { signal }).finally(() => ended.push('set-up'))
      return []
    }

    @SSE('/parked-set-up')
    async parkedSetUp(): Promise<Channel<string>> {
      started++
      await parked()
      return this.channel()
    }

    @SSE('/first', { headDelay: HOUR })
    async *first(): AsyncGenerator<string> {
      started++
      await parked()
      yield 'a'
    }

    @SSE('/first-call', { headDelay: HOUR })
    async firstCall(@Stream() stream: EventWriter): Promise<void> {
      started++
      await parked()
      await stream.data('a')
    }

    @Get('/slow')
    async slow(): Promise<string> {
      started++
      await parked()
      return 'slow'
    }

    @Post('/echo')
    echo(): string {
      return 'echo'
    }
  }

  beforeEach(() => {
    started = 0
    ended = []
    yields = 0
  })
  afterEach(async () => {
    mock.timers.reset()
    proceed()
    leaveAll()
    leaveAllHttp2()
    await closeAll()
  })

  const serveClosing = (fastify = {}, setup = (_app: App): void => {}): Promise<Served> =>
    serve([Closing], { closeGrace: GRACE, fastify, setup: app => setup(app as App) })

  /** All of the stream that a connection is for, once it is closed; the answer has to be complete. */
  const streamOf = async (connection: Connection): Promise<string> => {
    const answer = await connection.end()
    expect(answer).to.match(/\r\n0\r\n\r\n$/)
    return unchunked(Buffer.from(answer))
  }

  const close = (app: App): Promise<void> => soon(app.close(), 'the app is closed')

  it('says goodbye to every stream, and asks each client to come back at a time of its own', async () => {
    const { app, url } = await serveClosing()
    const paths = ['/close/signal', '/close/channel', '/close/calls', '/close/parked']
    const connections = await Promise.all(
      Array.from({ length: 20 }, (_, n) => Connection.open(url, get(paths[n % 4] as string))),
    )
    await Promise.all(connections.map(connection => connection.has('data: a')))

    await close(app)

    const texts = await Promise.all(connections.map(streamOf))
    for (const text of texts) {
      expect(text).to.match(GOODBYE)
      expect(parsed(text)).to.deep.equal([
        { id: undefined, event: undefined, data: 'a' },
        { id: undefined, event: 'stream:end', data: '{"reason":"closing"}' },
      ])
    }
    const retries = texts.map(text => Number(GOODBYE.exec(text)?.[1]))
    expect(Math.min(...retries)).to.be.at.least(GRACE + 1_000)
    expect(Math.max(...retries)).to.be.at.most(GRACE + 5_000)
    expect(new Set(retries).size).to.be.above(5)
  })

  it('says goodbye also to a client that asked by POST: its answer must not look complete', async () => {
    const { app, url } = await serveClosing()
    const connection = await Connection.open(url, post('/close/post'))
    await connection.has('data: a')

    await close(app)

    expect(await streamOf(connection)).to.match(GOODBYE)
  })

  it('aborts the signals and ends the generators, before it is done', async () => {
    const { app, url } = await serveClosing()
    for (const path of ['signal', 'channel', 'calls']) {
      const connection = await Connection.open(url, get(`/close/${path}`))
      await connection.has('data: a')
    }

    await close(app)

    expect(ended.sort()).to.deep.equal(['calls', 'channel', 'finally', 'signal'])
    expect(app.streams.size).to.equal(0)
  })

  it('says goodbye to streams that are as fast as they can', async () => {
    const { app, url } = await serve([Closing], { closeGrace: 5_000 })
    const paths = ['/close/fast', '/close/fast-calls', '/close/fast-async']
    const connections = await Promise.all(
      Array.from({ length: 9 }, (_, n) => Connection.open(url, get(paths[n % 3] as string))),
    )
    await until(() => connections.every(({ size }) => size > 100_000), 'all streams run')

    await close(app)

    for (const connection of connections) expect(await streamOf(connection)).to.match(GOODBYE)
    expect(ended.sort()).to.deep.equal(['async', 'async', 'async', 'calls', 'calls', 'calls', 'fast', 'fast', 'fast'])
  })

  it('lets ordinary requests finish', async () => {
    const { app, url } = await serveClosing()
    const connection = await Connection.open(url, get('/close/slow'))
    const stream = await Connection.open(url, get('/close/signal'))
    await until(() => started === 2, 'both methods were called')

    const closed = close(app)
    await stream.end()
    // Longer than the grace, which is for streams.
    await sleep(GRACE / 2)
    await sleep(GRACE / 2)
    await sleep(GRACE / 2)
    proceed()
    await closed

    expect(await connection.end()).to.match(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nslow$/)
  })

  it('lets a slow client take the whole of its answer', async () => {
    const { app, url } = await serve([Closing], { closeGrace: 5_000 })
    const slow = (connection: Connection): Connection => {
      connection.socket.on('data', () => {
        connection.pause()
        setTimeout(() => connection.socket.resume(), 1)
      })
      return connection
    }
    const connections = [
      slow(await Connection.open(url, get('/close/long'))),
      slow(await Connection.open(url, get('/close/download'))),
      slow(await Connection.open(url, get('/close/long-answer'))),
      slow(await Connection.open(url, get('/close/long-answer') + post('/close/echo'))),
    ]
    await until(() => connections.every(({ size }) => size > 0), 'all answers have begun')

    await close(app)

    await Promise.all(connections.map(connection => connection.end()))
    for (const { size } of connections) expect(size).to.be.above(LONG.length)
  })

  it('lets an ordinary request finish that half of another stands behind', async () => {
    const { app, url } = await serveClosing()
    const half = post('/close/echo', { half: true }).slice(0, -3)
    const connection = await Connection.open(url, get('/close/slow') + half)
    await until(() => started === 1, 'the method was called')

    const closed = close(app)
    await sleep(GRACE / 2)
    await sleep(GRACE / 2)
    await sleep(GRACE / 2)
    proceed()
    await closed

    expect(await connection.end()).to.match(/\r\n\r\nslow$/)
  })

  it('answers a stream that waits behind an ordinary request', async () => {
    const { app, url } = await serveClosing()
    const connection = await Connection.open(url, get('/close/slow') + get('/close/channel'))
    await until(() => started === 2, 'both methods were called')

    const closed = close(app)
    await until(() => ended.length === 1, 'the stream has ended')
    proceed()
    await closed

    const answers = await connection.end()
    const [slow, stream] = answers.split(/(?=HTTP\/1\.1 200 OK)/)
    expect(slow).to.match(/\r\n\r\nslow$/)
    expect(unchunked(Buffer.from(stream as string))).to.match(GOODBYE)
  })

  describe('is not held up', () => {
    it('by a client that does not read, which is cut when the grace is over', async () => {
      const { app, url } = await serveClosing()
      const connections = await Promise.all([
        Connection.open(url, get('/close/fast')),
        Connection.open(url, get('/close/long')),
        Connection.open(url, get('/close/long-answer')),
        Connection.open(url, get('/close/download')),
      ])
      for (const connection of connections) connection.pause()
      await until(() => started === 4 && yields > 100, 'all answers have begun')
      await untilAtRest(() => yields)

      await close(app)

      expect(ended).to.deep.equal(['fast'])
      expect(app.streams.size).to.equal(0)
    })

    it('by a client that reads late, which gets its goodbye all the same', async () => {
      const { app, url } = await serve([Closing], { closeGrace: 5_000 })
      const connection = await Connection.open(url, get('/close/fast'))
      connection.pause()
      await until(() => yields > 100, 'the stream has begun')
      await untilAtRest(() => yields)

      const closed = close(app)
      await until(() => ended.length === 1, 'the generator has ended')
      connection.socket.resume()
      await closed

      const text = unchunked(await connection.complete())
      expect(text).to.match(GOODBYE)
      expect(parsed(text)).to.have.length(yields + 1)
    })

    it('by a generator that does not heed the signal', async () => {
      const { app, url } = await serveClosing()
      const connection = await Connection.open(url, get('/close/parked'))
      await connection.has('data: a')

      await close(app)

      expect(await streamOf(connection)).to.match(GOODBYE)
    })

    for (const [what, request] of [
      ['was never used', ''],
      ['is idle', post('/close/echo')],
      ['has half of a request line', 'GET /close/si'],
      ['has half of a head', 'GET /close/signal HTTP/1.1\r\nhost: ok'],
      ['has half of a body', post('/close/echo', { half: true }).slice(0, -3)],
      ['has half of a second head', `${post('/close/echo')}GET /close/signal HTTP/1.1\r\n`],
    ] as const) {
      it(`by a connection that ${what}`, async () => {
        const { app, url } = await serveClosing()
        const connection = await Connection.open(url, request)
        if (request.includes(post('/close/echo'))) await connection.has('echo')
        else await sleep(10)

        await close(app)

        await connection.end()
        expect(connection.text).to.not.contain('stream:')
      })
    }

    for (const [what, greeting] of [
      ['has not begun its handshake', ''],
      ['does not go on with its handshake', '\x16\x03\x01'],
    ] as const) {
      it(`by a TLS connection that ${what}`, async () => {
        const { app, url } = await serveClosing({ https: certificate() })
        const connection = await Connection.open(url, greeting)
        await sleep(10)

        await close(app)

        await connection.end()
      })
    }

    it('by a client that sends its request in small pieces, and is still answered', async () => {
      const { app, url } = await serveClosing()
      const connected = once(app.server, 'connection')
      const connection = await Connection.open(url)
      const [socket] = (await connected) as [Socket]
      const request = post('/close/echo', { some: 'text' })
      const half = request.length - 4
      connection.send(request.slice(0, half))
      await until(() => socket.bytesRead === half, 'the first half has arrived')

      mock.timers.enable({ apis: ['setInterval'] })
      let closed = false
      const closing = close(app).finally(() => {
        closed = true
      })
      await until(() => !app.server.listening, 'the app closes')
      for (let sent = half; sent < request.length; sent++) {
        connection.send(request.charAt(sent))
        await until(() => socket.bytesRead > sent || connection.closed, 'the next character has arrived')
        mock.timers.tick(GRACE)
      }
      await connection.has('echo')
      await until(() => {
        mock.timers.tick(GRACE)
        return closed
      }, 'the app is closed')
      await closing

      expect(await connection.end()).to.match(/\r\n\r\necho$/)
    })
  })

  describe('answers 503 to a stream', () => {
    for (const [what, path] of [
      ['in its set-up', 'set-up'],
      ['in a set-up that does not heed the signal', 'parked-set-up'],
      ['that waits for its first event', 'first'],
      ['that waits for its first call', 'first-call'],
    ] as const) {
      it(what, async () => {
        const { app, url } = await serveClosing()
        const connection = await Connection.open(url, get(`/close/${path}`))
        await until(() => started === 1, 'the method was called')

        await close(app)

        expect(await connection.end()).to.match(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
        expect(connection.body).to.equal(
          '{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The server is closing","code":"ERR_CLOSING"}',
        )
      })
    }

    it('whose set-up ends when it is too late, and tells its source', async () => {
      const { app, url } = await serveClosing()
      await Connection.open(url, get('/close/parked-set-up'))
      await until(() => started === 1, 'the method was called')
      await close(app)

      proceed()
      await until(() => ended.length === 1, 'the channel is closed')

      expect(ended).to.deep.equal(['channel'])
    })

    it('that a hook holds back', async () => {
      let hooks = 0
      const { app, url } = await serveClosing({}, app => {
        app.addHook('onSend', async () => {
          if (hooks++ === 0) await parked()
        })
      })
      const connection = await Connection.open(url, get('/close/signal'))
      await until(() => hooks === 1, 'the hook runs')

      const closed = close(app)
      await until(() => ended.length === 2, 'the generator has ended')
      proceed()
      await closed

      expect(await connection.end()).to.match(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    })
  })

  for (const [kind, options] of [
    ['HTTPS', () => ({ https: certificate() })],
    ['HTTPS, beside HTTP/2', () => ({ http2: true, https: { ...certificate(), allowHTTP1: true } })],
  ] as const) {
    it(`says goodbye, and lets ordinary requests finish, over ${kind}`, async () => {
      const { app, url } = await serveClosing(options())
      const [slow, stream, idle] = [get('/close/slow'), get('/close/signal'), post('/close/echo')].map(request => {
        const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false })
        const connection = { text: '', closed: false }
        socket.on('data', piece => {
          connection.text += piece
        })
        socket.on('close', () => {
          connection.closed = true
        })
        socket.write(request)
        return connection
      })
      await until(() => started === 2 && idle?.text.includes('echo') === true, 'all requests have arrived')

      const closed = close(app)
      await until(() => stream?.text.endsWith('\r\n0\r\n\r\n') === true, 'the stream has ended')
      await sleep(GRACE / 2)
      await sleep(GRACE / 2)
      await sleep(GRACE / 2)
      proceed()
      await closed
      await until(() => slow?.closed === true, 'the connection is closed')

      expect(unchunked(Buffer.from(stream?.text ?? ''))).to.match(GOODBYE)
      expect(slow?.text).to.match(/\r\n\r\nslow$/)
    })
  }

  for (const [kind, scheme, options] of [
    ['HTTP/2', 'https', () => ({ http2: true, https: certificate() })],
    ['HTTP/2 in clear text', 'http', () => ({ http2: true })],
  ] as const) {
    describe(`over ${kind}`, () => {
      const serveHttp2 = async (): Promise<Served> => {
        const { app, url } = await serveClosing(options())
        return { app, url: url.replace('http', scheme) }
      }

      it('says goodbye, and lets ordinary requests finish', async () => {
        const { app, url } = await serveHttp2()
        const [session, idle] = [connectHttp2(url), connectHttp2(url)]
        await askHttp2(idle, '/close/echo', 'POST', {}).body
        const [stream, slow] = [askHttp2(session, '/close/signal'), askHttp2(session, '/close/slow')]
        await until(() => started === 2, 'both methods were called')

        const closed = close(app)
        const text = await stream.body
        await sleep(GRACE / 2)
        await sleep(GRACE / 2)
        await sleep(GRACE / 2)
        proceed()
        await closed

        expect(text).to.match(GOODBYE)
        expect(await slow.body).to.equal('slow')
      })

      it('answers 503 to a stream in its set-up', async () => {
        const { app, url } = await serveHttp2()
        const answer = askHttp2(connectHttp2(url), '/close/parked-set-up')
        await until(() => started === 1, 'the method was called')

        await close(app)

        expect((await answer.headers)[':status']).to.equal(503)
      })

      it('is not held up by clients that do not read', async () => {
        const { app, url } = await serveHttp2()
        for (const path of ['/close/fast', '/close/long-answer', '/close/download']) {
          const request = connectHttp2(url).request({ ':path': path })
          request.on('error', () => {}).pause()
        }
        await until(() => started === 3 && yields > 0, 'all answers have begun')
        await untilAtRest(() => yields)

        await close(app)

        expect(ended).to.deep.equal(['fast'])
        expect(app.streams.size).to.equal(0)
      })
    })
  }

  it('leaves no timer behind, though the app never listened', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const app = await createApp({ controllers: [Closing], fastify: { logger: false } })
    await app.inject({ method: 'POST', url: '/close/echo' })
    const before = timers()

    await app.close()
    await sleep(1)

    expect(timers()).to.be.at.most(before)
  })
})
