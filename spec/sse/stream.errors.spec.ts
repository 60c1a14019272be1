import { expect } from 'chai'
import { event, SerializationError, ServerSentEvent } from 'okapi/sse'
import type { StreamErrorContext } from '../../src/sse/options.js'
import { closeServers } from '../support/listen.js'
import { DONE, FAILED, streamsOf, whole } from '../support/streaming.js'
import { turns } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

describe('EventStream, when something fails', () => {
  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  describe('A source that throws after the stream has begun', () => {
    const error = new Error('the secret of the database')

    it('ends the stream with an event that does not tell the error', async () => {
      const wire = await whole(async function* () {
        yield 1
        await turns(2)
        throw error
      })

      expect(wire.chunks).to.deep.equal(['data: 1\n\n', FAILED, ''])
    })

    it('ends it the same way when it threw before the head was out, but behind an event', async () => {
      const wire = await whole(function* () {
        yield 1
        throw error
      })

      expect(wire.chunks).to.deep.equal([`data: 1\n\n${FAILED}`, ''])
    })

    it('ends it the same way when only the head is out', async () => {
      const wire = await whole(
        // biome-ignore lint/correctness/useYield: it fails before
        async function* () {
          await turns(10)
          throw error
        },
        { headDelay: 0 },
      )

      expect(wire.chunks).to.deep.equal([': open\n\n', FAILED, ''])
    })

    it('is logged, and told to onError, with where it happened', async () => {
      const told: [unknown, StreamErrorContext][] = []
      const { port, host } = await streamsOf(
        function* () {
          yield 1
          throw error
        },
        { onError: (...args) => void told.push(args) },
      )

      await ask(port).ends()

      const context = { phase: 'source', name: 'spec', request: undefined }
      expect(host.logged).to.deep.equal([{ error, context }])
      expect(told).to.deep.equal([[error, context]])
    })
  })

  describe('A value without text', () => {
    function* values() {
      yield 'a'
      yield 1n
      yield 'b'
    }

    it('ends the stream, without a byte of the value, unless onError knows better', async () => {
      for (const onError of [() => {}, () => 'end' as const]) {
        const { port, host } = await streamsOf(values, { onError })
        const wire = ask(port)
        await wire.ends()

        expect(wire.chunks).to.deep.equal([`data: a\n\n${FAILED}`, ''])
        expect(host.logged).to.have.length(1)
        expect(host.logged[0]?.error).to.be.instanceOf(SerializationError)
      }
      expect((await whole(values)).chunks).to.deep.equal([`data: a\n\n${FAILED}`, ''])
    })

    it('is told to onError once, with the value', async () => {
      const told: [unknown, StreamErrorContext][] = []

      await whole(values, { onError: (...args) => void told.push(args) })

      expect(told).to.have.length(1)
      expect(told[0]?.[0]).to.be.instanceOf(SerializationError)
      expect(told[0]?.[1]).to.deep.equal({ phase: 'serialize', value: 1n, name: 'spec', request: undefined })
    })

    it('is left out if onError says so', async () => {
      const wire = await whole(values, { onError: () => 'skip' })

      expect(wire.chunks).to.deep.equal([`data: a\n\ndata: b\n\n${DONE}`, ''])
    })

    it('is replaced by the event that onError returns', async () => {
      const wire = await whole(values, {
        onError: (_, { value }) => new ServerSentEvent({ event: 'big', data: `${value}` }),
      })

      expect(wire.chunks).to.deep.equal([`data: a\n\nevent: big\ndata: 1\n\ndata: b\n\n${DONE}`, ''])
    })

    it('ends the stream with the error of the replacement when that has no text either', async () => {
      const { port, host } = await streamsOf(values, { onError: () => event('still', 2n) })
      const wire = ask(port)

      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: a\n\n${FAILED}`, ''])
      expect(host.logged).to.have.length(1)
    })

    it('ends the stream with what onError throws', async () => {
      const error = new Error('onError is broken')
      const { port, host } = await streamsOf(values, {
        onError() {
          throw error
        },
      })
      const wire = ask(port)

      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: a\n\n${FAILED}`, ''])
      expect(host.logged[0]?.error).to.equal(error)
    })

    it('tells the source to stop', async () => {
      let ended = 0
      await whole(async function* () {
        try {
          yield 1
          yield undefined
        } finally {
          ended++
        }
      })
      await whole(function* () {
        try {
          yield 1
          yield undefined
        } finally {
          ended++
        }
      })

      expect(ended).to.equal(2)
    })

    it('is for the HTTP answer when it is the first', async () => {
      const { port, host } = await streamsOf(() => [1n])
      const wire = ask(port)

      await wire.ends()

      expect(wire.head).to.match(/^HTTP\/1\.1 500 /)
      expect(wire.body).to.contain('Do not know how to serialize a BigInt')
      expect(host.logged).to.deep.equal([])
    })

    it('does not keep the event loop, though it is left out and there is no end of them', async () => {
      const endless = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1n }) }) }
      const { port } = await streamsOf(({ url }) => (url === '/one' ? ['one'] : endless), { onError: () => 'skip' })
      ask(port, { path: '/endless' })

      const wire = ask(port, { path: '/one' })
      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: one\n\n${DONE}`, ''])
    })
  })
})
