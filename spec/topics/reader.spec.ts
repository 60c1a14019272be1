import { mock } from 'node:test'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  event,
  LagError,
  SerializationError,
  type SubscribeOptions,
  TopicClosedError,
  TopicEventError,
  Topics,
  type TopicsOptions,
} from 'okapi'
import { soon } from '../support/eventually.js'
import { type Latch, latch } from '../support/latch.js'
import { LateJournal } from '../support/late-journal.js'
import { NamedJournal } from '../support/named-journal.js'
import { parsed } from '../support/parsed.js'
import { Reading } from '../support/reading.js'
import { turns, until } from '../support/until.js'

const SECOND = 1_000

/** Topics whose epochs are `a1`, `b1`, and so on. */
function named(options: TopicsOptions = {}): Topics {
  return new Topics({ journal: new NamedJournal(), ...options })
}

/** Publishes the numbers from the first to the last. */
async function publish(topics: Topics, name: string, first: number, last: number): Promise<void> {
  for (let n = first; n < last; n++) topics.publish(name, n)
  await topics.publish(name, last)
}

/** The data and the ids of what a reading was given, but for what only tells a position. */
function seen({ text }: Reading): string[] {
  return parsed(text).map(({ id, event, data }) => `${id ?? ''} ${event ?? ''}${data}`)
}

async function read(topics: Topics, names: string | string[], options: SubscribeOptions, id?: string) {
  return Reading.of(topics.subscribe(names, options), id)
}

