import { mock } from 'node:test'
import { expect } from 'chai'
import { StreamClosedError } from 'okapi/sse'
import { resolveOptions, type StreamOptions } from '../../src/sse/options.js'
import type { StreamResponse } from '../../src/sse/sink.js'
import { EventStream } from '../../src/sse/stream.js'
import { framed, HandFeed } from '../support/hand-feed.js'
import { latch } from '../support/latch.js'
import { closeServers, listen } from '../support/listen.js'
import { DONE, FAILED, never, Recorder, streaming } from '../support/streaming.js'
import { turns, until } from '../support/until.js'
import { type Asked, ask, leaveAll } from '../support/wire.js'

/** More than the buffers between a server and its client take. */
const FLOOD = framed('x'.repeat(30_000_000))

describe('EventStream, of a feed', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }))

  afterEach(async () => {
    leaveAll()
    await closeServers()
    mock.timers.reset()
  })

  /** A stream of this feed, which has been attached to it. */
  async function fed(feed: HandFeed, options: StreamOptions = {}, asked: Asked = {}) {
    const { port, streams, host, responses } = await streaming(stream => void stream.feed(feed), options)
    const wire = ask(port, asked)
    const { outlet, relaying } = await feed.attached.promise
    const [stream] = streams as [EventStream]
    return { wire, stream, outlet, relaying, host, responses }
  }

  it('opens at once, though the feed has nothing', async () => {
    const { wire, relaying, outlet } = await fed(new HandFeed())

    await wire.sees(': open\n\n')

    expect(relaying).to.equal(true)
    expect(outlet.closed).to.equal(false)
    expect(outlet.blocked).to.equal(false)
  })

  it('tells the feed what the client has seen', async () => {
    const feed = new HandFeed()

    await fed(feed, {}, { headers: { 'Last-Event-ID': 'a.7' } })

    expect(feed.calls).to.deep.equal(['feed a.7', 'attach'])
  })

  it('carries the chunks of the feed as they are, and the head with its comment before them', async () => {
    const { wire, outlet } = await fed(new HandFeed(), { retry: 5 })

    expect(outlet.relay(framed('data: 1\n\ndata: 2\n\n'))).to.equal(true)
    expect(outlet.relay(framed('data: 3\n\n'))).to.equal(true)
    outlet.finish()
    await wire.closes()

    expect(wire.chunks).to.deep.equal(['retry: 5\n\n: open\n\n', 'data: 1\n\ndata: 2\n\n', 'data: 3\n\n', DONE, ''])
  })

  it('does not ask a feed for values that writes its chunks', async () => {
    const feed = new HandFeed()
    feed.values.push('a')
    const { wire, outlet } = await fed(feed)

    outlet.relay(framed('data: 1\n\n'))
    outlet.finish()
    await wire.closes()

    expect(wire.chunks).to.deep.equal([': open\n\n', 'data: 1\n\n', DONE, ''])
    expect(feed.values).to.deep.equal(['a'])
  })

  it('tells its client that the connection serves nothing else, and closes it behind the end', async () => {
    const { wire, outlet } = await fed(new HandFeed())
    outlet.finish()

    await wire.closes()

    expect(wire.head).to.match(/^connection: close$/im)
  })

  it('gives the parser of its connection back', async () => {
    const { responses } = await fed(new HandFeed())
    const [response] = responses as [StreamResponse]

    expect(response.socket).to.have.property('parser', null)
  })

  describe('To a slow client', () => {
    it('says that it is blocked, and when there is room again', async () => {
      const feed = new HandFeed()
      const { wire, outlet } = await fed(feed)
      wire.pause()

      expect(outlet.relay(FLOOD)).to.equal(false)
      expect(outlet.blocked).to.equal(true)
      expect(feed.calls).to.not.contain('room')

      wire.resume()
      await until(() => feed.calls.includes('room'))
      expect(outlet.blocked).to.equal(false)
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'room'])
    })

    it('begins with the feed when the head is taken', async () => {
      const feed = new HandFeed()
      const held = latch<EventStream>()
      const { port } = await streaming(
        stream => {
          // What would send by calls, and has sent too much already.
          stream.send('x'.repeat(30_000_000))
          stream.feed(feed)
          held.open(stream)
        },
        { highWaterMark: 1 },
      )
      const wire = ask(port).pause()
      const stream = await held.promise
      await until(() => stream.blocked)
      expect(feed.calls).to.deep.equal(['feed undefined'])

      wire.resume()

      await feed.attached.promise
    })

    it('ends when the client has taken what was before the end', async () => {
      const feed = new HandFeed()
      const { wire, outlet } = await fed(feed)
      wire.pause()
      outlet.relay(FLOOD)

      outlet.finish()
      expect(outlet.closed).to.equal(true)
      expect(outlet.relay(framed('data: late\n\n'))).to.equal(false)
      wire.resume()

      await wire.closes()
      expect(wire.text.endsWith(`${framed(DONE)}0\r\n\r\n`)).to.equal(true)
      expect(wire.text).to.not.contain('late')
    })

    it('is cut with it when it takes nothing for the stallTimeout, and the feed is told', async () => {
      const feed = new HandFeed()
      const { wire, outlet, host } = await fed(feed, { stallTimeout: 800, pingInterval: 0 })
      wire.pause()
      outlet.relay(FLOOD)
      await turns(20)

      mock.timers.tick(900)
      await turns(5)
      mock.timers.tick(900)

      await until(() => host.over.length === 1, 'the end of the stream')
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
    })
  })

  it('breaks its silence with pings, which chunks put off', async () => {
    const { wire, outlet } = await fed(new HandFeed(), { pingInterval: 800 })
    await wire.sees(': open\n\n')

    mock.timers.tick(800)
    outlet.relay(framed('data: 1\n\n'))
    mock.timers.tick(800)
    await wire.sees('data: 1')
    expect(wire.chunks).to.deep.equal([': open\n\n', 'data: 1\n\n'])

    mock.timers.tick(100)
    await wire.sees(': ping')
    expect(wire.chunks).to.deep.equal([': open\n\n', 'data: 1\n\n', ': ping\n\n'])
  })

  it('may have no pings', async () => {
    const { wire, outlet } = await fed(new HandFeed(), { pingInterval: 0 })

    outlet.relay(framed('data: 1\n\n'))
    mock.timers.tick(100_000)
    outlet.finish()
    await wire.closes()

    expect(wire.chunks).to.deep.equal([': open\n\n', 'data: 1\n\n', DONE, ''])
  })

  describe('Its end', () => {
    it('by the feed tells the feed too, once', async () => {
      const feed = new HandFeed()
      const { outlet, wire } = await fed(feed)

      outlet.finish()
      outlet.finish()

      await wire.closes()
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
    })

    it('by a client that leaves tells the feed, and aborts the signal', async () => {
      const feed = new HandFeed()
      const { wire, host, outlet, stream } = await fed(feed)
      const { signal } = stream

      wire.leave()

      await until(() => host.over.length === 1, 'the end of the stream')
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
      expect(outlet.closed).to.equal(true)
      expect(outlet.relay(framed('data: late\n\n'))).to.equal(false)
      expect(signal.reason).to.be.an.instanceOf(StreamClosedError)
      expect(host.logged).to.deep.equal([])
    })

    it('by an error is logged, and tells the client and the feed', async () => {
      const feed = new HandFeed()
      const { wire, outlet, host } = await fed(feed)

      outlet.fail(new Error('The journal is gone'))

      await wire.closes()
      expect(wire.chunks).to.deep.equal([': open\n\n', FAILED, ''])
      expect(host.logged).to.have.length(1)
      expect(host.logged[0]).to.have.nested.property('context.phase', 'source')
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
    })

    it('may ask the client to come back, with the reason', async () => {
      const feed = new HandFeed()
      const { wire, outlet } = await fed(feed)

      outlet.close(1_234, 'lag')

      await wire.closes()
      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'event: stream:end\nretry: 1234\ndata: {"reason":"lag"}\n\n',
        '',
      ])
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
    })
  })

  describe('When the server closes', () => {
    it('lets the feed give what it has, and asks the client to come back', async () => {
      const feed = new HandFeed()
      const { wire, stream, outlet } = await fed(feed)
      const { signal } = stream

      stream.close(1_234)
      expect(signal.aborted).to.equal(true)
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'end'])
      outlet.relay(framed('data: rest\n\n'))
      outlet.finish()

      await wire.closes()
      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'data: rest\n\n',
        'event: stream:end\nretry: 1234\ndata: {"reason":"closing"}\n\n',
        '',
      ])
    })

    it('ends at once where the feed has not begun', async () => {
      const feed = new HandFeed()
      const { port } = await streaming(stream => {
        stream.feed(feed)
        // Behind the head, and before what it sends is written.
        queueMicrotask(() => queueMicrotask(() => stream.close(5)))
      })

      const wire = ask(port)
      await wire.ends()

      expect(wire.body).to.contain('data: {"reason":"closing"}')
      expect(feed.calls).to.deep.equal(['feed undefined', 'return'])
    })
  })

  describe('Where it cannot be relayed', () => {
    for (const [name, feed, asked] of [
      ['to a client of HTTP/1.0', new HandFeed(), { version: '1.0' }],
      ['by a feed that does not relay', new HandFeed(false), {}],
    ] as const) {
      it(`is read event by event: ${name}`, async () => {
        feed.values.push('a', 'b')

        const { wire, relaying } = await fed(feed, {}, asked)
        await wire.sees('data: b\n\n')
        feed.give({ done: false, value: 'c' })
        await wire.sees('data: c\n\n')
        feed.give({ done: true, value: undefined })
        await wire.sees(DONE)

        expect(relaying).to.equal(false)
        expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
      })
    }

    it('keeps the connection for the next request', async () => {
      const feed = new HandFeed(false)
      const { wire } = await fed(feed)
      feed.give({ done: true, value: undefined })
      await wire.ends()

      expect(wire.head).to.match(/^connection: keep-alive$/im)
      expect(wire.over).to.equal(false)
    })

    it('tells the feed when reading it fails', async () => {
      const feed = new HandFeed(false)
      const { wire, host } = await fed(feed)

      feed.fail(new Error('The journal is gone'))
      await wire.sees(FAILED)

      expect(host.logged).to.have.length(1)
      expect(feed.calls).to.deep.equal(['feed undefined', 'attach', 'return'])
    })
  })

  it('may come from a method that sends by calls: it is read behind them', async () => {
    const feed = new HandFeed()
    feed.values.push('fed')
    const { port } = await streaming(stream => {
      stream.send('called')
      stream.follow(Promise.resolve(feed))
    })

    const wire = ask(port)
    await wire.sees('data: called\n\ndata: fed\n\n')

    expect((await feed.attached.promise).relaying).to.equal(false)
  })

  describe('That has to wait before it opens', () => {
    /** A stream that is set up by `setUp`, and opened when that is done; `outcome` is what it fails with. */
    async function settingUp(setUp: (stream: EventStream) => Promise<unknown>) {
      const outcome = latch<unknown>()
      const host = new Recorder()
      const begun = latch()
      const port = await listen((_, response) => {
        const stream = new EventStream(response, resolveOptions('GET'), host)
        setUp(stream).then(() => stream.open({}), outcome.open)
        begun.open()
      })
      const wire = ask(port)
      await begun.promise
      return { wire, host, outcome: outcome.promise }
    }

    function opens(opening: Promise<void>): HandFeed {
      const feed = new HandFeed()
      feed.opening = opening
      return feed
    }

    it('waits with it', async () => {
      const opening = latch()
      const feed = opens(opening.promise)
      const { wire } = await settingUp(async stream => stream.feed(feed))
      await turns(5)
      expect(wire.size).to.equal(0)

      opening.open()

      await wire.sees(': open\n\n')
      await feed.attached.promise
    })

    it('fails with it, and tells it', async () => {
      const opening = latch()
      const feed = opens(opening.promise)
      const { outcome } = await settingUp(async stream => stream.feed(feed))
      const gone = new Error('Gone')

      opening.fail(gone)

      expect(await outcome).to.equal(gone)
      expect(feed.calls).to.deep.equal(['feed undefined', 'return'])
    })

    it('is told when the client does not wait', async () => {
      const feed = opens(never)
      const { wire, outcome } = await settingUp(async stream => stream.feed(feed))

      wire.leave()

      expect(await outcome).to.be.an.instanceOf(StreamClosedError)
      expect(feed.calls).to.deep.equal(['feed undefined', 'return'])
    })

    it('is not even asked when it is returned too late', async () => {
      const feed = new HandFeed()
      const late = latch<unknown>()
      const { wire, outcome } = await settingUp(stream => stream.settle(late.promise))
      wire.leave()
      await outcome

      late.open(feed)
      await turns(5)

      expect(feed.calls).to.deep.equal([])
    })
  })

  it('is told when its stream is over before it begins', async () => {
    const feed = new HandFeed()
    const told = latch()
    const { port } = await streaming(stream => {
      stream.abandon()
      stream.feed(feed)
      told.open()
    })
    ask(port)

    await told.promise
    expect(feed.calls).to.deep.equal(['feed undefined', 'return'])
  })
})
