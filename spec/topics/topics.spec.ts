import { mock } from 'node:test'
import { expect } from 'chai'
import {
  BadRequestError,
  event,
  type JournalLog,
  JsonSerializer,
  MemoryJournal,
  type Retention,
  SerializationError,
  TopicClosedError,
  TopicEventError,
  TopicLimitError,
  TopicNameError,
  Topics,
  type TopicsOptions,
} from 'okapi'
import { soon } from '../support/eventually.js'
import { latch } from '../support/latch.js'
import { LateJournal } from '../support/late-journal.js'
import { NamedJournal } from '../support/named-journal.js'
import { Reading } from '../support/reading.js'
import { turns, until } from '../support/until.js'

const all = { filter: () => true }

describe('Topics', () => {
  let topics: Topics

  function make(options: TopicsOptions = {}): NamedJournal {
    const journal = new NamedJournal()
    topics = new Topics({ journal, ...options })
    return journal
  }

  /** The texts of what a topic keeps. */
  async function kept(name: string): Promise<string[]> {
    const reading = await Reading.begin(topics.subscribe(name, { ...all, from: 'start' }))
    await reading.take()
    if (topics.get(name).stats()?.lag !== 0) await reading.take()
    reading.leave()
    return [...reading.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data as string)
  }

  beforeEach(() => {
    make()
  })
  afterEach(async () => {
    mock.reset()
    await soon(topics.close(), 'the topics are closed')
  })

  describe('take names', () => {
    for (const name of ['a', 'prices/OKP', '~', '!', 'x'.repeat(200), '__proto__', 'constructor']) {
      it(`such as ${name.slice(0, 20)}`, async () => {
        await topics.get(name).publish(1)

        expect(await kept(name)).to.deep.equal(['1'])
      })
    }

    for (const name of [
      '',
      ' ',
      'a b',
      'a\n',
      '\n',
      'é',
      'a\0',
      '\x7f',
      'x'.repeat(201),
      '😀',
      undefined,
      null,
      1,
      {},
    ]) {
      it(`and refuse ${JSON.stringify(name)?.slice(0, 20)}`, () => {
        for (const use of [
          () => topics.get(name as string),
          () => topics.publish(name as string, 1),
          () => topics.subscribe([name as string]),
        ]) {
          expect(use).to.throw(TopicNameError)
        }
        expect(topics.stats()).to.deep.equal([])
      })
    }
  })

  describe('take events', () => {
    it('of any kind, and refuse those with an id of their own', async () => {
      await topics.publish('a', event('b', 1))

      expect(() => topics.publish('a', event('b', 1, { id: '1' }))).to.throw(TopicEventError)
      expect(() => topics.publish('a', undefined)).to.throw(SerializationError)
      expect(topics.stats()).to.have.lengthOf(1)
    })

    it('and make no topic for one that they refuse', () => {
      expect(() => topics.publish('a', 1n)).to.throw(SerializationError)

      expect(topics.stats()).to.deep.equal([])
    })

    it('in the serializer that they were given', async () => {
      make({ serializer: new JsonSerializer() })
      await topics.publish('a', 'text')

      expect(await kept('a')).to.deep.equal(['"text"'])
    })

    it('also of a topic that stands in another, if its data is published', async () => {
      setImmediate(() => topics.publish('a', { is: 1 }))
      for await (const taken of topics.subscribe('a')) {
        expect(() => topics.publish('b', taken)).to.throw(TopicEventError)
        await topics.publish('b', taken.data)
        break
      }

      expect(await kept('b')).to.deep.equal(['{"is":1}'])
    })
  })

  describe('give subscriptions', () => {
    it('of up to 30 topics, each once', async () => {
      const names = Array.from({ length: 30 }, (_, n) => `t${n}`)
      const reading = await Reading.of(topics.subscribe([...names, ...names]))
      await reading.sees('t29')

      expect(topics.stats()).to.have.lengthOf(30)
      reading.leave()
    })

    for (const count of [0, 31]) {
      it(`but none of ${count}`, () => {
        const names = Array.from({ length: count }, (_, n) => `t${n}`)

        expect(() => topics.subscribe(names)).to.throw(
          BadRequestError,
          `A subscription is of 1 to 30 topics, not of ${count}`,
        )
      })
    }

    it('but none with options that make no sense', () => {
      expect(() => topics.subscribe('a', { from: -1 })).to.throw(TypeError)
    })
  })

  describe('keep events', () => {
    it('by count', async () => {
      make({ retention: { count: 2 } })
      for (const n of [1, 2]) topics.publish('a', n)
      await topics.publish('a', 3)

      expect(await kept('a')).to.deep.equal(['2', '3'])
    })

    it('by size', async () => {
      make({ retention: { bytes: 20 } })
      for (const n of [1, 2]) topics.publish('a', n)
      await topics.publish('a', 3)

      expect(await kept('a')).to.deep.equal(['2', '3'])
    })

    it('by age, also if nothing is published any more', async () => {
      mock.timers.enable({ apis: ['Date', 'setInterval'] })
      make({ retention: { age: 15_000 } })
      await topics.publish('a', 1)
      mock.timers.tick(10_000)
      await topics.publish('a', 2)
      mock.timers.tick(10_000)

      expect(topics.get('a').stats()).to.include({ earliest: 'a1.2', latest: 'a1.2' })
      mock.timers.tick(10_000)
      expect(topics.get('a').stats()).to.include({ earliest: null, latest: 'a1.2', bytes: 0 })
    })

    it('by age, also if the journal cannot let go of those of another topic, and tell of that', async () => {
      mock.timers.enable({ apis: ['Date', 'setInterval'] })
      const told: string[] = []
      const onError = (error: unknown, topic: string): unknown => told.push(`${topic}: ${(error as Error).message}`)
      const journal = make({ retention: { age: 15_000 }, onError })
      for (const name of ['a', 'b']) await topics.publish(name, 1)
      const log = journal.logs.get('a') as JournalLog
      log.trim = () => {
        throw new Error('disk')
      }

      mock.timers.tick(20_000)

      expect(told).to.deep.equal(['a: disk', 'a: disk'])
      expect(topics.get('b').stats()).to.include({ earliest: null, latest: 'b1.1' })
    })

    it('by age, to the moment at which somebody comes', async () => {
      mock.timers.enable({ apis: ['Date', 'setInterval'] })
      make({ retention: { age: 100 } })
      await topics.publish('a', 1)
      mock.timers.tick(60)
      await topics.publish('a', 2)
      mock.timers.tick(60)

      expect(await kept('a')).to.deep.equal(['2'])
    })

    it('10,000 for 5 minutes, unless told otherwise', async () => {
      mock.timers.enable({ apis: ['Date', 'setInterval'] })
      for (let n = 1; n <= 10_001; n++) topics.publish('a', n)
      await turns(2)
      expect(topics.get('a').stats()?.earliest).to.equal('a1.2')

      mock.timers.tick(299_000)
      expect(topics.get('a').stats()?.earliest).to.equal('a1.2')
      mock.timers.tick(11_000)
      expect(topics.get('a').stats()?.earliest).to.equal(null)
    })

    it('of each topic as it is told by its name', async () => {
      make({ retention: topic => ({ count: topic === 'short' ? 1 : 3 }) })
      for (const name of ['short', 'long']) {
        topics.publish(name, 1)
        await topics.publish(name, 2)
      }

      expect([await kept('short'), await kept('long')]).to.deep.equal([['2'], ['1', '2']])
    })

    it('without a bound, if they are to', async () => {
      make({
        retention: { count: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY },
      })
      await topics.publish('a', 1)

      expect(await kept('a')).to.deep.equal(['1'])
    })

    for (const [options, name] of [
      [{ retention: { count: 0 } }, 'retention.count'],
      [{ retention: { bytes: -1 } }, 'retention.bytes'],
      [{ retention: { age: 0.5 } }, 'retention.age'],
      [{ maxTopics: Number.NaN }, 'maxTopics'],
      [{ maxTopics: '10' }, 'maxTopics'],
    ] as const) {
      it(`but not with ${JSON.stringify(options)}`, () => {
        expect(() => new Topics(options as TopicsOptions)).to.throw(
          RangeError,
          `${name} is a whole number from 1, not `,
        )
      })
    }

    it('but not with a function that makes no sense', () => {
      make({ retention: () => ({ count: 0 }) })

      expect(() => topics.publish('a', 1)).to.throw(RangeError, 'retention.count is a whole number from 1, not 0')
    })
  })

  describe('forget a topic', () => {
    let now = 0

    beforeEach(() => {
      mock.timers.enable({ apis: ['Date', 'setInterval'] })
      mock.method(performance, 'now', () => now)
    })

    /** Lets time pass, for the clock that cannot be mocked, too. */
    function pass(milliseconds: number): void {
      for (let passed = 0; passed < milliseconds; passed += 10_000) {
        now += 10_000
        mock.timers.tick(10_000)
      }
    }

    it('that nobody uses, and that keeps nothing', async () => {
      make({ retention: { age: 1_000 } })
      await topics.publish('a', 1)
      pass(60_000)
      expect(topics.stats()).to.have.lengthOf(1)

      pass(20_000)

      expect(topics.stats()).to.deep.equal([])
      expect(await topics.publish('a', 2)).to.equal('a2.1')
    })

    it('but none that somebody follows, or that keeps something', async () => {
      const reading = await Reading.of(topics.subscribe('followed', all))
      await topics.publish('kept', 1)
      pass(200_000)

      expect(topics.stats().map(({ name }) => name)).to.deep.equal(['followed', 'kept'])
      reading.leave()
    })

    it('but none that somebody uses again and again', async () => {
      for (let n = 0; n < 10; n++) {
        const reading = await Reading.of(topics.subscribe('a', all))
        reading.leave()
        pass(40_000)
        expect(topics.stats()).to.have.lengthOf(1)
      }
    })

    it('not so soon that a client which comes back would be told of a gap', async () => {
      make({ retention: { age: 1_000 } })
      await topics.publish('a', 1)
      pass(30_000)
      const reading = await Reading.of(topics.subscribe('a', all), 'a1.1')
      await topics.publish('a', 2)
      await reading.sees('2')

      expect(reading.text).to.equal('id: a1.2\ndata: 2\n\n')
      reading.leave()
    })

    it('and open it anew only when the journal has closed it', async () => {
      const journal = new LateJournal({ wait: call => (call === 'close' ? held.promise : Promise.resolve()) })
      const held = latch()
      make({ journal })
      const reading = await Reading.of(topics.subscribe('a', all))
      reading.leave()
      pass(80_000)
      expect(topics.stats()).to.deep.equal([])

      const published = topics.publish('a', 1)
      await turns(2)
      expect(journal.calls).to.deep.equal(['open a', 'close a'])
      held.open()
      expect(await published).to.match(/\.1$/)

      expect(journal.calls).to.deep.equal(['open a', 'close a', 'open a', 'append a'])
    })

    it('and take what is published to the one that is opened anew, and close both', async () => {
      const held = latch()
      const journal = new LateJournal({ wait: call => (call === 'close' ? held.promise : Promise.resolve()) })
      make({ journal })
      const reading = await Reading.of(topics.subscribe('a', all))
      reading.leave()
      pass(80_000)
      const seen: unknown[] = []
      const loop = (async () => {
        for await (const { data } of topics.subscribe('a')) seen.push(data)
      })()

      topics.publish('a', 1)
      const closed = Promise.all([topics.get('a').close(), topics.close()])
      held.open()
      await soon(closed, 'both are closed')
      await soon(loop, 'the loop has ended')

      expect(seen).to.deep.equal([1])
      expect(journal.calls).to.deep.equal(['open a', 'close a', 'open a', 'append a', 'read a 0', 'close a'])
    })

    it('though the journal cannot close it', async () => {
      const journal = new LateJournal({
        wait: call => (call === 'close' ? Promise.reject(new Error('disk')) : Promise.resolve()),
      })
      const told: string[] = []
      make({ journal, onError: (error, topic) => told.push(`${topic}: ${(error as Error).message}`) })
      const reading = await Reading.of(topics.subscribe('a', all))
      reading.leave()
      pass(80_000)

      expect(await topics.publish('a', 1)).to.match(/\.1$/)
      expect(told).to.deep.equal(['a: disk'])
      topics = new Topics()
    })

    it('and look for others no more when there is none, until there is one', async () => {
      const begun = mock.method(globalThis, 'setInterval')
      const reading = await Reading.of(topics.subscribe('a', all))
      reading.leave()
      expect(begun.mock.callCount()).to.equal(1)
      pass(80_000)
      expect(topics.stats()).to.deep.equal([])

      await topics.publish('a', 1)

      expect(begun.mock.callCount()).to.equal(2)
    })
  })

  describe('are limited', () => {
    it('in number, and refuse one more', async () => {
      make({ maxTopics: 2 })
      for (const name of ['a', 'b']) await topics.publish(name, 1)

      expect(() => topics.publish('c', 1)).to.throw(TopicLimitError)
      expect(await topics.publish('a', 2)).to.equal('a1.2')
    })

    it('but make room for it at once, if one is not used', async () => {
      make({ maxTopics: 2 })
      await topics.publish('a', 1)
      const reading = await Reading.of(topics.subscribe('b', all))
      reading.leave()

      expect(await topics.publish('c', 1)).to.equal('c1.1')
      expect(topics.stats().map(({ name }) => name)).to.deep.equal(['a', 'c'])
    })

    it('and look for room once a second, not for each who asks', async () => {
      let now = 0
      const clock = mock.method(performance, 'now', () => now)
      const journal = make({ maxTopics: 1 })
      await topics.publish('a', 1)
      let looks = 0
      const log = journal.logs.get('a')
      if (log) log.trim = () => looks++
      const ask = (): void => {
        for (let n = 0; n < 100; n++) expect(() => topics.publish('b', 1)).to.throw(TopicLimitError)
      }

      ask()
      now = 1_000
      ask()
      clock.mock.restore()

      expect(looks).to.equal(2)
    })
  })

  it('tell of each that is in use', async () => {
    const reading = await Reading.of(topics.subscribe(['a', 'b']))
    await topics.publish('a', 1)
    await reading.sees('data: 1')

    expect(topics.stats()).to.deep.equal([
      { name: 'a', subscribers: 1, earliest: 'a1.1', latest: 'a1.1', bytes: 9, lag: 0 },
      { name: 'b', subscribers: 1, earliest: null, latest: null, bytes: 0, lag: 0 },
    ])
    reading.leave()
  })

  describe('refuse a journal', () => {
    for (const epoch of ['', 'a.b', 'a,b', 'x\n\ndata: forged', 'a'.repeat(17), undefined]) {
      it(`whose epoch is ${JSON.stringify(epoch)}`, () => {
        topics = new Topics({ journal: { open: () => ({ epoch }) as JournalLog } })

        expect(() => topics.publish('a', 1)).to.throw(
          `The journal gave the topic a the epoch ${JSON.stringify(epoch)}: it is 1 to 16 letters and digits of its own`,
        )
        expect(topics.stats()).to.deep.equal([])
      })
    }

    it('that gives two topics the same epoch', async () => {
      const memory = new MemoryJournal()
      const open = async (name: string, retention: Retention) =>
        Object.defineProperty(memory.open(name, retention), 'epoch', { value: 'same' })
      topics = new Topics({ journal: { open } })
      await topics.publish('a', 1)

      expect(await topics.publish('b', 1).catch(String)).to.contain('the topic b the epoch "same"')
      expect(topics.stats().map(({ name }) => name)).to.deep.equal(['a'])
    })
  })

  it('know a topic again that goes on in the same epoch', async () => {
    const memory = new MemoryJournal()
    const log = memory.open('a', { count: 10, bytes: 100, age: 1_000 })
    const kept = Object.assign(log, { close: () => {} })
    topics = new Topics({ journal: { open: () => kept } })
    await topics.publish('a', 1)
    await topics.get('a').close()

    expect(await topics.publish('a', 2)).to.equal(`${log.epoch}.2`)
  })

  it('forget a topic that the journal cannot open, and try again', async () => {
    const journal = new LateJournal({
      wait: call => (call === 'open' && fails ? Promise.reject(new Error('disk')) : undefined),
    })
    let fails = true
    make({ journal })

    expect(await topics.publish('a', 1).catch(String)).to.equal('Error: disk')
    expect(topics.stats()).to.deep.equal([])
    fails = false
    expect(await topics.publish('a', 1)).to.match(/\.1$/)
  })

  describe('close', () => {
    it('all subscriptions, then the journal, and take nothing more', async () => {
      const closed: string[] = []
      const memory = new NamedJournal()
      topics = new Topics({
        journal: {
          open: (name, retention) => {
            const log = memory.open(name, retention)
            return Object.assign(log, { close: () => closed.push(name) })
          },
          close: () => void closed.push('journal'),
        },
      })
      const readings = [await Reading.of(topics.subscribe('a', all)), await Reading.of(topics.subscribe(['a', 'b']))]
      await topics.publish('a', 1)

      await Promise.all([topics.close(), topics.close()])

      expect(readings.map(({ outcome }) => outcome)).to.deep.equal(['ended', 'ended'])
      expect(closed.slice(0, 2).sort()).to.deep.equal(['a', 'b'])
      expect(closed.slice(2)).to.deep.equal(['journal'])
      for (const use of [
        () => topics.publish('a', 1),
        () => topics.publish('c', 1),
        () => topics.subscribe('a')[Symbol.asyncIterator](),
      ]) {
        expect(use).to.throw(TopicClosedError)
      }
    })

    it('a topic, which takes nothing until it has closed', async () => {
      const held = latch()
      make({ journal: new LateJournal({ wait: call => (call === 'close' ? held.promise : Promise.resolve()) }) })
      await topics.publish('a', 1)
      const closed = topics.get('a').close()

      expect(() => topics.publish('a', 2)).to.throw(TopicClosedError)
      expect(() => topics.subscribe('a')[Symbol.asyncIterator]()).to.throw(TopicClosedError)
      held.open()
      await closed

      expect(await topics.publish('a', 2)).to.match(/\.1$/)
    })

    it('also while a journal opens, and keep what was published', async () => {
      const held = latch()
      const journal = new LateJournal({ wait: call => (call === 'open' ? held.promise : Promise.resolve()) })
      make({ journal })
      const published = topics.publish('a', 1)
      const closed = topics.close()
      held.open()

      expect(await published).to.match(/\.1$/)
      await closed
      expect(journal.calls).to.include('close a')
    })

    it('and say so if the journal cannot', async () => {
      const failure = new Error('disk')
      let isClosed = false
      const memory = new NamedJournal()
      const journal = {
        open: (name: string) =>
          Object.assign(memory.open(name, { count: 1, bytes: 1, age: 1 }), { close: () => Promise.reject(failure) }),
        close: () => {
          isClosed = true
        },
      }
      const failing = new Topics({ journal })
      await failing.publish('a', 1)

      expect(await failing.close().catch((error: unknown) => error)).to.equal(failure)
      expect(isClosed).to.equal(true)
    })
  })

  it('tell of an event that the journal could not keep, if nobody waits for it', async () => {
    const told = mock.method(console, 'error', () => {})
    const journal = new LateJournal({
      wait: call => (call === 'append' ? Promise.reject(new Error('disk')) : undefined),
    })
    make({ journal })
    topics.publish('a', 1)
    await until(() => told.mock.callCount() === 1)

    expect(told.mock.calls[0]?.arguments[0]).to.equal('The journal of the topic a failed:')
    expect(told.mock.calls[0]?.arguments[1]).to.have.property('message', 'disk')
    told.mock.restore()
  })

  it('keep no process alive', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    let unreferenced = 0
    const timer = mock.method(globalThis, 'setInterval', () => ({ unref: () => unreferenced++ }))
    await topics.publish('a', 1)
    timer.mock.restore()

    expect(unreferenced).to.equal(1)
  })
})
