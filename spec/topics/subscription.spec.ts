import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import {
  GapError,
  MemoryJournal,
  type SubscribeOptions,
  Subscription,
  TopicClosedError,
  TopicLimitError,
  Topics,
} from 'okapi'
import { FEED, type FeedSource } from '../../src/sse/feed.js'
import { soon } from '../support/eventually.js'
import { HandOutlet } from '../support/hand-outlet.js'
import { type Latch, latch } from '../support/latch.js'
import { LateJournal } from '../support/late-journal.js'
import { NamedJournal } from '../support/named-journal.js'
import { parsed } from '../support/parsed.js'
import { Reading } from '../support/reading.js'
import { turns, until } from '../support/until.js'

const all = { filter: () => true }

/** The gaps that a reading was told of: their reason and their topic. */
function gapsOf({ text }: Reading): string[] {
  const gaps = parsed(text).filter(({ event }) => event === 'stream:gap')
  return gaps.map(({ data }) => JSON.parse(data)).map(({ reason, topic }) => (topic ? `${reason} ${topic}` : reason))
}

describe('Subscription', () => {
  let topics: Topics

  beforeEach(() => {
    topics = new Topics({ journal: new NamedJournal(), retention: { count: 4 } })
  })
  afterEach(() => soon(topics.close(), 'the topics are closed'))

  it('opens nothing until it is read', () => {
    const subscription = topics.subscribe('a')

    expect(subscription).to.be.an.instanceOf(Subscription)
    expect(topics.stats()).to.deep.equal([])
  })

  it('is read anew each time', async () => {
    const subscription = topics.subscribe('a', { from: 'start' })
    await topics.publish('a', 1)
    const loops = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()]

    for (const loop of loops) expect((await loop.next()).value?.data).to.equal(1)

    for (const loop of loops) await loop.return?.()
    expect(topics.get('a').stats()?.subscribers).to.equal(0)
  })

  it('may be written in shared chunks only where all clients see the same', () => {
    const sources = [
      topics.subscribe('a'),
      topics.subscribe('a', { onLag: 'block', from: 'start', onGap: 'refuse' }),
      topics.subscribe(['a', 'b']),
      topics.subscribe('a', all),
      topics.subscribe('a', { snapshot: () => [] }),
      topics.subscribe('a', { onLag: 'conflate', key: () => 0 }),
    ].map(subscription => subscription[FEED](undefined))

    expect(sources.map(({ relays }) => relays)).to.deep.equal([true, true, false, false, false, false])
    for (const source of sources) source.return?.()
  })

  describe('begins for a client', () => {
    beforeEach(async () => {
      for (let n = 1; n < 6; n++) topics.publish('a', n)
      await topics.publish('a', 6)
    })

    for (const [what, id, text] of [
      ['that is new', undefined, 'id: a1.6\n\n'],
      ['that has forgotten where it was', '', 'id: a1.6\n\n'],
      ['behind its last event', 'a1.5', 'id: a1.6\ndata: 6\n\n'],
      ['behind its last event, also if that was the first of what is kept', 'a1.2', 'id: a1.3\ndata: 3\n\nid: a1.4\n'],
    ] as const) {
      it(what, async () => {
        const reading = await Reading.of(topics.subscribe('a', all), id)
        await reading.sees(text)

        expect(reading.text.startsWith(text)).to.equal(true)
        reading.leave()
      })
    }

    for (const [id, reason] of [
      ['a1.1', 'expired'],
      ['a1.7', 'unknown'],
      ['a2.3', 'epoch'],
      ['a2.3,b2.1', 'epoch'],
      ['7', 'malformed'],
      ['a1.3 ', 'malformed'],
      ['3e9c6d2e-6d0b-4e6e-8f6c-0b8d9a6f2c11', 'malformed'],
    ] as const) {
      it(`with a gap if its last event ID is ${id}`, async () => {
        const reading = await Reading.of(topics.subscribe('a', all), id)
        await reading.sees('data: 6')

        expect(gapsOf(reading)).to.deep.equal([reason])
        expect(parsed(reading.text).map(({ id }) => id)).to.deep.equal(['a1.2', 'a1.3', 'a1.4', 'a1.5', 'a1.6'])
        reading.leave()
      })
    }

    it('where code says, unless the client says it', async () => {
      const subscription = topics.subscribe('a', { ...all, lastEventId: 'a1.4' })
      const [one, two] = [await Reading.of(subscription), await Reading.of(subscription, 'a1.5')]
      await one.sees('data: 6')
      await two.sees('data: 6')

      expect(parsed(one.text).map(({ data }) => data)).to.deep.equal(['5', '6'])
      expect(parsed(two.text).map(({ data }) => data)).to.deep.equal(['6'])
      one.leave()
      two.leave()
    })

    it('or refuses it, with onGap "refuse", and then nobody follows the topic', () => {
      const subscription = topics.subscribe('a', { onGap: 'refuse' })

      for (const id of ['a1.1', 'x', 'a2.1']) expect(() => subscription[FEED](id)).to.throw(GapError)
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
      subscription[FEED]('a1.6').return?.()
    })
  })

  describe('of several topics', () => {
    beforeEach(async () => {
      for (const name of ['a', 'b', 'c']) {
        topics.publish(name, 1)
        await topics.publish(name, 2)
      }
    })

    for (const [what, names, id, seen] of [
      ['goes on in each', 'ab', 'a1.1,b1.2', ['a1.2,b1.2']],
      ['goes on in each, in another order', 'ba', 'a1.1,b1.2', ['b1.2,a1.2']],
      ['goes on in the one that is left', 'b', 'a1.1,b1.1', ['b1.2']],
      ['begins with one that came in addition', 'ab', 'a1.1', ['a1.2,b1.2']],
      ['begins with one that came in place of another', 'bc', 'a1.1,b1.1', ['b1.2,c1.2']],
      [
        'tells a gap for one that is not the same any more',
        'ab',
        'a9.1,b1.2',
        ['epoch a', 'a1.0,b1.2', 'a1.1,b1.2', 'a1.2,b1.2'],
      ],
      [
        'tells a gap for one if nothing else is known',
        'ab',
        'z9.1',
        ['epoch a', 'a1.0,b1.2', 'a1.1,b1.2', 'a1.2,b1.2'],
      ],
      ['tells a gap where it cannot be where another topic is', 'a', 'b1.1', ['epoch', 'a1.0', 'a1.1', 'a1.2']],
    ] as const) {
      it(`${what}: ${id} in ${[...names]}`, async () => {
        const reading = await Reading.of(topics.subscribe([...names], all), id)
        const ids = seen.filter(text => text.includes('1.'))
        await reading.sees(`id: ${ids[ids.length - 1]}\n`)

        expect([...gapsOf(reading), ...parsed(reading.text).map(({ id }) => id)]).to.deep.equal(seen)
        reading.leave()
      })
    }

    it('tells of each that the id was none', async () => {
      const reading = await Reading.of(topics.subscribe(['a', 'b']), 'none')
      await reading.sees('id: a1.2,b1.2')

      expect(gapsOf(reading)).to.deep.equal(['malformed a', 'malformed b'])
      reading.leave()
    })
  })

  it('follows a topic from the moment it begins, before anything is asked for', async () => {
    const loop = topics.subscribe('a')[Symbol.asyncIterator]()
    await topics.publish('a', 1)

    expect((await loop.next()).value?.data).to.equal(1)
    await loop.return?.()
  })

  it('may be left before anything was asked for', async () => {
    const loop = topics.subscribe('a')[Symbol.asyncIterator]()
    expect(topics.get('a').stats()?.subscribers).to.equal(1)

    await loop.return?.()

    expect(topics.get('a').stats()?.subscribers).to.equal(0)
    expect(await loop.next()).to.deep.equal({ done: true, value: undefined })
  })

  it('follows nothing any more when its loop is left', async () => {
    setImmediate(() => topics.publish('a', 1))
    for await (const { data } of topics.subscribe('a')) if (data === 1) break

    expect(topics.get('a').stats()?.subscribers).to.equal(0)
  })

  it('gives each of several calls an event of its own', async () => {
    const loop = topics.subscribe('a')[Symbol.asyncIterator]()
    const calls = [loop.next(), loop.next(), loop.next()]
    for (const n of [1, 2]) await topics.publish('a', n)
    await topics.publish('a', 3)

    expect((await Promise.all(calls)).map(({ value }) => value?.data)).to.deep.equal([1, 2, 3])
    await loop.return?.()
  })

  it('ends its loop by a signal, also while that waits', async () => {
    const controller = new AbortController()
    const subscription = topics.subscribe('a', { signal: controller.signal })
    setImmediate(() => controller.abort())

    for await (const event of subscription) expect.fail(`${event.wire}`)

    expect(topics.get('a').stats()?.subscribers).to.equal(0)
  })

  describe('ends a stream by a signal', () => {
    let controller: AbortController
    let outlet: HandOutlet

    beforeEach(() => {
      controller = new AbortController()
      outlet = new HandOutlet()
    })
    afterEach(() => {
      expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([])
    })

    const begin = (options: SubscribeOptions = {}): FeedSource =>
      topics.subscribe('a', { ...options, signal: controller.signal })[FEED](undefined)

    it('that it writes to by itself', async () => {
      const source = begin()
      source.attach(outlet, true)
      await topics.publish('a', 1)
      controller.abort()
      await topics.publish('a', 2)
      await turns(2)

      expect(outlet.chunks).to.deep.equal(['id: a1.0\n\n', 'id: a1.1\ndata: 1\n\n'])
      expect(outlet.outcome).to.equal('finished')
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })

    it('that asks it for each event, and waits', async () => {
      const source = begin(all)
      source.attach(outlet, false)
      await source.next()
      const next = source.next()
      controller.abort()
      await turns(1)

      expect(await soon(Promise.resolve(next), 'the reading has ended')).to.include({ done: true })
      expect(outlet.outcome).to.equal('finished')
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })

    it('that reads a snapshot, whatever that fails with then', async () => {
      const held = latch()
      const snapshot = async function* (): AsyncGenerator<number> {
        try {
          yield 1
          await held.promise
        } finally {
          held.fail(new Error('disk'))
        }
      }
      const source = begin({ snapshot })
      source.attach(outlet, false)
      await source.next()
      controller.abort()
      await turns(2)

      expect(outlet.outcome).to.equal('finished')
    })

    it('before it is attached, when it is', async () => {
      for (const relaying of [true, false]) {
        controller = new AbortController()
        outlet = new HandOutlet()
        const source = begin()
        controller.abort()
        await turns(1)
        source.attach(outlet, relaying)

        if (relaying) expect(outlet.outcome).to.equal('finished')
        else expect(await source.next()).to.include({ done: true })
        expect(topics.get('a').stats()?.subscribers).to.equal(0)
      }
    })

    it('that waits for a journal to open', async () => {
      const held = latch()
      topics = new Topics({ journal: new LateJournal({ wait: () => held.promise }) })
      const source = begin()
      source.attach(outlet, false)
      const next = source.next()
      controller.abort()
      await turns(1)

      expect(outlet.outcome).to.equal('finished')
      held.open()
      expect(await next).to.include({ done: true })
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })

    it('that was aborted before it begins', async () => {
      controller.abort()
      const source = begin()

      expect(topics.get('a').stats()?.subscribers).to.equal(0)
      expect(await source.next()).to.include({ done: true })
    })

    it('and forgets the signal when it is refused', () => {
      expect(() => topics.subscribe('a', { onGap: 'refuse', signal: controller.signal })[FEED]('x')).to.throw(GapError)
    })

    it('and forgets the signal when it is told to return', () => {
      const source = begin()
      expect(getEventListeners(controller.signal, 'abort')).to.have.lengthOf(1)
      source.return?.()
    })
  })

  it('fails where its topic cannot be opened', () => {
    const topics = new Topics({ maxTopics: 1 })
    topics.publish('a', 1)

    expect(() => topics.subscribe('b')[FEED](undefined)).to.throw(TopicLimitError)
    expect(() => topics.subscribe('b')[Symbol.asyncIterator]()).to.throw(TopicLimitError)
  })

  describe('of a journal that opens later', () => {
    it('begins when that is open', async () => {
      const held = latch()
      topics = new Topics({ journal: new LateJournal({ wait: () => held.promise }) })
      const source = topics.subscribe('a', all)[FEED](undefined)
      const loop = topics.subscribe('a')[Symbol.asyncIterator]()
      const [next, event] = [source.next(), loop.next()]
      await turns(2)
      held.open()
      await source.opening
      await topics.publish('a', 1)

      expect(((await next).value as { wire: string }).wire).to.match(/^id: \w+\.0\n\n$/)
      expect((await event).value?.data).to.equal(1)
      source.return?.()
      await loop.return?.()
    })

    it('is refused when that is open', async () => {
      topics = new Topics({ journal: new LateJournal() })
      const source = topics.subscribe('a', { onGap: 'refuse' })[FEED]('x')

      expect(await source.opening?.catch(error => error)).to.be.an.instanceOf(GapError)
      source.return?.()
    })

    it('fails if that cannot be opened', async () => {
      const failure = new Error('disk')
      topics = new Topics({ journal: { open: () => Promise.reject(failure) } })
      const subscription = topics.subscribe('a')
      const loop = subscription[Symbol.asyncIterator]()

      expect(await loop.next().catch(error => error)).to.equal(failure)
      expect(await subscription[FEED](undefined).opening?.catch(error => error)).to.equal(failure)
    })

    it('fails if its topic closes before that is open', async () => {
      const held = latch()
      topics = new Topics({ journal: new LateJournal({ wait: () => held.promise }) })
      const source = topics.subscribe(['a', 'b'], all)[FEED](undefined)
      topics.publish('a', 1)
      const closed = topics.get('a').close()
      held.open()

      expect(await source.opening?.catch(error => error)).to.be.an.instanceOf(TopicClosedError)
      source.return?.()
      await closed
    })

    it('sees what is published before that is open', async () => {
      const memory = new MemoryJournal()
      topics = new Topics({ journal: { open: async (name, retention) => memory.open(name, retention) } })
      const loop = topics.subscribe('a')[Symbol.asyncIterator]()
      topics.publish('a', 1)

      expect((await loop.next()).value?.data).to.equal(1)
      await loop.return?.()
    })

    describe('and is attached to a stream before that', () => {
      let held: Latch<void>
      let outlet: HandOutlet

      function begin(options: SubscribeOptions = {}): FeedSource {
        held = latch()
        topics = new Topics({ journal: new LateJournal({ wait: () => held.promise }), retention: { count: 4 } })
        const source = topics.subscribe('a', options)[FEED](undefined)
        outlet = new HandOutlet()
        source.attach(outlet, false)
        return source
      }

      it('begins when that is open', async () => {
        const source = begin()
        const next = source.next()
        held.open()
        await source.opening
        await topics.publish('a', 1)

        expect(((await next).value as { wire: string }).wire).to.match(/^id: \w+\.0\n\n$/)
        expect(((await source.next()).value as { wire: string }).wire).to.match(/\.1\ndata: 1\n\n$/)
        source.return?.()
      })

      it('ends that stream when its client lags', async () => {
        const source = begin({ onLag: 'disconnect' })
        held.open()
        await source.opening
        await source.next()
        for (let n = 1; n < 6; n++) topics.publish('a', n)
        await topics.publish('a', 6)
        await source.next()

        expect(outlet.outcome).to.include({ reason: 'lag' })
      })

      it('ends that stream at once when the server closes before that is open', async () => {
        const source = begin()
        source.end()

        expect(outlet.outcome).to.equal('finished')
        source.return?.()
        held.open()
      })
    })

    it('may be left before that is open', async () => {
      const held = latch()
      topics = new Topics({ journal: new LateJournal({ wait: () => held.promise }) })
      const source = topics.subscribe('a', all)[FEED](undefined)
      source.return?.()
      held.open()
      await source.opening

      expect(await source.next()).to.deep.equal({ done: true, value: undefined })
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })
  })

  describe('on a stream that it writes to by itself', () => {
    it('writes as the client takes it, until it is told to return', async () => {
      const source = topics.subscribe('a')[FEED](undefined)
      const outlet = new HandOutlet()
      outlet.quick = false
      source.attach(outlet, true)
      await topics.publish('a', 1)
      expect(outlet.chunks).to.deep.equal(['id: a1.0\n\n'])

      outlet.blocked = false
      source.room()
      expect(outlet.chunks).to.deep.equal(['id: a1.0\n\n', 'id: a1.1\ndata: 1\n\n'])
      expect(topics.get('a').stats()?.subscribers).to.equal(1)
      source.return?.()

      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })

    it('follows nothing if that ends while it is attached', async () => {
      const source = topics.subscribe('a', { onLag: 'disconnect' })[FEED](undefined)
      for (let n = 1; n < 6; n++) topics.publish('a', n)
      await topics.publish('a', 6)
      const outlet = new HandOutlet()
      const close = outlet.close.bind(outlet)
      outlet.close = (retry, reason) => {
        close(retry, reason)
        source.return?.()
      }
      source.attach(outlet, true)

      expect(outlet.outcome).to.include({ reason: 'lag' })
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })
  })

  it('ends also if its topic closes before it is attached to a stream', async () => {
    const source = topics.subscribe('a', all)[FEED](undefined)
    const closed = topics.get('a').close()
    await turns(2)
    const results: unknown[] = []
    for (let result = await source.next(); !result.done; result = await source.next()) results.push(result.value)

    await soon(closed, 'the topic is closed')
    await until(() => topics.stats().length === 0)
  })
})
