import { connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Channel, Controller, type EventWriter, event, type ServerSentEvent, SSE, Stream } from 'okapi'
import { Connection, get, leaveAll } from '../support/connection.js'
import { untilAtRest } from '../support/eventually.js'
import { parsed } from '../support/parsed.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { unchunked } from '../support/unchunked.js'
import { until } from '../support/until.js'

const PAYLOAD = 'x'.repeat(10_000)
/** How far a source may be ahead of what the kernel took: a batch, and an event more. */
const AHEAD = 65_536

/** Each character takes three bytes. */
const WIDE = '日本語'.repeat(1_000)

describe('Backpressure', () => {
  let produced = 0
  let stop = false
  let ended: string[] = []
  let errors: [phase: string, message: string][] = []

  const next = (): ServerSentEvent => event('n', `${produced++} ${PAYLOAD}`)

  @Controller('/pressure', {
    streamOptions: { end: false, onError: (error, { phase }) => void errors.push([phase, (error as Error).message]) },
  })
  class Pressure {
    @SSE('/async')
    async *async(): AsyncGenerator<unknown> {
      try {
        while (!stop) yield next()
      } finally {
        ended.push('async')
      }
    }

    @SSE('/waiting')
    async *waiting(): AsyncGenerator<unknown> {
      try {
        while (!stop) {
          await turn()
          yield next()
        }
      } finally {
        ended.push('waiting')
      }
    }

    @SSE('/sync')
    *sync(): Generator<unknown> {
      try {
        while (!stop) yield next()
      } finally {
        ended.push('sync')
      }
    }

    @SSE('/wide')
    async *wide(): AsyncGenerator<unknown> {
      while (!stop) yield event('n', `${produced++} ${WIDE}`)
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter): Promise<void> {
      try {
        while (!stop) await stream.event('n', `${produced++} ${PAYLOAD}`)
      } finally {
        ended.push('calls')
      }
    }

    @SSE('/pipe')
    async pipe(@Stream() stream: EventWriter): Promise<void> {
      await stream.pipe(this.sync())
    }

    @SSE('/channel')
    channel(): Channel<unknown> {
      const channel = new Channel<unknown>(0)
      const produce = async (): Promise<void> => {
        for (let going = true; going && !stop; ) going = await channel.send(next())
        channel.close()
        ended.push('channel')
      }
      produce()
      return channel
    }

    @SSE('/readable')
    readable(): ReadableStream<unknown> {
      return new ReadableStream(
        {
          pull: controller => (stop ? controller.close() : controller.enqueue(next())),
          cancel: () => void ended.push('readable'),
        },
        { highWaterMark: 0 },
      )
    }

    @SSE('/heedless')
    async heedless(@Stream() stream: EventWriter): Promise<void> {
      try {
        while (!stream.closed && produced < 100_000) {
          stream.event('n', `${produced++} ${PAYLOAD}`)
          if (produced % 10 === 0) await turn()
        }
      } finally {
        ended.push('heedless')
      }
    }

    @SSE('/stall', { stallTimeout: 60 })
    *stall(): Generator<unknown> {
      try {
        for (;;) yield next()
      } finally {
        ended.push('stall')
      }
    }

    @SSE('/rare', { stallTimeout: 10 })
    async *rare(): AsyncGenerator<string> {
      yield 'a'
      await sleep(40)
      yield 'b'
    }

    @SSE('/numbers')
    *numbers(): Generator<unknown> {
      for (let n = 0; n < 1_000; n++) yield event('n', `${n} ${PAYLOAD}`)
    }
  }

  beforeEach(() => {
    produced = 0
    stop = false
    ended = []
    errors = []
  })
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  /** A client that asks and does not read, with the socket that the server has for it. */
  async function deafClient({ app, url }: Served, path: string): Promise<{ client: Connection; socket: Socket }> {
    const accepted = new Promise<Socket>(resolve => app.server.once('connection', resolve))
    const client = await Connection.open(url)
    client.pause().send(get(path))
    return { client, socket: await accepted }
  }

  const numbersOf = (text: string): number[] => parsed(text).map(({ data }) => Number.parseInt(data, 10))
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

  for (const [source, path] of [
    ['an asynchronous generator', 'async'],
    ['an asynchronous generator that waits in between', 'waiting'],
    ['a synchronous generator', 'sync'],
    ['a method that sends by calls', 'calls'],
    ['a source that is piped', 'pipe'],
    ['a producer that sends into a channel', 'channel'],
    ['a ReadableStream', 'readable'],
  ] as const) {
    it(`stops ${source} for a client that does not read, and loses nothing`, async () => {
      const served = await serve([Pressure])
      const { client, socket } = await deafClient(served, `/pressure/${path}`)
      await until(() => produced > 0, 'the source was asked')

      const atRest = await untilAtRest(() => produced)
      const ahead = atRest * PAYLOAD.length - (socket.bytesWritten - socket.writableLength)
      stop = true
      client.socket.resume()
      await until(() => served.app.streams.size === 0, 'the stream is over')
      const answer = await client.complete()

      expect(ahead).to.be.below(AHEAD)
      expect(numbersOf(unchunked(answer))).to.deep.equal(upTo(produced))
      // The last value was on its way when the source was told to stop.
      expect(produced - atRest).to.be.below(3)
    })

    it(`releases ${source} when a client that did not read leaves`, async () => {
      const served = await serve([Pressure])
      const { client } = await deafClient(served, `/pressure/${path}`)
      await until(() => produced > 0, 'the source was asked')
      await untilAtRest(() => produced)

      client.leave()
      await until(() => served.app.streams.size === 0 && ended.length > 0, 'the stream is over')

      expect(ended).to.deep.equal([path === 'pipe' ? 'sync' : path])
    })
  }

  it('counts bytes: text of many of them stops a generator as soon', async () => {
    const served = await serve([Pressure])
    const { client, socket } = await deafClient(served, '/pressure/wide')
    await until(() => produced > 0, 'the source was asked')
    await untilAtRest(() => produced)
    const { _handle: handle } = socket as unknown as { _handle: { writeQueueSize: number } }

    expect(handle.writeQueueSize).to.be.within(1, AHEAD)
    stop = true
    client.socket.resume()
    await until(() => served.app.streams.size === 0, 'the stream is over')
  })

  it('stops a generator for an HTTP/2 client that does not read, and releases it when that leaves', async () => {
    const { app, url } = await serve([Pressure], { fastify: { http2: true } })
    const session = connectHttp2(url)
    const request = session.request({ ':path': '/pressure/sync' })
    request.on('error', () => {}).pause()
    await until(() => produced > 0, 'the source was asked')

    const atRest = await untilAtRest(() => produced)
    request.close(8)
    await until(() => app.streams.size === 0, 'the stream is over')
    session.destroy()

    // What the client lets come unread, by the protocol, is 64 KiB of its own.
    expect(atRest * PAYLOAD.length).to.be.below(65_536 + AHEAD)
    expect(ended).to.deep.equal(['sync'])
  })

  it('ends the stream of a method that sends without waiting, and says so', async () => {
    const served = await serve([Pressure])
    const { client } = await deafClient(served, '/pressure/heedless')
    await until(() => ended.length === 1, 'the method has ended')

    client.socket.resume()
    const text = unchunked(await client.complete())
    const events = parsed(text)
    expect(errors).to.deep.equal([
      ['overflow', '1048576 characters wait for a slow client: await each call, or send less'],
    ])
    expect(events.at(-1)).to.deep.equal({
      id: undefined,
      event: 'stream:error',
      data: '{"type":"about:blank","title":"Internal Server Error","status":500}',
    })
    expect(numbersOf(text).slice(0, -1)).to.deep.equal(upTo(events.length - 1))
    expect(produced - events.length).to.be.below(10)
  })

  it('cuts a client that reads nothing for the stall timeout', async () => {
    const served = await serve([Pressure])
    const { client, socket } = await deafClient(served, '/pressure/stall')

    await until(() => ended.length === 1, 'the generator has ended')

    expect(socket.destroyed).to.equal(true)
    expect(served.app.streams.size).to.equal(0)
    client.socket.resume()
    expect(await client.end()).to.not.contain('stream:')
  })

  it('does not take a stream that is silent for one whose client does not read', async () => {
    const { url } = await serve([Pressure])

    const client = await Connection.open(url, get('/pressure/rare'))
    const answer = await client.complete()

    expect(unchunked(answer)).to.equal('data: a\n\ndata: b\n\n')
  })

  it('keeps a client that does not read from slowing down one that does', async () => {
    const served = await serve([Pressure])
    await deafClient(served, '/pressure/numbers')
    await until(() => served.app.streams.size === 1, 'the first stream is open')

    const quick = await Connection.open(served.url, get('/pressure/numbers'))
    const answer = await quick.complete()

    expect(served.app.streams.size).to.equal(1)
    expect(numbersOf(unchunked(answer))).to.deep.equal(upTo(1_000))
  })

  it('gives a slow client everything, in order', async () => {
    const served = await serve([Pressure])
    const { client } = await deafClient(served, '/pressure/numbers')
    await until(() => served.app.streams.size === 1, 'the stream is open')
    client.socket.on('data', () => {
      client.pause()
      setImmediate(() => client.socket.resume())
    })

    client.socket.resume()
    const answer = await client.complete()

    expect(numbersOf(unchunked(answer))).to.deep.equal(upTo(1_000))
  })
})
