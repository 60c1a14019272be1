import { expect } from 'chai'
import { Channel, Controller, type EventWriter, Get, SSE, Stream } from 'okapi'
import { Connection, get, leaveAll } from '../support/connection.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

const MEGABYTE = 1_000_000
const EVENT = 'x'.repeat(1_000)

describe('A newcomer, while a hundred streams are as fast as they can', () => {
  let produced = 0

  const next = (): string => {
    produced += EVENT.length
    return EVENT
  }

  @Controller('/fast')
  class Fast {
    @SSE('/async')
    async *async(): AsyncGenerator<string> {
      for (;;) yield next()
    }

    @SSE('/sync')
    *sync(): Generator<string> {
      for (;;) yield next()
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter): Promise<void> {
      for (;;) await stream.data(next())
    }

    @SSE('/pipe')
    async pipe(@Stream() stream: EventWriter): Promise<void> {
      await stream.pipe(this.sync())
    }

    @SSE('/channel')
    channel(): Channel<string> {
      const channel = new Channel<string>()
      const produce = async (): Promise<void> => {
        while (await channel.send(next()));
      }
      produce()
      return channel
    }

    @SSE('/failing', { onError: () => 'skip' })
    *failing(): Generator<unknown> {
      for (;;) {
        next()
        yield { toJSON: () => undefined }
      }
    }

    @SSE('/failing-pipe', { onError: () => 'skip' })
    async failingPipe(@Stream() stream: EventWriter): Promise<void> {
      await stream.pipe(this.failing())
    }

    @Get('/plain')
    plain(): string {
      return 'plain'
    }

    @SSE('/first')
    async *first(): AsyncGenerator<string> {
      yield 'first'
    }
  }

  beforeEach(() => {
    produced = 0
  })
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  for (const [source, path] of [
    ['asynchronous generators', 'async'],
    ['synchronous generators', 'sync'],
    ['methods that send by calls', 'calls'],
    ['sources that are piped', 'pipe'],
    ['producers that send into channels', 'channel'],
  ] as const) {
    it(`is served before the streams have sent much (${source})`, async () => {
      const { url } = await serve([Fast], { closeGrace: 100 })
      let received = 0
      for (let n = 0; n < 100; n++) {
        const connection = await Connection.open(url)
        connection.socket.removeAllListeners('data').on('data', piece => {
          received += piece.length
        })
        connection.send(get(`/fast/${path}`))
      }
      await until(() => received > 10 * MEGABYTE, 'the streams run')

      const before = produced
      const plain = await Connection.open(url, get('/fast/plain'))
      await plain.has('\r\n\r\nplain')
      const between = produced
      const stream = await Connection.open(url, get('/fast/first'))
      await stream.has('data: first\n\n')
      const after = produced

      // A newcomer needs some ten turns of the event loop, in each of which all streams together may send 64 KiB.
      expect(between - before).to.be.below(20 * MEGABYTE)
      expect(after - between).to.be.below(20 * MEGABYTE)
    })
  }

  for (const [source, path] of [
    ['generators', 'failing'],
    ['sources that are piped', 'failing-pipe'],
  ] as const) {
    it(`is served though they send nothing but events that cannot be serialized (${source})`, async () => {
      const { url } = await serve([Fast], { closeGrace: 100 })
      for (let n = 0; n < 10; n++) await Connection.open(url, get(`/fast/${path}`))
      await until(() => produced > MEGABYTE, 'the streams run')

      const plain = await Connection.open(url, get('/fast/plain'))
      await plain.has('\r\n\r\nplain')

      expect(plain.text).to.match(/^HTTP\/1\.1 200 OK\r\n/)
    })
  }
})
