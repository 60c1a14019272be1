import { mock } from 'node:test'
import { expect } from 'chai'
import type { StreamOptions } from '../../src/sse/options.js'
import { latch } from '../support/latch.js'
import { closeServers } from '../support/listen.js'
import { parse } from '../support/parse.js'
import { DONE, never, streaming, streamsOf } from '../support/streaming.js'
import { settles, turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

describe('EventStream, when nothing moves', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }))

  afterEach(async () => {
    leaveAll()
    await closeServers()
    mock.timers.reset()
  })

  describe('Silence', () => {
    /** A stream whose source has nothing to say. */
    async function silent(options: StreamOptions) {
      const { port, streams } = await streaming(stream => stream.from({ next: () => never }), {
        headDelay: 0,
        ...options,
      })
      const wire = ask(port)
      await wire.sees(': open\n\n')
      const [stream] = streams
      if (stream === undefined) throw new Error('No stream')
      return { wire, stream }
    }

    it('is broken by a comment after the pingInterval, again and again', async () => {
      const { wire } = await silent({ pingInterval: 800 })

      for (let n = 1; n < 4; n++) {
        mock.timers.tick(800)
        await turns(5)
        expect(wire.chunks).to.have.length(n)

        mock.timers.tick(100)
        await until(() => wire.chunks.length > n, 'a ping')
      }

      expect(wire.chunks).to.deep.equal([': open\n\n', ': ping\n\n', ': ping\n\n', ': ping\n\n'])
    })

    it('begins with the last event', async () => {
      const next = latch()
      const { port } = await streamsOf(
        async function* () {
          yield 1
          await next.promise
          yield 2
          await never
        },
        { pingInterval: 800 },
      )
      const wire = ask(port)
      await wire.sees('data: 1')
      mock.timers.tick(700)
      next.open()
      await wire.sees('data: 2')

      mock.timers.tick(700)
      await turns(5)
      expect(wire.chunks).to.deep.equal(['data: 1\n\n', 'data: 2\n\n'])

      mock.timers.tick(200)
      await wire.sees(': ping\n\n')
    })

    it('is left alone with an interval of 0', async () => {
      const { wire } = await silent({ pingInterval: 0 })

      mock.timers.tick(1_000_000)
      await turns(5)

      expect(wire.chunks).to.deep.equal([': open\n\n'])
    })

    it('is no reason to write to a client that reads nothing', async () => {
      let asked = 0
      const { port } = await streamsOf(
        function* () {
          for (; asked < 200; asked++) yield 'x'.repeat(50_000)
        },
        { pingInterval: 800 },
      )
      const wire = ask(port).pause()
      await settles(() => asked)
      expect(asked).to.be.below(200)

      mock.timers.tick(8_000)
      wire.resume()
      await wire.ends()

      expect(parse(wire.chunks.join('')).comments).to.deep.equal([])
    })

    it('does not bring back a stream that has ended', async () => {
      const { port, streams } = await streamsOf(() => ['a'], { pingInterval: 800 })
      const wire = ask(port)
      await wire.ends()

      mock.timers.tick(8_000)
      streams[0]?.ping()
      await turns(5)

      expect(wire.chunks).to.deep.equal([`data: a\n\n${DONE}`, ''])
    })

    it('may change its length while the stream is open', async () => {
      const { stream, wire } = await silent({})
      expect(stream.pingInterval).to.equal(15_000)

      stream.pingInterval = 800
      mock.timers.tick(900)
      await wire.sees(': ping\n\n')
      stream.pingInterval = 0
      mock.timers.tick(90_000)
      await turns(5)

      expect(stream.pingInterval).to.equal(0)
      expect(wire.chunks).to.deep.equal([': open\n\n', ': ping\n\n'])
    })

    it('counts from the head, though its length is changed before that', async () => {
      const { port } = await streaming(
        stream => {
          stream.pingInterval = 800
          stream.pingInterval = 800
          stream.from({ next: () => never })
        },
        { headDelay: 0 },
      )
      const wire = ask(port)
      await wire.sees(': open\n\n')

      mock.timers.tick(900)

      await wire.sees(': ping\n\n')
    })
  })

  describe('A client that reads slowly', () => {
    const [count, line] = [200, 'x'.repeat(50_000)]

    it('is given no more than it takes, and all of it in the end', async () => {
      let asked = 0
      const { port, host } = await streamsOf(function* () {
        for (; asked < count; asked++) yield line
      })
      const wire = ask(port).pause()
      await settles(() => asked)
      expect(asked).to.be.below(count)

      wire.resume()
      await wire.ends()

      const { events } = parse(wire.chunks.join(''))
      expect(events.filter(({ data }) => data === line)).to.have.length(count)
      expect(events).to.have.length(count + 1)
      await until(() => host.over.length === 1)
    })

    it('slows an asynchronous source the same way', async () => {
      let asked = 0
      const { port } = await streamsOf(async function* () {
        for (; asked < count; asked++) yield line
      })
      const wire = ask(port).pause()
      await settles(() => asked)
      expect(asked).to.be.below(count)

      wire.resume()
      await wire.ends()

      expect(parse(wire.chunks.join('')).events).to.have.length(count + 1)
    })

    it('is no reason to ask the source for a second value while it owes the first', async () => {
      let [given, owed, most] = [0, 0, 0]
      const next = async () => {
        most = Math.max(most, ++owed)
        await turns(1)
        owed--
        const done = given++ === count + 20
        return { done, value: given > count ? 'small' : line }
      }
      const { port } = await streaming(stream => stream.from({ next }))
      const wire = ask(port).pause()
      await settles(() => given)
      expect(given).to.be.below(count)

      wire.resume()
      await wire.ends()

      expect(most).to.equal(1)
    })

    it('is cut when it reads nothing for the stallTimeout, and the source ends', async () => {
      let asked = 0
      let ended = false
      const { port, host } = await streamsOf(
        function* () {
          try {
            for (;;) {
              asked++
              yield line
            }
          } finally {
            ended = true
          }
        },
        { stallTimeout: 800 },
      )
      const wire = ask(port).pause()
      await settles(() => asked)

      mock.timers.tick(800)
      await turns(5)
      expect(ended).to.equal(false)
      mock.timers.tick(100)
      await until(() => host.over.length === 1)

      expect(ended).to.equal(true)
      wire.resume()
      await wire.closes()
    })

    it('is not cut with a stallTimeout of 0', async () => {
      let asked = 0
      const { port } = await streamsOf(
        function* () {
          for (; asked < count; asked++) yield line
        },
        { stallTimeout: 0 },
      )
      const wire = ask(port).pause()
      await settles(() => asked)

      mock.timers.tick(1_000_000)
      wire.resume()
      await wire.ends()

      expect(parse(wire.chunks.join('')).events).to.have.length(count + 1)
    })

    it('is not cut for a pause, when it reads on', async () => {
      let asked = 0
      const next = latch()
      const { port, host } = await streamsOf(
        async function* () {
          for (; asked < count; asked++) yield line
          await next.promise
        },
        { stallTimeout: 800 },
      )
      const wire = ask(port).pause()
      await settles(() => asked)
      mock.timers.tick(700)
      wire.resume()
      await until(() => asked === count)
      await settles(() => wire.size)

      mock.timers.tick(8_000)
      await turns(5)
      next.open()
      await wire.ends()

      expect(host.logged).to.deep.equal([])
    })

    it('is cut though it is only the end that it does not read', async () => {
      let asked = 0
      const { port, host } = await streamsOf(
        () => {
          asked++
          return ['x'.repeat(12_000_000)]
        },
        { stallTimeout: 800 },
      )
      ask(port).pause()
      await settles(() => asked)
      expect(host.over).to.have.length(0)

      mock.timers.tick(900)

      await until(() => host.over.length === 1)
    })
  })
})
