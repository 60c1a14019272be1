import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { constants, createGunzip, gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { compressorFor } from '../../src/sse/coding.js'
import { CompressedSink, openCompressed, SharedSink } from '../../src/sse/compressed.js'
import { STREAM_HEADERS } from '../../src/sse/headers.js'
import { resolveOptions } from '../../src/sse/options.js'
import { openSink, type Sink, type StreamResponse } from '../../src/sse/sink.js'
import { EventStream } from '../../src/sse/stream.js'
import { leaveAllHttp2 } from '../support/ask-http2.js'
import { framed, HandFeed } from '../support/hand-feed.js'
import { latch } from '../support/latch.js'
import { closeServers, listen, listenHttp2 } from '../support/listen.js'
import { Recorder, streamsOf } from '../support/streaming.js'
import { until } from '../support/until.js'
import { ask, leaveAll, type Wire } from '../support/wire.js'

const headers = { 'content-type': 'text/event-stream' }
const gzip = { 'Accept-Encoding': 'gzip' }

/** A client that takes nothing until it is asked to. */
class FullSink implements Sink {
  readonly relays = true
  asked: (() => void) | undefined

  drained(callback: () => void): void {
    this.asked = callback
  }

  write(): boolean {
    return false
  }

  send(): boolean {
    return false
  }

  relay(): boolean {
    return false
  }

  queued(): number {
    return 1
  }

  slim(): void {}
}

const never = new IncomingMessage(new Socket())

/** The text of a stream of the coding gzip so far. */
function inflated(port: number): { text: () => string; over: () => boolean } {
  const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH })
  const parts: Buffer[] = []
  let over = false
  gunzip.on('data', bytes => parts.push(bytes))
  gunzip.on('end', () => {
    over = true
  })
  void fetchRaw(port, bytes => gunzip.write(bytes)).then(() => gunzip.end())
  return { text: () => Buffer.concat(parts).toString(), over: () => over }
}

/** The body of an answer, as it came but without the frames of its chunks. */
async function fetchRaw(port: number, take: (bytes: Buffer) => void): Promise<void> {
  const { request } = await import('node:http')
  await new Promise<void>((resolve, reject) => {
    request({ port, host: '127.0.0.1', headers: gzip }, response => {
      response.on('data', take).on('end', resolve).on('error', resolve)
    })
      .on('error', reject)
      .end()
  })
}