describe('Reader', () => {
  let topics: Topics

  beforeEach(() => {
    topics = named()
  })
  afterEach(async () => {
    mock.reset()
    await soon(topics.close(), 'the topics are closed')
  })

  /** Has the journal answer nothing that is read until it is let. */
  function hold(options: TopicsOptions = {}) {
    const reads = latch()
    const journal = new LateJournal({ wait: call => (call === 'read' ? reads.promise : Promise.resolve()) })
    topics = new Topics({ journal, ...options })
    return { reads, asked: () => until(() => journal.calls.includes('read a 0'), 'the journal is asked') }
  }

  /** What a client has seen that left while the journal read for it. */
  async function seenBy(reading: Reading, reads: Latch<void>): Promise<string[]> {
    reading.leave()
    await until(() => reading.outcome === 'ended')
    reads.open()
    await turns(2)
    return seen(reading)
  }

  describe('of one topic', () => {
    const all = { filter: () => true }

    it('tells a newcomer where it is, then every event with its position', async () => {
      await publish(topics, 'a', 1, 2)
      const reading = await read(topics, 'a', all)
      topics.publish('a', event('price', { is: 12.5 }))
      await topics.publish('a', 'two\nlines')
      await reading.sees('lines')

      expect(reading.text).to.equal(
        'id: a1.2\n\nid: a1.3\nevent: price\ndata: {"is":12.5}\n\nid: a1.4\ndata: two\ndata: lines\n\n',
      )
      reading.leave()
    })

    it('says nothing of a position to a client that has it', async () => {
      await publish(topics, 'a', 1, 3)
      const reading = await read(topics, 'a', all, 'a1.2')
      await reading.sees('3')

      expect(reading.text).to.equal('id: a1.3\ndata: 3\n\n')
      reading.leave()
    })

    it('reads a long log piece by piece, in order, and goes on with what comes', async () => {
      const wide = 'x'.repeat(1_000)
      for (let n = 0; n < 200; n++) topics.publish('a', event(`${n}`, wide))
      await topics.publish('a', event('200', wide))
      const reading = await Reading.begin(topics.subscribe('a', { ...all, from: 'start' }))

      await reading.take()
      const piece = await reading.take()
      expect(piece.length).to.be.within(30_000, 40_000)
      reading.goOn()
      await topics.publish('a', event('201', wide))
      await reading.sees('event: 201')

      expect(parsed(reading.text).map(({ event }) => Number(event))).to.deep.equal([...Array(202).keys()])
      reading.leave()
    })

    it('does the same with a journal that answers later', async () => {
      topics = new Topics({ journal: new LateJournal() })
      const reading = await read(topics, 'a', all)
      await publish(topics, 'a', 1, 3)
      await reading.sees('data: 3')
      await publish(topics, 'a', 4, 5)
      await reading.sees('data: 5')

      expect(parsed(reading.text).map(({ data }) => data)).to.deep.equal(['1', '2', '3', '4', '5'])
      reading.leave()
    })

    it('ends behind what there is when the topic closes', async () => {
      await publish(topics, 'a', 1, 3)
      const reading = await Reading.begin(topics.subscribe('a', { ...all, from: 'start' }))

      const closed = topics.get('a').close()
      reading.goOn()
      await closed

      expect(seen(reading)).to.deep.equal(['a1.1 1', 'a1.2 2', 'a1.3 3'])
      expect(reading.outcome).to.equal('ended')
    })

    it('ends when it is stopped while it waits, and follows the topic no longer', async () => {
      const reading = await read(topics, 'a', all)
      await turns(2)
      expect(topics.get('a').stats()?.subscribers).to.equal(1)

      reading.leave()
      await until(() => reading.outcome === 'ended')

      expect(topics.get('a').stats()?.subscribers).to.equal(0)
      expect(await reading.take()).to.equal('')
    })

    it('ends when it is stopped while the journal reads', async () => {
      const { reads, asked } = hold()
      await topics.publish('a', 1)
      const reading = await read(topics, 'a', { ...all, from: 'start' })
      await asked()

      expect(await seenBy(reading, reads)).to.deep.equal([])
    })

    it('fails if the journal does', async () => {
      const failure = new Error('disk')
      const journal = new LateJournal({ wait: call => (call === 'read' ? Promise.reject(failure) : undefined) })
      topics = new Topics({ journal })
      await topics.publish('a', 1)
      const reading = await read(topics, 'a', { ...all, from: 'start' })
      await until(() => reading.outcome !== undefined)

      expect(reading.outcome).to.equal(failure)
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })

    it('fails if the journal does not give what it says it has', async () => {
      const journal = new NamedJournal()
      topics = new Topics({ journal })
      await publish(topics, 'a', 1, 3)
      const log = journal.logs.get('a')
      if (log) log.read = () => []
      const reading = await read(topics, 'a', { ...all, from: 'start' })
      await until(() => reading.outcome !== undefined)

      expect(reading.outcome).to.be.an.instanceOf(Error).with.property('message')
      expect((reading.outcome as Error).message).to.equal('The journal of the topic a does not give its event 1')
    })
  })

  describe('with a filter', () => {
    it('gives what passes, with the positions of the log', async () => {
      const reading = await read(topics, 'a', { filter: ({ data }) => (data as number) % 2 === 0 })
      await publish(topics, 'a', 1, 6)
      await reading.sees('data: 6')

      expect(seen(reading)).to.deep.equal(['a1.2 2', 'a1.4 4', 'a1.6 6'])
      reading.leave()
    })

    it('is shown the topic, the position, the type and the data of each event', async () => {
      const shown: unknown[] = []
      const reading = await read(topics, 'a', {
        filter: ({ topic, id, event, data, text }) => shown.push({ topic, id, event, data, text }) > 0,
        decode: data => `<${data}>`,
      } as SubscribeOptions)
      await topics.publish('a', event('tick', 1))
      await reading.sees('tick')

      expect(shown).to.deep.equal([{ topic: 'a', id: 'a1.1', event: 'tick', data: '<1>', text: '1' }])
      reading.leave()
    })

    it('tells the position after 100 events that do not pass', async () => {
      const reading = await read(topics, 'a', { filter: ({ data }) => data === 'seen' })
      await publish(topics, 'a', 1, 99)
      await turns(3)
      expect(reading.text).to.equal('id: a1.0\n\n')

      await topics.publish('a', 100)
      await reading.sees('id: a1.100\n\n')
      await publish(topics, 'a', 101, 150)
      await topics.publish('a', 'seen')
      await publish(topics, 'a', 152, 250)
      await turns(3)

      expect(reading.text).to.equal('id: a1.0\n\nid: a1.100\n\nid: a1.151\ndata: seen\n\n')
      await topics.publish('a', 251)
      await reading.sees('id: a1.251\n\n')
      reading.leave()
    })

    it('counts them anew behind a gap, which tells the position, too', async () => {
      topics = named({ retention: { count: 70 } })
      const reading = await Reading.begin(topics.subscribe('a', { filter: () => false }))
      await reading.take()
      await publish(topics, 'a', 1, 70)
      const next = reading.take()
      await turns(2)
      for (let n = 0; n < 71; n++) topics.publish('a', n)
      expect(await next).to.contain('stream:gap')

      reading.goOn()
      await turns(3)
      expect(reading.text).to.match(/^id: a1\.0\n\nid: a1\.71\nevent: stream:gap\ndata: .*\n\n$/)
      reading.leave()
    })

    it('tells the position 5 seconds after an event that does not pass', async () => {
      mock.timers.enable({ apis: ['setInterval'] })
      const reading = await read(topics, 'a', { filter: () => false })
      await topics.publish('a', 1)
      await turns(3)
      mock.timers.tick(4.9 * SECOND)
      await turns(3)
      expect(reading.text).to.equal('id: a1.0\n\n')

      mock.timers.tick(1 * SECOND)
      await reading.sees('id: a1.1\n\n')
      mock.timers.tick(60 * SECOND)
      await turns(3)

      expect(reading.text).to.equal('id: a1.0\n\nid: a1.1\n\n')
      reading.leave()
    })

    it('leaves no timer behind', async () => {
      mock.timers.enable({ apis: ['setInterval'] })
      const leave = (): boolean => {
        reading.leave()
        return false
      }
      const reading = await read(topics, 'a', { filter: () => leave() })
      await topics.publish('a', 1)
      await until(() => reading.outcome === 'ended')
      mock.timers.tick(60 * SECOND)
      await turns(3)

      expect(reading.text).to.equal('id: a1.0\n\n')
    })

    it('fails if that throws, behind what came before, and follows the topic no longer', async () => {
      const failure = new Error('no')
      const filter = ({ data }: { data: unknown }) => {
        if (data === 3) throw failure
        return true
      }
      const reading = await read(topics, 'a', { filter })
      await publish(topics, 'a', 1, 5)
      await until(() => reading.outcome !== undefined)

      expect(seen(reading)).to.deep.equal(['a1.1 1', 'a1.2 2'])
      expect(reading.outcome).to.equal(failure)
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
      expect(await reading.take()).to.equal('')
    })

    it('fails if that is an async function, which would let everything through', async () => {
      const reading = await read(topics, 'a', { filter: (async () => false) as never })
      await topics.publish('a', 'secret')
      await until(() => reading.outcome !== undefined)

      expect(reading.text).to.not.contain('secret')
      expect((reading.outcome as Error).message).to.equal(
        'subscribe(): filter answers at once, it is no async function',
      )
    })

    it('lets the event loop turn while it looks through a long log', async () => {
      const wide = 'x'.repeat(1_000)
      topics = named({ retention: { bytes: 10_000_000 } })
      for (let n = 0; n < 2_000; n++) topics.publish('a', wide)
      await topics.publish('a', 'end')
      let looked = 0
      const filter = ({ text }: { text: string }) => {
        looked++
        return text === 'end'
      }
      const reading = await read(topics, 'a', { from: 'start', filter })
      await turns(1)

      expect(looked).to.be.within(1, 1_000)
      await reading.sees('data: end')
      reading.leave()
    })
  })

  describe('that falls behind what is kept', () => {
    beforeEach(() => {
      topics = named({ retention: { count: 3 } })
    })

    it('tells what is missing, and goes on', async () => {
      const reading = await Reading.begin(topics.subscribe('a', { filter: () => true }))
      await reading.take()
      await publish(topics, 'a', 1, 5)
      reading.goOn()
      await reading.sees('data: 5')

      expect(reading.text).to.equal(
        [
          'id: a1.0\n\n',
          'id: a1.2\nevent: stream:gap\n',
          'data: {"requested":"a1.0","earliest":"a1.3","latest":"a1.5","lost":2,"reason":"overflow"}\n\n',
          'id: a1.3\ndata: 3\n\nid: a1.4\ndata: 4\n\nid: a1.5\ndata: 5\n\n',
        ].join(''),
      )
      reading.leave()
    })

    it('does so when retention strikes while the journal reads', async () => {
      const { reads, asked } = hold({ retention: { count: 3 } })
      const reading = await read(topics, 'a', { filter: () => true })
      await topics.publish('a', 1)
      await asked()
      await publish(topics, 'a', 2, 5)
      reads.open()
      await reading.sees('data: 5')

      const [gap, ...events] = parsed(reading.text)
      expect(gap?.event).to.equal('stream:gap')
      expect(JSON.parse(gap?.data ?? '')).to.include({ lost: 2, reason: 'overflow' })
      expect(events.map(({ data }) => data)).to.deep.equal(['3', '4', '5'])
      reading.leave()
    })

    it('goes on with what comes from now on, if it is to', async () => {
      const reading = await Reading.begin(topics.subscribe('a', { filter: () => true, onGap: 'latest' }))
      await publish(topics, 'a', 1, 5)
      reading.goOn()
      await reading.sees('stream:gap')
      await topics.publish('a', 6)
      await reading.sees('data: 6')

      expect(seen(reading)).to.deep.equal([
        'a1.5 stream:gap{"requested":"a1.0","earliest":"a1.3","latest":"a1.5","lost":5,"reason":"overflow"}',
        'a1.6 6',
      ])
      reading.leave()
    })

    it('goes on with the snapshot, if it is to', async () => {
      const snapshot = () => ['state']
      const reading = await Reading.begin(topics.subscribe('a', { snapshot, from: 'now' }))
      await publish(topics, 'a', 1, 5)
      reading.goOn()
      await reading.sees('id: a1.5\n\n')
      await topics.publish('a', 6)
      await reading.sees('data: 6')

      expect(reading.text).to.equal(
        [
          'id: a1.0\n\n',
          'event: stream:gap\n',
          'data: {"requested":"a1.0","earliest":"a1.3","latest":"a1.5","lost":5,"reason":"overflow"}\n\n',
          'data: state\n\n',
          'id: a1.5\n\n',
          'id: a1.6\ndata: 6\n\n',
        ].join(''),
      )
      reading.leave()
    })

    for (const options of [{ onLag: 'disconnect' }, { onGap: 'refuse' }] as const) {
      it(`is sent away for a moment, with ${JSON.stringify(options)}`, async () => {
        const reading = await Reading.begin(topics.subscribe('a', { filter: () => true, ...options }))
        await publish(topics, 'a', 1, 5)
        reading.goOn()
        await until(() => reading.closed)

        expect(reading.outcome).to.include({ reason: 'lag' })
        expect((reading.outcome as { retry: number }).retry).to.be.within(1_000, 5_000)
        expect(topics.get('a').stats()?.subscribers).to.equal(0)
      })

      it(`fails where there is no stream to end, with ${JSON.stringify(options)}`, async () => {
        const loop = topics.subscribe('a', { filter: () => true, ...options })[Symbol.asyncIterator]()
        await publish(topics, 'a', 1, 5)

        expect(await loop.next().catch(error => error)).to.be.an.instanceOf(LagError)
        expect(topics.get('a').stats()?.subscribers).to.equal(0)
        expect(await loop.next()).to.deep.equal({ done: true, value: undefined })
      })
    }

    it('is sent away while it could still resume, with onLag "disconnect"', async () => {
      topics = named({ retention: { count: 100 } })
      await publish(topics, 'a', 1, 200)
      const reading = await Reading.begin(
        topics.subscribe('a', { filter: () => true, onLag: 'disconnect', from: 'start' }),
      )
      await reading.take()
      const loop = topics.subscribe('a', { onLag: 'disconnect', from: 'start' })[Symbol.asyncIterator]()
      await publish(topics, 'a', 201, 250)

      expect(reading.outcome).to.include({ reason: 'lag' })
      await loop.return?.()
    })
  })

  describe('with onLag "block"', () => {
    it('lets publishers wait until the client asks for more', async () => {
      const reading = await Reading.begin(topics.subscribe('a', { filter: () => true, onLag: 'block' }))
      await reading.take()
      let done = false
      const published = topics.publish('a', 1).then(() => {
        done = true
      })
      await turns(3)
      expect(done).to.equal(false)
      await reading.take()
      await turns(3)
      expect(done).to.equal(false)

      reading.goOn()
      await published
      reading.leave()
    })

    it('waits neither for one that left, nor for events that a filter hides', async () => {
      const leaving = await Reading.begin(topics.subscribe('a', { filter: () => true, onLag: 'block' }))
      const hiding = await read(topics, 'a', { filter: () => false, onLag: 'block' })
      const published = topics.publish('a', 1)
      await turns(2)
      leaving.leave()

      expect(await published).to.equal('a1.1')
      hiding.leave()
    })
  })

  describe('with onLag "conflate"', () => {
    const key = ({ data }: { data: unknown }) => (data as { of: string }).of
    const conflate = { onLag: 'conflate', key } as SubscribeOptions
    const price = (of: string, is: number) => ({ of, is })

    it('gives every event to a client that keeps up', async () => {
      const reading = await read(topics, 'a', conflate)
      for (const is of [1, 2, 3]) {
        await topics.publish('a', price('x', is))
        await reading.sees(`"is":${is}`)
      }

      expect(seen(reading)).to.have.lengthOf(3)
      reading.leave()
    })

    it('gives only the newest of each key to one that lags, in order', async () => {
      const reading = await Reading.begin(topics.subscribe('a', conflate))
      for (const [of, is] of [
        ['x', 1],
        ['y', 2],
        ['x', 3],
        ['z', 4],
        ['x', 5],
        ['z', 6],
      ] as const) {
        topics.publish('a', price(of, is))
      }
      await topics.publish('a', price('w', 7))
      reading.goOn()
      await reading.sees('"w"')

      expect(seen(reading)).to.deep.equal([
        'a1.2 {"of":"y","is":2}',
        'a1.5 {"of":"x","is":5}',
        'a1.6 {"of":"z","is":6}',
        'a1.7 {"of":"w","is":7}',
      ])
      reading.leave()
    })

    it('shows a client that resumes everywhere the newest of each key, whatever was published when', async () => {
      const steps = fc.array(
        fc.oneof(fc.record({ of: fc.constantFrom('x', 'y', 'z') }), fc.constant('take'), fc.constant('cut')),
      )

      await fc.assert(
        fc.asyncProperty(steps, fc.boolean(), async (all, isLate) => {
          const topics = new Topics(isLate ? { journal: new LateJournal({ wait: () => Promise.resolve() }) } : {})
          const state = new Map<string, number>()
          const shown = new Map<string, number>()
          let id: string | undefined
          let last = 0
          let reading = await Reading.begin(topics.subscribe('a', conflate))
          const heed = (text: string): void => {
            for (const line of text.split('\n')) if (line.startsWith('id: ')) id = line.slice(4)
            for (const { data } of parsed(text)) {
              const { of, is } = JSON.parse(data) as { of: string; is: number }
              expect(is).to.be.above(last)
              last = is
              shown.set(of, is)
            }
          }
          heed(await reading.take())
          let n = 0
          for (const step of all) {
            if (step === 'take' && topics.get('a').stats()?.lag !== 0) heed(await reading.take())
            else if (step === 'cut') {
              reading.leave()
              reading = await Reading.begin(topics.subscribe('a', conflate), id)
            } else if (typeof step === 'object') {
              await topics.publish('a', price(step.of, ++n))
              state.set(step.of, n)
            }
          }
          while (topics.get('a').stats()?.lag !== 0) heed(await reading.take())
          reading.leave()
          await topics.close()

          expect([...shown].sort()).to.deep.equal([...state].sort())
        }),
        { numRuns: 200 },
      )
    })

    it('gives what is left of a long log piece by piece, and no more than is newest when it is asked', async () => {
      const wide = 'x'.repeat(1_000)
      const reading = await Reading.begin(topics.subscribe('a', conflate))
      await reading.take()
      for (let n = 0; n < 100; n++) topics.publish('a', { of: n, wide })
      await turns(2)
      const first = parsed(await reading.take()).length
      expect(first).to.be.within(20, 40)

      for (let n = 40; n < 100; n++) topics.publish('a', { of: n, last: true })
      await turns(2)
      reading.goOn()
      await reading.sees('"of":99')

      const rest = parsed(reading.text).slice(first)
      expect(rest.filter(({ data }) => data.includes('last'))).to.have.lengthOf(60)
      expect(rest).to.have.lengthOf(100 - first)
      reading.leave()
    })

    it('looks through a long log in several turns of the event loop', async () => {
      const wide = 'x'.repeat(1_000)
      topics = named({ retention: { bytes: 10_000_000 } })
      for (let n = 0; n < 2_000; n++) topics.publish('a', { of: n % 2, wide })
      await turns(2)
      let looked = 0
      const counting = (event: { data: unknown }) => {
        looked++
        return key(event)
      }
      const reading = await read(topics, 'a', { onLag: 'conflate', key: counting, from: 'start' })
      await turns(1)

      expect(looked).to.be.within(1, 1_000)
      await reading.sees('id: a1.2000\n')
      expect(parsed(reading.text)).to.have.lengthOf(2)
      reading.leave()
    })

    it('tells what is missing of what it has looked at, and of what it has not', async () => {
      topics = named({ retention: { count: 4 } })
      const reading = await Reading.begin(topics.subscribe('a', conflate))
      await reading.take()
      for (const of of ['x', 'y']) topics.publish('a', price(of, 1))
      await turns(2)
      for (const of of ['x', 'x', 'z', 'z']) topics.publish('a', price(of, 2))
      await turns(2)
      reading.goOn()
      await reading.sees('"z"')

      expect(seen(reading)).to.deep.equal([
        'a1.2 stream:gap{"requested":"a1.0","earliest":"a1.3","latest":"a1.6","lost":2,"reason":"overflow"}',
        'a1.4 {"of":"x","is":2}',
        'a1.6 {"of":"z","is":2}',
      ])
      reading.leave()
    })

    it('tells of a gap that retention tears while it looks', async () => {
      const { reads, asked } = hold({ retention: { count: 2 } })
      const reading = await read(topics, 'a', conflate)
      await topics.publish('a', price('x', 1))
      await asked()
      for (const is of [2, 3, 4]) await topics.publish('a', price('x', is))
      reads.open()
      await reading.sees('"is":4')

      expect(parsed(reading.text).map(({ event, data }) => event ?? data)).to.deep.equal([
        'stream:gap',
        '{"of":"x","is":4}',
      ])
      reading.leave()
    })

    it('leaves for later what comes while it gives what it has looked through', async () => {
      let reads = 0
      const wait = async (call: string) => {
        if (call === 'read' && ++reads === 2) await topics.publish('a', price('x', 2))
      }
      topics = new Topics({ journal: new LateJournal({ wait }) })
      const reading = await read(topics, 'a', conflate)
      await topics.publish('a', price('x', 1))
      await reading.sees('"is":2')

      expect(parsed(reading.text).map(({ data }) => data)).to.deep.equal(['{"of":"x","is":1}', '{"of":"x","is":2}'])
      reading.leave()
    })

    it('ends when it is stopped while it looks', async () => {
      const { reads, asked } = hold()
      const reading = await read(topics, 'a', conflate)
      await topics.publish('a', price('x', 1))
      await asked()

      expect(await seenBy(reading, reads)).to.deep.equal([])
    })

    it('filters first', async () => {
      const filter = ({ data }: { data: unknown }) => (data as { is: number }).is < 3
      const reading = await Reading.begin(topics.subscribe('a', { ...conflate, filter }))
      for (const is of [1, 2, 3]) topics.publish('a', price('x', is))
      await turns(2)
      reading.goOn()
      await reading.sees('"is":2')

      expect(seen(reading)).to.deep.equal(['a1.2 {"of":"x","is":2}'])
      reading.leave()
    })

    it('fails if the key throws', async () => {
      const reading = await read(topics, 'a', conflate)
      await topics.publish('a', null)
      await until(() => reading.outcome !== undefined)

      expect(reading.outcome).to.be.an.instanceOf(TypeError)
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })
  })

  describe('with a snapshot', () => {
    it('gives it first, without ids, then the position, then what was published behind it', async () => {
      await publish(topics, 'a', 1, 2)
      const made = latch<string[]>()
      const gaps: unknown[] = []
      const snapshot = (...args: unknown[]) => {
        gaps.push(args)
        return made.promise
      }
      const reading = await read(topics, 'a', { snapshot })
      await turns(2)
      await topics.publish('a', 3)
      made.open(['state', 'more'])
      await reading.sees('3')

      expect(reading.text).to.equal('data: state\n\ndata: more\n\nid: a1.2\n\nid: a1.3\ndata: 3\n\n')
      expect(gaps).to.deep.equal([[undefined, 'a']])
      reading.leave()
    })

    for (const [what, snapshot, text] of [
      ['a value', () => ({ a: 1 }), 'data: {"a":1}\n\n'],
      ['a text', () => 'ab', 'data: ab\n\n'],
      ['null', () => null, 'data: null\n\n'],
      ['bytes', () => new Uint8Array([1, 2]), 'data: AQI=\n\n'],
      ['a promise of an event', async () => event('state', 1), 'event: state\ndata: 1\n\n'],
      ['an array', () => [1, 2], 'data: 1\n\ndata: 2\n\n'],
      ['a Map', () => new Map([['a', 1]]), 'data: ["a",1]\n\n'],
      ['nothing at all', () => [], ''],
      [
        'an async generator',
        async function* () {
          yield 1
          yield event('b', 2)
        },
        'data: 1\n\nevent: b\ndata: 2\n\n',
      ],
    ] as [string, () => unknown, string][]) {
      it(`takes ${what}`, async () => {
        const reading = await read(topics, 'a', { snapshot: snapshot as () => never })
        await reading.sees('id: ')

        expect(reading.text).to.equal(`${text}id: a1.0\n\n`)
        reading.leave()
      })
    }

    it('asks for the next value of it when the client has room, and tells it that the client left', async () => {
      let [given, ended] = [0, 0]
      async function* snapshot() {
        try {
          for (;;) yield given++
        } finally {
          ended++
        }
      }
      const reading = await Reading.begin(topics.subscribe('a', { snapshot }))
      for (let n = 0; n < 3; n++) await reading.take()
      expect(given).to.equal(3)

      reading.leave()
      await until(() => ended === 1)

      expect(reading.text).to.equal('data: 0\n\ndata: 1\n\ndata: 2\n\n')
    })

    it('ends when it is stopped while that is made', async () => {
      const made = latch<string>()
      const reading = await read(topics, 'a', { snapshot: () => made.promise })
      await turns(2)
      reading.leave()
      await until(() => reading.outcome === 'ended')
      made.open('late')
      await turns(2)

      expect(reading.text).to.equal('')
    })

    for (const [what, snapshot, error] of [
      [
        'throws',
        () => {
          throw new RangeError('no')
        },
        RangeError,
      ],
      ['rejects', () => Promise.reject(new RangeError('no')), RangeError],
      ['has no text', () => [1n], SerializationError],
      ['gives an event with an id', () => [event('a', 1, { id: '1' })], TopicEventError],
    ] as [string, () => never, ErrorConstructor][]) {
      it(`fails if that ${what}`, async () => {
        const reading = await read(topics, 'a', { snapshot })
        await until(() => reading.outcome !== undefined)

        expect(reading.outcome).to.be.an.instanceOf(error)
        expect(topics.get('a').stats()?.subscribers).to.equal(0)
      })
    }

    it('is told of the gap that it bridges', async () => {
      const asked: unknown[] = []
      await publish(topics, 'a', 1, 2)
      const snapshot = (...args: unknown[]) => {
        asked.push(args)
        return 'state'
      }
      const reading = await read(topics, 'a', { snapshot }, 'z9.1')
      await reading.sees('id: a1.2')

      const gap = { requested: 'z9.1', earliest: 'a1.1', latest: 'a1.2', lost: null, reason: 'epoch' }
      expect(asked).to.deep.equal([[gap, 'a']])
      expect(reading.text).to.equal(`event: stream:gap\ndata: ${JSON.stringify(gap)}\n\ndata: state\n\nid: a1.2\n\n`)
      reading.leave()
    })
  })

  describe('of several topics', () => {
    it('gives the events of each in order, and each with the position in all', async () => {
      const reading = await read(topics, ['a', 'b', 'c'], {})
      topics.publish('b', 1)
      topics.publish('a', 2)
      await topics.publish('b', 3)
      await reading.sees('3')

      expect(reading.text).to.equal(
        [
          'id: a1.0,b1.0,c1.0\n\n',
          'id: a1.1,b1.0,c1.0\ndata: 2\n\n',
          'id: a1.1,b1.1,c1.0\ndata: 1\n\nid: a1.1,b1.2,c1.0\ndata: 3\n\n',
        ].join(''),
      )
      reading.leave()
    })

    it('takes from each in turn, though one has more', async () => {
      const wide = 'x'.repeat(20_000)
      for (let n = 0; n < 10; n++) topics.publish('a', wide)
      await topics.publish('b', 'once')
      const reading = await Reading.begin(topics.subscribe(['a', 'b'], { from: 'start' }))
      await reading.take()
      await reading.take()

      expect(await reading.take()).to.contain('data: once')
      reading.leave()
    })

    it('tells every gap before the position behind them', async () => {
      await publish(topics, 'a', 1, 2)
      const reading = await read(topics, ['a', 'b'], {}, 'a9.1,b9.2')
      await reading.sees('data: 2')

      expect(reading.text).to.equal(
        [
          'event: stream:gap\n',
          'data: {"requested":"a9.1","earliest":"a1.1","latest":"a1.2","lost":null,"reason":"epoch","topic":"a"}\n\n',
          'id: a1.0,b1.0\nevent: stream:gap\n',
          'data: {"requested":"b9.2","earliest":null,"latest":null,"lost":null,"reason":"epoch","topic":"b"}\n\n',
          'id: a1.1,b1.0\ndata: 1\n\nid: a1.2,b1.0\ndata: 2\n\n',
        ].join(''),
      )
      reading.leave()
    })

    it('gives every snapshot before the position, and no event in between', async () => {
      const made = latch<string>()
      const snapshot = (_: unknown, topic: string) => (topic === 'b' ? made.promise : topic)
      const reading = await read(topics, ['a', 'b'], { snapshot })
      await turns(2)
      await topics.publish('a', 1)
      await turns(2)
      expect(reading.text).to.equal('data: a\n\n')
      made.open('b')
      await reading.sees('data: 1')

      expect(reading.text).to.equal('data: a\n\ndata: b\n\nid: a1.0,b1.0\n\nid: a1.1,b1.0\ndata: 1\n\n')
      reading.leave()
    })

    it('tells at once what one of them has lost, before it gives more of the others', async () => {
      topics = named({ retention: { count: 2 } })
      const reading = await Reading.begin(topics.subscribe(['a', 'b'], {}))
      await reading.take()
      await publish(topics, 'a', 1, 4)
      await publish(topics, 'b', 1, 1)
      reading.goOn()
      await reading.sees('id: a1.4,b1.1')

      expect(parsed(reading.text).map(({ id, event, data }) => [id, event ?? data])).to.deep.equal([
        ['a1.2,b1.0', 'stream:gap'],
        ['a1.2,b1.1', '1'],
        ['a1.3,b1.1', '3'],
        ['a1.4,b1.1', '4'],
      ])
      reading.leave()
    })

    it('goes on with the others when one of them closes, and ends with the last', async () => {
      const reading = await read(topics, ['a', 'b'], {})
      await turns(2)
      await soon(topics.get('a').close(), 'the topic is closed')
      expect(reading.outcome).to.equal(undefined)

      await topics.publish('b', 1)
      await topics.get('b').close()
      await until(() => reading.outcome === 'ended')

      expect(reading.text).to.equal('id: a1.0,b1.0\n\nid: a1.0,b1.1\ndata: 1\n\n')
    })
  })

  describe('in a loop', () => {
    it('gives events one by one, decoded, with their positions', async () => {
      const loop = topics.subscribe<unknown>('a')[Symbol.asyncIterator]()
      topics.publish('a', event('price', { is: 1 }))
      topics.publish('a', 'text')

      const { value: first } = await loop.next()
      const { value: second } = await loop.next()
      await loop.return?.()

      expect([first.id, first.event, first.data]).to.deep.equal(['a1.1', 'price', { is: 1 }])
      expect([second.id, second.event, second.data]).to.deep.equal(['a1.2', undefined, 'text'])
    })

    it('gives gaps in between, and the events of the snapshot without a position', async () => {
      const options = { lastEventId: 'z9.1', snapshot: () => ['state'] }
      const events: unknown[] = []
      await topics.publish('a', 1)
      const loop = topics.subscribe('a', options)
      setImmediate(() => topics.publish('a', 2))
      for await (const { topic, id, event, data } of loop) {
        events.push([topic, id, event, data])
        if (data === 2) break
      }

      expect(events).to.deep.equal([
        [
          'a',
          undefined,
          'stream:gap',
          { requested: 'z9.1', earliest: 'a1.1', latest: 'a1.1', lost: null, reason: 'epoch' },
        ],
        ['a', undefined, undefined, 'state'],
        ['a', 'a1.2', undefined, 2],
      ])
    })

    it('tells nothing of positions, of which its events tell already', async () => {
      mock.timers.enable({ apis: ['setInterval'] })
      const loop = topics.subscribe('a', { filter: ({ data }) => data === 'seen' })[Symbol.asyncIterator]()
      const next = loop.next()
      await publish(topics, 'a', 1, 200)
      mock.timers.tick(60 * SECOND)
      await topics.publish('a', 'seen')

      expect((await next).value?.id).to.equal('a1.201')
      await loop.return?.()
    })

    it('lets the event loop turn while it reads a long log', async () => {
      const wide = 'x'.repeat(1_000)
      topics = named({ retention: { bytes: 10_000_000 } })
      for (let n = 0; n < 2_000; n++) topics.publish('a', wide)
      await topics.publish('a', 'end')
      let [read, whenOthersRan] = [0, 0]
      setImmediate(() => {
        whenOthersRan = read
      })
      for await (const { data } of topics.subscribe('a', { from: 'start' })) {
        read++
        if (data === 'end') break
      }

      expect(whenOthersRan).to.be.within(1, 1_000)
      expect(read).to.equal(2_001)
    })

    it('holds up the end of a topic for 2 seconds at most, and is told what it has not read', async () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      const parked = topics.subscribe('a')[Symbol.asyncIterator]()
      const done = topics.subscribe('a')[Symbol.asyncIterator]()
      await topics.publish('a', 1)
      await done.next()
      let isClosed = false
      const closed = topics
        .get('a')
        .close()
        .then(() => {
          isClosed = true
        })
      await turns(2)
      mock.timers.tick(1.9 * SECOND)
      await turns(2)
      expect(isClosed).to.equal(false)

      mock.timers.tick(0.2 * SECOND)
      await closed

      expect(await parked.next().catch(error => error)).to.be.an.instanceOf(TopicClosedError)
      expect(await done.next()).to.deep.equal({ done: true, value: undefined })
    })

    for (const [how, options] of [
      ['as it is', {}],
      ['conflated', { onLag: 'conflate', key: () => 0 }],
    ] as const) {
      it(`reads a topic no more that has closed over it, ${how}`, async () => {
        mock.timers.enable({ apis: ['setTimeout'] })
        let held = latch()
        held.open()
        const journal = new LateJournal({ wait: call => (call === 'read' ? held.promise : Promise.resolve()) })
        topics = new Topics({ journal })
        const loop = topics.subscribe('a', options)[Symbol.asyncIterator]()
        await topics.publish('a', 1)
        held = latch()
        const next = loop.next().catch(error => error)
        await turns(2)
        const closed = topics.get('a').close()
        await turns(2)

        mock.timers.tick(2.1 * SECOND)
        await closed
        held.open()

        expect(await next).to.be.an.instanceOf(TopicClosedError)
        expect(journal.calls).to.deep.equal(['open a', 'append a', 'read a 0', 'close a'])
      })
    }
  })
})
