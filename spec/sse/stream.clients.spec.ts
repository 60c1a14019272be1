import { expect } from 'chai'
import { StreamClosedError } from 'okapi/sse'
import { resolveOptions } from '../../src/sse/options.js'
import { type Source, toSource } from '../../src/sse/source.js'
import { EventStream } from '../../src/sse/stream.js'
import { latch } from '../support/latch.js'
import { closeServers, listen } from '../support/listen.js'
import { never, Recorder, readyOf, streaming, streamsOf } from '../support/streaming.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

describe('EventStream, when its client is gone', () => {
  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  describe('A client that leaves', () => {
    it('ends the source: its finally runs, and it is asked for no more', async () => {
      const left = latch()
      let asked = 0
      const { port, host, streams } = await streamsOf(async function* () {
        try {
          for (;;) {
            yield asked++
            await turns(1)
          }
        } finally {
          left.open()
        }
      })
      const wire = ask(port)
      await wire.sees('data: 2')

      wire.leave()

      await left.promise
      const last = asked
      await turns(10)
      expect(asked).to.equal(last)
      expect(host.over).to.deep.equal(streams)
      expect(host.logged).to.deep.equal([])
    })

    it('ends a synchronous source that waits for its turn', async () => {
      const left = latch()
      const { port } = await streamsOf(function* () {
        try {
          for (;;) yield 'x'.repeat(10_000)
        } finally {
          left.open()
        }
      })
      const wire = ask(port)
      await wire.sees('data: x')

      wire.leave()

      await left.promise
    })

    it('ends a source that only went half: one that shuts its side of the connection', async () => {
      const left = latch()
      const { port } = await streamsOf(async function* () {
        try {
          for (;;) {
            yield 1
            await turns(1)
          }
        } finally {
          left.open()
        }
      })
      const wire = ask(port)
      await wire.sees('data: 1')

      wire.finish()

      await left.promise
    })

    it('aborts the signal, with a StreamClosedError as the reason', async () => {
      const aborted = latch<unknown>()
      const { port } = await streaming(stream => {
        const { signal } = stream
        signal.addEventListener('abort', () => aborted.open(signal.reason))
        stream.from(toSource(['a', never]) as Source)
      })
      const wire = ask(port)
      await wire.sees('data: a')

      wire.leave()

      expect(await aborted.promise).to.be.instanceOf(StreamClosedError)
    })

    it('finds the signal aborted that is asked for later', async () => {
      const { port, host, streams } = await streamsOf(() => ['a', never])
      const wire = ask(port)
      await wire.sees('data: a')

      wire.leave()
      await until(() => host.over.length === 1)

      expect(streams[0]?.signal.aborted).to.equal(true)
      expect(streams[0]?.signal.reason).to.be.instanceOf(StreamClosedError)
      expect(streams[0]?.closed).to.equal(true)
    })

    it('makes no error of a source that throws because it was told to stop', async () => {
      const aborted = new DOMException('aborted', 'AbortError')
      for (const error of [new StreamClosedError(), aborted]) {
        const waiting = latch<IteratorResult<unknown>>()
        const { port, host } = await streaming(stream => stream.from({ next: () => waiting.promise }), { headDelay: 0 })
        const wire = ask(port)
        await wire.sees('open')
        wire.leave()
        await until(() => host.over.length === 1)

        waiting.fail(error)
        await turns(3)

        expect(host.logged).to.deep.equal([])
      }
    })

    it('makes an error of a source that throws anything else late', async () => {
      const error = new Error('broken')
      const waiting = latch<IteratorResult<unknown>>()
      const { port, host } = await streaming(stream => stream.from({ next: () => waiting.promise }), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')
      wire.leave()
      await until(() => host.over.length === 1)

      waiting.fail(error)
      await turns(3)

      expect(host.logged).to.deep.equal([{ error, context: { phase: 'cleanup', name: 'spec', request: undefined } }])
    })

    it('makes no event of what a source gives late', async () => {
      const waiting = latch<IteratorResult<unknown>>()
      let asked = 0
      const source = { next: () => (++asked === 1 ? waiting.promise : never) }
      const { port, host } = await streaming(stream => stream.from(source), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')
      wire.leave()
      await until(() => host.over.length === 1)

      waiting.open({ done: false, value: 1 })
      await turns(3)

      expect(asked).to.equal(1)
      expect(host.logged).to.deep.equal([])
    })

    for (const [name, values] of [
      [
        'an async generator',
        async function* (error: Error) {
          try {
            yield 1
            yield 2
            await turns(1)
            for (;;) yield await turns(1).then(() => 3)
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: that is the case
            throw error
          }
        },
      ],
      [
        'a generator',
        function* (error: Error) {
          try {
            yield 1
            yield never
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: that is the case
            throw error
          }
        },
      ],
    ] as const) {
      it(`has the error of a finally logged, and told to onError, by ${name}`, async () => {
        const error = new Error('the lamp is broken')
        const told: unknown[] = []
        const { port, host } = await streamsOf(() => values(error), { onError: error => void told.push(error) })
        const wire = ask(port)
        await wire.sees('data: 1')

        wire.leave()
        await until(() => told.length > 0)

        expect(told).to.deep.equal([error])
        expect(host.logged).to.deep.equal([{ error, context: { phase: 'cleanup', name: 'spec', request: undefined } }])
      })
    }

    it('is noticed before there is an event to send', async () => {
      let returned = 0
      const source = {
        next: () => never,
        return() {
          returned++
        },
      }
      const { port, host } = await streaming(stream => stream.from(source), { headDelay: 60_000 })
      const wire = ask(port)
      await turns(20)

      wire.leave()
      await until(() => host.over.length === 1)

      expect(returned).to.equal(1)
    })

    it('is noticed though it had left before the stream was made', async () => {
      const gone = latch<EventStream>()
      const host = new Recorder()
      let [asked, returned] = [0, 0]
      const port = await listen((_, response) => {
        response.once('close', () => gone.open(new EventStream(response, resolveOptions('GET'), host)))
      })
      const wire = ask(port)
      await turns(20)
      wire.leave()

      const stream = await gone.promise
      await turns(1)
      expect(() => stream.open({})).to.throw(StreamClosedError)
      stream.from({ next: () => ({ done: false, value: asked++ }), return: () => returned++ })

      expect(stream.closed).to.equal(true)
      expect(host.over).to.deep.equal([stream])
      expect([asked, returned]).to.deep.equal([0, 1])
      expect(await readyOf(stream).catch(error => error)).to.be.instanceOf(StreamClosedError)
    })

    it('is noticed once, though the source fails before that', async () => {
      const gone = latch<EventStream>()
      const host = new Recorder()
      const port = await listen((_, response) => {
        response.destroy()
        const stream = new EventStream(response, resolveOptions('GET'), host)
        stream.from({
          next() {
            throw new Error('too late')
          },
        })
        gone.open(stream)
      })
      ask(port)

      const stream = await gone.promise
      await turns(3)

      expect(host.over).to.deep.equal([stream])
      expect(host.logged).to.deep.equal([])
    })

    it('is noticed when the source has ended, and the last of it is still on its way', async () => {
      const ended = latch()
      const { port, host, streams } = await streamsOf(
        async function* () {
          yield 'x'.repeat(12_000_000)
          await turns(3)
          ended.open()
        },
        { highWaterMark: 2 ** 30 },
      )
      const wire = ask(port).pause()
      await ended.promise
      await turns(3)
      expect(host.over).to.deep.equal([])

      wire.leave()
      await until(() => host.over.length === 1)

      expect(host.over).to.deep.equal(streams)
      expect(host.logged).to.deep.equal([])
    })
  })

  describe('A source that outlives its client', () => {
    it('is told to the host after the orphanTimeout, and when it ends after all', async () => {
      const parked = latch()
      const { port, host } = await streamsOf(
        async function* () {
          yield 1
          await parked.promise
        },
        { orphanTimeout: 5 },
      )
      const wire = ask(port)
      await wire.sees('data: 1')

      wire.leave()
      await until(() => host.orphans.length === 1)

      const [orphan] = host.orphans
      expect(orphan?.name).to.equal('spec')
      expect(orphan?.age).to.be.within(4, 60_000)
      parked.open()
      await orphan?.ended
      expect(host.logged).to.deep.equal([])
    })

    it('is no orphan when it ends in time', async () => {
      const source = { next: () => never, return: async () => {} }
      const { port, host } = await streaming(stream => stream.from(source), { headDelay: 0, orphanTimeout: 5 })
      const wire = ask(port)
      await wire.sees('open')

      wire.leave()
      await until(() => host.over.length === 1)
      const since = Date.now()
      await until(() => Date.now() - since > 20)

      expect(host.orphans).to.deep.equal([])
    })

    it('is one too when it is a task that sends by calls', async () => {
      const parked = latch()
      const { port, host } = await streaming(stream => stream.follow(parked.promise), {
        headDelay: 0,
        orphanTimeout: 5,
      })
      const wire = ask(port)
      await wire.sees('open')

      wire.leave()
      await until(() => host.orphans.length === 1)

      parked.fail(new Error('too late'))
      await host.orphans[0]?.ended
    })
  })
})