describe('openCompressed', () => {
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeServers()
  })

  async function head(
    accept: string | undefined,
    open: (response: StreamResponse) => Sink = response => openCompressed(response, headers, true, false),
  ): Promise<string> {
    const port = await listen((_, response) => void open(response).write('data: 1\n\n', true))
    const wire: Wire = ask(port, accept === undefined ? {} : { headers: { 'Accept-Encoding': accept } })
    await wire.ends()
    return wire.head
  }

  it('tells how the body is encoded, and that this is up to the request', async () => {
    const told = await head('gzip;q=1, br;q=0.5')

    expect(told).to.contain('\r\ncontent-encoding: gzip').and.contain('\r\nvary: Accept-Encoding')
  })

  it('leaves the body as it is for who accepts nothing that is offered', async () => {
    for (const accept of [undefined, 'identity', 'gzip;q=0']) {
      expect(await head(accept))
        .to.contain('vary: Accept-Encoding')
        .and.not.contain('content-encoding')
    }
    expect(await head('br', response => openCompressed(response, headers, ['gzip'], true))).not.to.contain('encoding:')
    expect(await head('br', response => openCompressed(response, headers, false, true))).not.to.contain('encoding:')
  })

  it('adds to what the answer varies by already', async () => {
    const given = { ...headers, vary: 'Origin' }

    expect(await head('gzip', response => openCompressed(response, given, true, false))).to.contain(
      'vary: Origin, Accept-Encoding',
    )
  })

  it('leaves alone what is encoded already', async () => {
    const given = { ...headers, 'content-encoding': 'own' }

    expect(await head('gzip', response => openCompressed(response, given, true, false))).to.contain(
      'content-encoding: own',
    )
  })

  for (const shares of [false, true]) {
    it(`gives each batch as it comes, and an end that is whole (${shares ? 'shared' : 'alone'})`, async () => {
      const opened = latch<Sink>()
      const port = await listen((_, response) => opened.open(openCompressed(response, headers, ['gzip'], shares)))
      const client = inflated(port)
      const sink = await opened.promise

      for (const text of ['data: 1\n\n', 'data: größe\n\n']) {
        const drained = new Promise<void>(resolve => {
          if (sink.write(text, false)) resolve()
          else sink.drained(resolve)
        })
        await until(() => client.text().endsWith(text))
        await drained
      }
      sink.slim()
      expect(sink.queued()).to.equal(0)
      sink.send(Buffer.from('data: 3\n\n'), true)
      await until(client.over)

      expect(client.text()).to.equal('data: 1\n\ndata: größe\n\ndata: 3\n\n')
    })
  }

  it('compresses a chunk once for all who share it, and each of them can read it', async () => {
    const sinks: Sink[] = []
    const port = await listen((_, response) => void sinks.push(openCompressed(response, headers, ['gzip'], true)))
    const clients = [inflated(port), inflated(port)]
    await until(() => sinks.length === 2)
    const chunk = Buffer.concat([framed('data: 1\n\n'), framed('data: größe\n\n')])
    const lone = framed('data: 3\n\n')

    sinks[0]?.write(': only one\n\n', false)
    for (const sink of sinks) {
      expect(sink.relays).to.equal(true)
      sink.relay(chunk)
      sink.relay(lone)
      sink.write('', true)
    }
    await until(() => clients.every(({ over }) => over()))

    const all = 'data: 1\n\ndata: größe\n\ndata: 3\n\n'
    expect(clients.map(({ text }) => text()).sort()).to.deep.equal([`: only one\n\n${all}`, all].sort())
  })

  it('shares nothing where each has a memory of its own', async () => {
    const opened = latch<Sink>()
    const port = await listen((_, response) => opened.open(openCompressed(response, headers, true, false)))
    ask(port, { headers: gzip })
    const sink = await opened.promise

    expect(sink.relays).to.equal(false)
    expect(() => sink.relay(framed('data: 1\n\n'))).to.throw(TypeError, 'stand by themselves')
  })

  it('goes through HTTP/2', async () => {
    for (const shares of [false, true]) {
      const port = await listenHttp2((_, response) => {
        openCompressed(response, headers, ['gzip'], shares).write('data: 1\n\n', true)
      })
      const parts: Buffer[] = []
      const { connect } = await import('node:http2')
      const client = connect(`http://127.0.0.1:${port}`)
      await new Promise(resolve =>
        client
          .request({ 'accept-encoding': 'gzip' })
          .on('data', part => parts.push(part))
          .on('end', resolve),
      )
      client.close()

      expect(gunzipSync(Buffer.concat(parts)).toString()).to.equal('data: 1\n\n')
    }
  })

  it('waits for a client that does not read', async () => {
    const makers = [
      (full: Sink) => new CompressedSink(new ServerResponse(never), full, compressorFor('gzip')),
      (full: Sink) => new SharedSink(full),
    ]
    for (const make of makers) {
      const full = new FullSink()
      const sink = make(full)
      let drained = false
      expect(sink.write('data: 1\n\n', false)).to.equal(false)
      sink.drained(() => {
        drained = true
      })
      await until(() => full.asked !== undefined)
      expect(drained).to.equal(false)
      full.asked?.()
      expect(drained).to.equal(true)
    }
  })

  it('lets a compressor go whose client has left', async () => {
    const { wire, compressor, sink } = await served()
    wire.leave()
    await until(() => compressor.destroyed)

    sink.drained(() => expect.fail('nobody has taken anything'))
    await new Promise<void>(resolve => {
      sink.write('data: 1\n\n', false)
      setImmediate(resolve)
    })
  })

  it('cuts a stream whose compressor fails', async () => {
    const { wire, compressor } = await served()

    compressor.destroy(new Error('no memory'))

    await wire.closes()
  })

  async function served() {
    const opened = latch<ServerResponse>()
    const port = await listen((_, response) => opened.open(response))
    const wire = ask(port, { headers: gzip })
    const response = await opened.promise
    const compressor = compressorFor('gzip')
    const inner = openSink(response, headers)
    inner.write('', false)
    return { wire, compressor, sink: new CompressedSink(response, inner, compressor) }
  }
})

describe('EventStream, compressed', () => {
  const options = { compress: ['gzip'] as const, pingInterval: 20 }

  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  it('sends events, pings between them, and its end', async () => {
    const next = latch<void>()
    const { port } = await streamsOf(async function* () {
      yield 1
      await next.promise
      yield 2
    }, options)
    const client = inflated(port)

    await until(() => client.text().startsWith('data: 1\n\n:'))
    next.open()
    await until(client.over)

    expect(client.text().replaceAll(':\n\n', '')).to.contain('data: 1\n\n').and.contain('data: 2\n\n')
    expect(client.text()).to.match(/id: stream\.end\nevent: stream:end\n/)
  })

  it('sends an error as its last event', async () => {
    const { port } = await streamsOf(async function* () {
      yield 1
      throw new Error('late')
    }, options)
    const client = inflated(port)
    await until(client.over)

    expect(client.text()).to.contain('event: stream:error\ndata: {"title":"masked"}\n\n')
  })

  it('relays the chunks of a feed to who accepts gzip', async () => {
    const feed = new HandFeed()
    const port = await listen(async (request, response) => {
      const stream = new EventStream(response, resolveOptions(String(request.method), options), new Recorder())
      await stream.feed(feed)
      stream.open({ ...STREAM_HEADERS })
    })
    const client = inflated(port)
    const { outlet, relaying } = await feed.attached.promise

    expect(relaying).to.equal(true)
    outlet.relay(framed('data: 1\n\n'))
    await until(() => client.text().endsWith('data: 1\n\n'))
    outlet.finish()
    await until(client.over)
  })
})
