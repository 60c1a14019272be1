import { connect as connectHttp2 } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type App, Channel, Controller, type EventWriter, Get, Signal, SSE, Stream } from 'okapi'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { untilAtRest } from '../support/eventually.js'
import { type LogLine, logger } from '../support/logged.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { turns, until } from '../support/until.js'

const HOUR = 3_600_000
/** Turns of the event loop that the end of a source may take. */
const TURNS = 3

describe('A client that leaves', () => {
  let started = 0
  let yields = 0
  let ended: string[] = []
  let proceed = (): void => {}

  const end = (what: string): void => {
    ended.push(what)
  }
  const parked = (): Promise<void> =>
    new Promise(resolve => {
      proceed = resolve
    })

  @Controller('/leave')
  class Leaving {
    @SSE('/signal')
    @SSE('/signal', { method: 'POST' })
    async *signal(@Signal() signal: AbortSignal): AsyncGenerator<string> {
      started++
      try {
        yield 'a'
        await sleep(HOUR, undefined, { signal })
      } finally {
        end('signal')
      }
    }

    @SSE('/set-up')
    @SSE('/set-up', { method: 'POST' })
    async setUp(@Signal() signal: AbortSignal): Promise<string[]> {
      started++
      try {
        await sleep(HOUR, undefined, { signal })
        return ['a']
      } finally {
        end('set-up')
      }
    }

    @SSE('/first')
    @SSE('/first', { method: 'POST' })
    async *first(@Signal() signal: AbortSignal): AsyncGenerator<string> {
      started++
      try {
        await sleep(HOUR, undefined, { signal })
        yield 'a'
      } finally {
        end('first')
      }
    }

    @SSE('/calls')
    @SSE('/calls', { method: 'POST' })
    async calls(@Stream() stream: EventWriter, @Signal() signal: AbortSignal): Promise<void> {
      started++
      try {
        await stream.data('a')
        await sleep(HOUR, undefined, { signal })
      } finally {
        end('calls')
      }
    }

    @SSE('/channel')
    @SSE('/channel', { method: 'POST' })
    channel(): Channel<string> {
      started++
      const channel = new Channel<string>()
      channel.onClose(() => end('channel'))
      return channel
    }

    @SSE('/send')
    @SSE('/send', { method: 'POST' })
    send(): Channel<string> {
      started++
      const channel = new Channel<string>(1)
      const produce = async (): Promise<void> => {
        while (await channel.send('x'.repeat(50_000))) yields++
        end('send')
      }
      produce()
      return channel
    }

    @SSE('/yield')
    @SSE('/yield', { method: 'POST' })
    async *yield(): AsyncGenerator<string> {
      started++
      try {
        for (;;) {
          yields++
          yield 'x'.repeat(50_000)
        }
      } finally {
        end('yield')
      }
    }

    @SSE('/sync')
    @SSE('/sync', { method: 'POST' })
    *sync(): Generator<string> {
      started++
      try {
        for (;;) {
          yields++
          yield 'x'.repeat(50_000)
        }
      } finally {
        end('sync')
      }
    }

    @SSE('/call')
    @SSE('/call', { method: 'POST' })
    async call(@Stream() stream: EventWriter): Promise<void> {
      started++
      try {
        for (;;) {
          yields++
          await stream.data('x'.repeat(50_000))
        }
      } finally {
        end('call')
      }
    }

    @SSE('/pipe')
    @SSE('/pipe', { method: 'POST' })
    async pipe(@Stream() stream: EventWriter): Promise<void> {
      await stream.pipe(this.sync()).finally(() => end('pipe'))
    }

    @SSE('/parked', { orphanTimeout: 20 })
    async *parked(): AsyncGenerator<string> {
      started++
      yield 'a'
      await parked()
      end('parked')
    }

    @SSE('/parked-set-up', { orphanTimeout: 20 })
    async parkedSetUp(): Promise<Channel<string>> {
      started++
      await parked()
      const channel = new Channel<string>()
      channel.onClose(() => end('late channel'))
      return channel
    }

    @SSE('/parked-calls', { orphanTimeout: 20 })
    async parkedCalls(@Stream() stream: EventWriter): Promise<void> {
      started++
      await stream.data('a')
      await parked()
      end('parked calls')
    }

    @Get('/never')
    never(): Promise<never> {
      return new Promise(() => {})
    }

    @Get('/plain')
    async plain(@Signal() signal: AbortSignal): Promise<string> {
      started++
      try {
        await sleep(HOUR, undefined, { signal })
        return 'late'
      } finally {
        end('plain')
      }
    }
  }

  beforeEach(() => {
    started = 0
    yields = 0
    ended = []
  })
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  /** Tells when the next connection to a server is closed, as that sees it. */
  const nextClosed = ({ server }: App): Promise<void> =>
    new Promise(resolve => server.once('connection', socket => socket.once('close', resolve)))

  /** Leaves three times. The source has to end in the turns of the event loop behind the close: no timer tells it. */
  async function leaveAndSeeItEnd(
    { app, url }: Served,
    request: string,
    isReady: () => Promise<unknown>,
  ): Promise<void> {
    for (let visit = 1; visit <= 3; visit++) {
      yields = 0
      const closed = nextClosed(app)
      const connection = await Connection.open(url)
      connection.pause()
      connection.send(request)
      await until(() => started === visit, 'the method was called')
      await isReady()
      expect(ended).to.have.length(visit - 1)

      connection.leave()
      await closed
      await turns(TURNS)
      expect(ended).to.have.length(visit)
    }
  }

  for (const [where, path, what] of [
    ['that waits with its signal', 'signal', 'signal'],
    ['in a set-up that waits with its signal', 'set-up', 'set-up'],
    ['that waits with its signal before its first event', 'first', 'first'],
    ['that sends by calls and waits with its signal', 'calls', 'calls'],
    ['that is a channel', 'channel', 'channel'],
  ] as const) {
    for (const [method, request] of [
      ['GET', get(`/leave/${path}`)],
      ['POST', post(`/leave/${path}`, { has: 'a body' })],
    ] as const) {
      it(`ends a source ${where} at once, on ${method}`, async () => {
        const served = await serve([Leaving])

        await leaveAndSeeItEnd(served, request, async () => {})

        expect(ended).to.deep.equal([what, what, what])
        await until(() => served.app.streams.size === 0, 'no stream is open')
        expect(served.app.streams.orphans).to.equal(0)
      })
    }
  }

  for (const [where, path] of [
    ['an asynchronous generator at a yield', 'yield'],
    ['a synchronous generator at a yield', 'sync'],
    ['a method at a call', 'call'],
    ['a producer that waits to send into a channel', 'send'],
  ] as const) {
    for (const [method, request] of [
      ['GET', get(`/leave/${path}`)],
      ['POST', post(`/leave/${path}`, { has: 'a body' })],
    ] as const) {
      it(`with a full socket releases ${where}, on ${method}`, async () => {
        const served = await serve([Leaving])

        await leaveAndSeeItEnd(served, request, () => untilAtRest(() => yields))

        expect(ended).to.deep.equal([path, path, path])
        await until(() => served.app.streams.size === 0, 'no stream is open')
      })
    }
  }

  it('with a full socket ends a source that is piped, and the method that pipes it', async () => {
    const { url, app } = await serve([Leaving])
    const connection = await Connection.open(url)
    connection.pause().send(get('/leave/pipe'))
    await until(() => yields > 0, 'the source was asked')
    await untilAtRest(() => yields)

    connection.leave()
    await until(() => ended.length === 2, 'both have ended')

    expect(ended).to.deep.equal(['sync', 'pipe'])
    await until(() => app.streams.size === 0, 'no stream is open')
  })

  it('that only says it sends no more has left: the stream ends', async () => {
    const { url, app } = await serve([Leaving])
    const connection = await Connection.open(url, get('/leave/signal'))
    await connection.has('data: a')

    connection.socket.end()
    await connection.end()

    await until(() => ended.length === 1, 'the generator has ended')
    expect(app.streams.size).to.equal(0)
  })

  it('that sends no more while its stream runs fast ends it without an error', async () => {
    const lines: LogLine[] = []
    const { url, app } = await serve([Leaving], { fastify: { logger: logger(lines) } })
    const connection = await Connection.open(url, get('/leave/yield'))
    await until(() => connection.size > 1_000_000, 'much has arrived')

    connection.socket.end()
    await connection.end()
    await until(() => app.streams.size === 0, 'no stream is open')

    expect(ended).to.deep.equal(['yield'])
    expect(lines).to.deep.equal([])
  })

  it('by resetting an HTTP/2 stream ends its generator, and not the other streams of the connection', async () => {
    const { url, app } = await serve([Leaving], { fastify: { http2: true } })
    const session = connectHttp2(url)
    const [one, two] = [session.request({ ':path': '/leave/signal' }), session.request({ ':path': '/leave/channel' })]
    for (const request of [one, two]) request.on('error', () => {}).resume()
    await until(() => started === 2 && app.streams.size === 2, 'both streams are open')

    one.close(8)
    await until(() => ended.length === 1, 'a source has ended')
    const left = { ended: [...ended], open: app.streams.size }
    session.destroy()
    await until(() => ended.length === 2, 'the other has ended too')

    expect(left).to.deep.equal({ ended: ['signal'], open: 1 })
    expect(app.streams.size).to.equal(0)
  })

  describe('before its stream has begun', () => {
    /** A stream that is asked for, and held up by a hook. */
    async function heldBy(hook: 'onRequest' | 'onSend', http2: boolean) {
      const lines: LogLine[] = []
      let hooks = 0
      const hold = async (): Promise<void> => {
        hooks++
        await parked()
      }
      const { url, app } = await serve([Leaving], {
        fastify: { logger: logger(lines), ...(http2 ? { http2 } : {}) },
        setup: app => void (hook === 'onSend' ? app.addHook(hook, hold) : app.addHook(hook, hold)),
      })
      const session = http2 ? connectHttp2(url) : undefined
      session?.request({ ':path': '/leave/signal' }).on('error', () => {})
      const connection = http2 ? undefined : await Connection.open(url, get('/leave/signal'))
      await until(() => hooks === 1, 'the hook runs')
      const leave = (): void => {
        session?.destroy()
        connection?.leave()
      }
      return { app, lines, hooks: () => hooks, leave }
    }

    for (const http2 of [false, true]) {
      it(`leaves no stream behind, during a hook over HTTP/${http2 ? 2 : 1}`, async () => {
        const { app, lines, leave } = await heldBy('onRequest', http2)

        leave()
        await sleep(20)
        proceed()
        await sleep(20)

        await until(() => ended.length === started && app.streams.size === 0, 'no stream is open')
        expect(lines).to.deep.equal([])
      })
    }

    for (const http2 of [false, true]) {
      it(`ends its source, while a hook holds the head back over HTTP/${http2 ? 2 : 1}`, async () => {
        const { app, lines, hooks, leave } = await heldBy('onSend', http2)

        leave()
        await until(() => ended.length === 1 && app.streams.size === 0, 'no stream is open')
        proceed()
        await sleep(20)

        expect(ended).to.deep.equal(['signal'])
        expect(hooks()).to.equal(1)
        expect(lines).to.deep.equal([])
      })
    }

    it('leaves no stream behind while other answers of the connection come first', async () => {
      const { url, app } = await serve([Leaving])
      const connection = await Connection.open(
        url,
        get('/leave/never') + get('/leave/signal') + get('/leave/channel') + get('/leave/yield'),
      )
      await until(() => started === 3 && yields > 0, 'the methods were called')

      connection.leave()
      await until(() => app.streams.size === 0, 'no stream is open')

      expect(ended.sort()).to.deep.equal(['channel', 'signal', 'yield'])
    })

    it('warns of nothing, however many streams wait in one connection', async () => {
      const warnings: Error[] = []
      const onWarning = (warning: Error): void => void warnings.push(warning)
      process.on('warning', onWarning)
      const { url, app } = await serve([Leaving])
      const connection = await Connection.open(url, get('/leave/never') + get('/leave/signal').repeat(20))
      await until(() => started === 20, 'the methods were called')

      connection.leave()
      await until(() => app.streams.size === 0 && ended.length === 20, 'no stream is open')
      await sleep(1)
      process.off('warning', onWarning)

      expect(warnings).to.deep.equal([])
    })

    it('aborts the signal of a plain request too, though it left during a hook', async () => {
      let hooks = 0
      const { url } = await serve([Leaving], {
        setup: app => {
          app.addHook('onRequest', async () => {
            hooks++
            await parked()
          })
        },
      })
      const connection = await Connection.open(url, get('/leave/plain'))
      await until(() => hooks === 1, 'the hook runs')

      connection.leave()
      await sleep(20)
      proceed()
      await until(() => started === 1, 'the method was called')

      await until(() => ended.length === 1, 'the method has ended')
      expect(ended).to.deep.equal(['plain'])
    })
  })

  describe('of a source that does not heed the signal', () => {
    for (const [source, path, what] of [
      ['a parked generator', 'parked', 'parked'],
      ['a parked set-up', 'parked-set-up', 'late channel'],
      ['a parked method that sends by calls', 'parked-calls', 'parked calls'],
    ] as const) {
      it(`leaves ${source} behind, which is counted and logged until it ends after all, and holds no socket`, async () => {
        const lines: LogLine[] = []
        const { url, app } = await serve([Leaving], { fastify: { logger: logger(lines) } })
        const connections = (): Promise<number> =>
          new Promise(resolve => app.server.getConnections((_error, count) => resolve(count)))
        const connection = await Connection.open(url, get(`/leave/${path}`))
        await until(() => started === 1, 'the method was called')
        if (path !== 'parked-set-up') await connection.has('data: a')

        connection.leave()
        await until(() => app.streams.size === 0, 'no stream is open')
        const before = { orphans: app.streams.orphans, ended: ended.length, connections: await connections() }
        await until(() => app.streams.orphans === 1, 'an orphan is counted')
        proceed()
        await until(() => app.streams.orphans === 0, 'no orphan is counted')

        expect(before).to.deep.equal({ orphans: 0, ended: 0, connections: 0 })
        expect(ended).to.deep.equal([what])
        expect(lines).to.have.length(1)
        expect(lines[0]).to.include({
          level: 40,
          msg: 'A generator has outlived its client: give @Signal() to whatever it awaits',
        })
        expect(lines[0]?.stream).to.match(new RegExp(`^Leaving\\.\\w+ GET /leave/${path}$`))
        expect(lines[0]?.age).to.be.a('number').and.at.least(20)
      })
    }
  })
})
