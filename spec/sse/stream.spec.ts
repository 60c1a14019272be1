import { expect } from 'chai'
import { event, ServerSentEvent } from 'okapi/sse'
import { resolveOptions } from '../../src/sse/options.js'
import { EventStream } from '../../src/sse/stream.js'
import { spend } from '../../src/sse/turn.js'
import { latch } from '../support/latch.js'
import { closeServers, listen } from '../support/listen.js'
import { parse } from '../support/parse.js'
import { DONE, never, Recorder, streamsOf, whole } from '../support/streaming.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

describe('EventStream', () => {
  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  describe('What a source gives', () => {
    it('leaves in one chunk, head and end included, as long as the source does not wait', async () => {
      const wire = await whole(async function* () {
        yield 1
        yield event('tick', { n: 2 })
        yield 'three\nlines'
      })

      expect(wire.head)
        .to.match(/^HTTP\/1\.1 200 OK\r\n/)
        .and.contain('\r\ncontent-type: text/event-stream\r\n')
      expect(wire.chunks).to.deep.equal([
        `data: 1\n\nevent: tick\ndata: {"n":2}\n\ndata: three\ndata: lines\n\n${DONE}`,
        '',
      ])
    })

    it('leaves in one chunk from an iterable too, where promises in it do not wait', async () => {
      expect((await whole(() => ['a', 'b'])).chunks).to.deep.equal([`data: a\n\ndata: b\n\n${DONE}`, ''])
      expect((await whole(() => [Promise.resolve('a'), 'b'])).chunks).to.deep.equal([
        `data: a\n\ndata: b\n\n${DONE}`,
        '',
      ])
    })

    it('leaves at once when the source waits', async () => {
      const next = latch()
      const { port } = await streamsOf(async function* () {
        yield 1
        yield 2
        await next.promise
        yield 3
      })

      const wire = ask(port)
      await wire.sees('data: 2')
      expect(wire.chunks).to.deep.equal(['data: 1\n\ndata: 2\n\n'])
      next.open()

      await wire.ends()
      expect(wire.chunks).to.deep.equal(['data: 1\n\ndata: 2\n\n', `data: 3\n\n${DONE}`, ''])
    })

    it('leaves at once each time, though the source only waits for the next turn of the loop', async () => {
      const wire = await whole(async function* () {
        for (let n = 0; n < 4; n++) {
          await turns(1)
          yield n
        }
      })

      expect(wire.chunks).to.deep.equal(['data: 0\n\n', 'data: 1\n\n', 'data: 2\n\n', `data: 3\n\n${DONE}`, ''])
    })

    it('leaves in batches of about the high-water mark when there is much of it', async () => {
      const wire = await whole(() => Array.from({ length: 5 }, (_, n) => n), { highWaterMark: 15 })

      expect(wire.chunks).to.deep.equal(['data: 0\n\ndata: 1\n\n', 'data: 2\n\ndata: 3\n\n', `data: 4\n\n${DONE}`, ''])
    })

    it('leaves in batches of as many bytes when it is not ASCII', async () => {
      const wire = await whole(() => ['ä', 'b', 'c', 'd'], { highWaterMark: 30 })

      expect(wire.chunks).to.deep.equal(['data: ä\n\ndata: b\n\n', `data: c\n\ndata: d\n\n${DONE}`, ''])
    })

    it('arrives whole when it is much more than one turn of the event loop may send', async () => {
      const count = 3_000

      const wire = await whole(function* () {
        for (let n = 0; n < count; n++) yield `${n}-${'x'.repeat(1_000)}`
      })

      const { events } = parse(wire.chunks.join(''))
      expect(events).to.have.length(count + 1)
      expect(events.slice(0, count).every(({ data }, n) => data.startsWith(`${n}-x`))).to.equal(true)
    })

    it('is encoded by the serializer of the stream', async () => {
      const serializer = { serialize: (data: unknown) => `<${data}>` }

      expect((await whole(() => ['a'], { serializer, end: false })).chunks).to.deep.equal(['data: <a>\n\n', ''])
    })
  })

  describe('The head', () => {
    it('waits for the first event, and leaves with it', async () => {
      const first = latch()
      const { port } = await streamsOf(
        async function* () {
          await first.promise
          yield 1
          await never
        },
        { headDelay: 60_000 },
      )
      const wire = ask(port)
      await turns(20)
      expect(wire.text).to.equal('')

      first.open()
      await wire.sees('data: 1')

      expect(wire.chunks).to.deep.equal(['data: 1\n\n'])
    })

    it('leaves with a comment when the first event is not there in time', async () => {
      const first = latch()
      const { port } = await streamsOf(
        async function* () {
          await first.promise
          yield 1
        },
        { headDelay: 10 },
      )
      const wire = ask(port)
      await wire.sees(': open\n\n')

      first.open()
      await wire.ends()

      expect(wire.chunks).to.deep.equal([': open\n\n', `data: 1\n\n${DONE}`, ''])
    })

    it('leaves at once if it is not to wait', async () => {
      const { port } = await streamsOf(
        async function* () {
          await never
          yield 1
        },
        { headDelay: 0 },
      )

      const wire = ask(port)
      await wire.sees(': open\n\n')

      expect(wire.chunks).to.deep.equal([': open\n\n'])
    })

    it('leaves without a comment when the source ends with nothing', async () => {
      expect((await whole(() => [])).chunks).to.deep.equal([DONE, ''])
      expect((await whole(() => [], { end: false })).chunks).to.deep.equal([''])
    })

    it('leaves at once when the source ends with nothing, however long it may wait', async () => {
      const wire = await whole(
        // biome-ignore lint/correctness/useYield: it has nothing to say
        async function* () {
          await turns(3)
        },
        { headDelay: 60_000 },
      )

      expect(wire.chunks).to.deep.equal([DONE, ''])
    })

    it('leaves no timer behind, whatever it waited for', async () => {
      const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
      await turns(1)
      const before = timers()
      const endings: (() => object)[] = [
        async function* () {
          await turns(3)
          yield 1
        },
        // biome-ignore lint/correctness/useYield: it fails before
        async function* () {
          await turns(3)
          throw new Error('no such thing')
        },
      ]

      for (const values of endings) await whole(values, { headDelay: 60_000 })
      leaveAll()
      await closeServers()

      await until(() => timers() <= before, 'the timers to go')
    })

    it('is followed by the reconnection time before anything else', async () => {
      expect((await whole(() => [1], { retry: 0, end: false })).chunks).to.deep.equal(['retry: 0\n\ndata: 1\n\n', ''])

      const { port } = await streamsOf(() => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }), {
        headDelay: 0,
        retry: 2_500,
      })
      const wire = ask(port)
      await wire.sees('open')
      expect(wire.chunks).to.deep.equal(['retry: 2500\n\n: open\n\n'])
    })

    it('is not out before a failure of the source, which is then for the HTTP answer', async () => {
      const failing: (() => object)[] = [
        // biome-ignore lint/correctness/useYield: it fails before
        async function* () {
          throw new Error('no such thing')
        },
        // biome-ignore lint/correctness/useYield: it fails before
        function* () {
          throw new Error('no such thing')
        },
        // biome-ignore lint/correctness/useYield: it fails before
        async function* () {
          await turns(3)
          throw new Error('no such thing')
        },
        () => [Promise.reject(new Error('no such thing'))],
      ]

      for (const values of failing) {
        const { port, host, streams } = await streamsOf(values)
        const wire = ask(port)
        await wire.ends()

        expect(wire.head).to.match(/^HTTP\/1\.1 500 /)
        expect(wire.chunks).to.deep.equal(['no such thing', ''])
        expect(host.logged).to.deep.equal([])
        expect(host.over).to.deep.equal(streams)
      }
    })

    it('lets a source run ahead no further than the high-water mark', async () => {
      const held = latch<EventStream>()
      let asked = 0
      const port = await listen((_, response) => {
        const stream = new EventStream(response, resolveOptions('GET', { highWaterMark: 100 }), new Recorder())
        stream.from({ next: () => ({ done: false, value: asked++ }) })
        held.open(stream)
      })
      const wire = ask(port)
      const stream = await held.promise
      await turns(5)
      expect(asked).to.be.within(10, 20)

      stream.open({})
      await wire.sees('data: 100\n\n')
    })
  })

  describe('The end', () => {
    it('is told to the clients of GET, as an event or as an id alone, or not at all', async () => {
      expect((await whole(() => ['a'])).chunks).to.deep.equal([`data: a\n\n${DONE}`, ''])
      expect((await whole(() => ['a'], { end: 'id' })).chunks).to.deep.equal(['data: a\n\nid: stream.end\n\n', ''])
      expect((await whole(() => ['a'], { end: false })).chunks).to.deep.equal(['data: a\n\n', ''])
      expect((await whole(() => ['a'], {}, 'POST')).chunks).to.deep.equal(['data: a\n\n', ''])
    })

    it('is told to the host, once', async () => {
      const { port, host, streams } = await streamsOf(() => ['a'])

      await ask(port).ends()
      await until(() => host.over.length > 0)

      expect(host.over).to.deep.equal(streams)
      expect(streams[0]?.closed).to.equal(true)
      expect(host.logged).to.deep.equal([])
    })

    it('may come in a later turn', async () => {
      const wire = await whole(async function* () {
        yield 'a'
        await turns(2)
      })

      expect(wire.chunks).to.deep.equal(['data: a\n\n', DONE, ''])
    })
  })

  describe('The option ids', () => {
    it('gives an id to every event with data that has none', async () => {
      const wire = await whole(
        () => ['a', event('b', 2), new ServerSentEvent({ data: 3, id: 'mine' }), new ServerSentEvent({ comment: 'c' })],
        { ids: 'uuid', end: false },
      )

      const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
      expect(wire.chunks.join('')).to.match(
        new RegExp(`^id: ${uuid}\ndata: a\n\nid: ${uuid}\nevent: b\ndata: 2\n\nid: mine\ndata: 3\n\n: c\n\n$`),
      )
      const ids = parse(wire.chunks.join('')).events.map(({ id }) => id)
      expect(new Set(ids).size).to.equal(3)
    })

    it('gives none unless it is asked for', async () => {
      expect((await whole(() => ['a'], { ids: false, end: false })).chunks).to.deep.equal(['data: a\n\n', ''])
    })
  })

  describe('Sources that never wait', () => {
    it('leave room for the others, though they are many', async () => {
      const endless = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 'x'.repeat(1_000) }) }) }
      const { port } = await streamsOf(({ url }) => (url === '/one' ? ['one'] : endless))
      for (let n = 0; n < 20; n++) ask(port, { path: '/endless' })

      const wire = ask(port, { path: '/one' })
      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: one\n\n${DONE}`, ''])
    })

    it('have short turns when a stream comes, since others may be on the way', async () => {
      for (let n = 0; n < 20; n++) {
        spend(0)
        await turns(1)
      }
      const room = latch<boolean[]>()
      const port = await listen((_, response) => {
        const before = spend(20_000)
        new EventStream(response, resolveOptions('GET'), new Recorder()).abandon()
        room.open([before, spend(0)])
        response.end()
      })

      ask(port)

      expect(await room.promise).to.deep.equal([true, false])
    })

    for (const [name, value] of [
      ['what they give', 'x'.repeat(1_000)],
      ['nothing that can be sent', 1n],
    ] as const) {
      it(`leave the event loop to others with ${name}, though the client takes everything at once`, async () => {
        const begun = latch()
        let asked = 0
        const source = { next: () => (++asked < 1_000_000 ? { done: false, value } : { done: true, value: undefined }) }
        const port = await listen((_, response) => {
          response.write = () => true
          const options = resolveOptions('GET', { onError: () => 'skip' })
          const stream = new EventStream(response, options, new Recorder())
          stream.from(source)
          stream.open({})
          begun.open()
        })
        ask(port)
        await begun.promise

        await turns(3)

        expect(asked).to.be.within(1, 100_000)
      })
    }

    it('are read to their end over as many turns as it takes', async () => {
      const values = [...Array(5_000).fill(1n), 'end', ...Array(5_000).fill(1n)]

      const wire = await whole(() => values, { onError: () => 'skip' })

      expect(wire.chunks.join('')).to.equal(`data: end\n\n${DONE}`)
    })
  })
})
