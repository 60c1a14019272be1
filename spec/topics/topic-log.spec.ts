import { expect } from 'chai'
import { type JournalLog, type Retention, TopicBusyError, TopicClosedError } from 'okapi'
import { type Follower, TopicLog } from '../../src/topics/topic-log.js'
import { HandLog, ROOMY } from '../support/hand-log.js'
import { latch } from '../support/latch.js'
import { startClock, stopClock } from '../support/stopped-clock.js'
import { turns, until } from '../support/until.js'

/** A follower that takes everything it is told of, and ends when it has everything. */
class Taker implements Follower {
  readonly log: TopicLog
  position: number
  live = true
  taken: number | undefined
  /** The sequence up to which it was told, each time. */
  readonly told: number[] = []
  lags = 0
  ended = false

  constructor(log: TopicLog, position = log.latest, blocks = false) {
    this.log = log
    this.position = position
    if (blocks) this.taken = position
    log.join(this)
  }

  advance(): void {
    this.position = this.log.latest
    this.told.push(this.position)
  }

  /** Its client takes what it was told of. */
  take(): void {
    this.taken = this.position
    this.log.settle()
  }

  end(): void {
    this.ended = true
    this.log.leave(this)
  }

  lagged(): void {
    this.lags++
  }
}

function topic(journal: JournalLog | Promise<JournalLog> = new HandLog(), retention: Retention = ROOMY) {
  const errors: unknown[] = []
  const log = new TopicLog('t', retention, journal, error => errors.push(error))
  return { log, errors }
}

describe('TopicLog', () => {
  afterEach(startClock)

  describe('Publishing', () => {
    it('gives each event its position', async () => {
      const { log } = topic()

      const published = await Promise.all(['data: 1\n\n', 'data: 2\n\n'].map(text => log.publish(text)))

      expect(published).to.deep.equal(['e.1', 'e.2'])
      expect(await log.publish('data: 3\n\n')).to.equal('e.3')
    })

    it('brings what is published at one time to the journal together, whoever awaits it', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)
      await Promise.resolve()

      for (let n = 0; n < 3; n++) log.publish(`data: ${n}\n\n`)
      await Promise.resolve()
      log.publish('data: 3\n\n')
      await turns(1)
      log.publish('data: 4\n\n')
      await turns(1)

      expect(journal.appends).to.deep.equal([4, 1])
      expect(log).to.include({ earliest: 1, latest: 5 })
    })

    it('does not gather more than a mebicharacter', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)

      for (let n = 0; n < 3; n++) log.publish('x'.repeat(600_000))
      expect(journal.appends).to.deep.equal([2])

      await turns(1)
      expect(journal.appends).to.deep.equal([2, 1])
    })

    it('waits for a journal that has yet to open', async () => {
      const opening = latch<JournalLog>()
      const { log } = topic(opening.promise)
      const published = [log.publish('data: 1\n\n'), log.publish('data: 2\n\n')]
      await turns(1)
      expect(log.ready).to.be.a('promise')

      opening.open(new HandLog())

      expect(await Promise.all(published)).to.deep.equal(['e.1', 'e.2'])
      expect(log.ready).to.equal(undefined)
    })

    it('lets the event loop turn for those who await one event after the other', async () => {
      const { log } = topic()
      let [published, turned] = [0, 0]
      const publishing = (async () => {
        for (; turned < 3; published++) await log.publish('x'.repeat(1_000))
      })()

      while (turned < 3) {
        await turns(1)
        turned++
      }

      await publishing
      expect(published).to.be.above(100)
    })

    it('gives nothing to a journal that has opened before those who waited for it have joined', async () => {
      const opening = latch<JournalLog>()
      const { log } = topic(opening.promise)
      const joined = log.ready?.then(() => new Taker(log))
      const published = log.publish('data: 1\n\n')
      opening.open(new HandLog())

      await published

      expect((await joined)?.told).to.deep.equal([1])
    })

    it('goes on in order while the journal is at work', async () => {
      const journal = new HandLog()
      const first = latch()
      journal.beforeAppend = () => first.promise
      const { log } = topic(journal)
      const one = log.publish('data: 1\n\n')
      await turns(1)
      const two = log.publish('data: 2\n\n')
      await turns(1)
      expect(journal.appends).to.deep.equal([1, 1])

      first.open()

      expect([await one, await two]).to.deep.equal(['e.1', 'e.2'])
    })
  })

  describe('A journal that fails', () => {
    const full = new Error('disk full')

    for (const [how, beforeAppend] of [
      ['later', () => Promise.reject(full)],
      [
        'at once',
        () => {
          throw full
        },
      ],
    ] as const) {
      it(`to append, ${how}, is told to those who await their events`, async () => {
        const journal = new HandLog()
        journal.beforeAppend = beforeAppend
        const { log, errors } = topic(journal)

        const outcomes = await Promise.allSettled([log.publish('data: 1\n\n'), log.publish('data: 2\n\n')])

        expect(outcomes.map(outcome => 'reason' in outcome && outcome.reason)).to.deep.equal([full, full])
        expect(errors).to.deep.equal([])
      })

      it(`to append, ${how}, is told to the house, once, where somebody does not await`, async () => {
        const journal = new HandLog()
        journal.beforeAppend = beforeAppend
        const { log, errors } = topic(journal)

        log.publish('data: 1\n\n')
        const awaited = log.publish('data: 2\n\n').catch(error => error)
        await turns(2)

        expect(errors).to.deep.equal([full])
        expect(await awaited).to.equal(full)
      })
    }

    it('once, takes the next events', async () => {
      const journal = new HandLog()
      journal.beforeAppend = () => Promise.reject(full)
      const { log } = topic(journal)
      await log.publish('data: 1\n\n').catch(() => {})
      journal.beforeAppend = undefined

      expect(await log.publish('data: 2\n\n')).to.equal('e.1')
    })

    it('to open, is told to those who wait for it, and to the house where nobody does', async () => {
      const { log, errors } = topic(Promise.reject(full))
      log.publish('data: 1\n\n')

      const reason = await (log.ready as Promise<void>).catch(error => error)
      await turns(2)

      expect(reason).to.equal(full)
      expect(errors).to.deep.equal([full])
      await log.close()
    })

    it('to open, disturbs no one where nothing was published', async () => {
      const { log, errors } = topic(Promise.reject(full))

      await turns(2)

      expect(errors).to.deep.equal([])
      await log.close()
    })

    it('to be listened to, did not open', () => {
      const journal = new HandLog()
      journal.tail = () => {
        throw full
      }

      expect(() => topic(journal)).to.throw(full)
    })
  })

  it('refuses events, with 503, while the journal has far too much to write', async () => {
    const journal = new HandLog()
    const working = latch()
    journal.beforeAppend = () => working.promise
    const { log } = topic(journal, { ...ROOMY, bytes: 1 })
    const text = 'x'.repeat(1 << 20)
    for (let n = 0; n < 9; n++) log.publish(text)

    expect(() => log.publish(text))
      .to.throw(TopicBusyError)
      .with.property('statusCode', 503)

    working.open()
    await turns(2)
    log.publish(text)
    await turns(2)
    expect(log.latest).to.equal(10)
  })

  describe('Its followers', () => {
    it('are told once for all that is published at one time', async () => {
      const { log } = topic()
      const takers = [new Taker(log), new Taker(log)]

      for (let n = 0; n < 10; n++) log.publish(`data: ${n}\n\n`)
      await turns(1)

      expect(takers.map(({ told }) => told)).to.deep.equal([[10], [10]])
    })

    it('are told before whoever awaits the event', async () => {
      const { log } = topic()
      const taker = new Taker(log)

      await log.publish('data: 1\n\n')

      expect(taker.told).to.deep.equal([1])
    })

    it('are left alone while they are not live, or have everything', async () => {
      const { log } = topic()
      const [behind, ahead] = [new Taker(log), new Taker(log, 100)]
      behind.live = false

      await log.publish('data: 1\n\n')
      await turns(1)

      expect([behind.told, ahead.told]).to.deep.equal([[], []])
    })

    it('may leave and join while they are told', async () => {
      const { log } = topic()
      const order: string[] = []
      // The last is told first.
      const [second, first] = [new Taker(log), new Taker(log)]
      let joined: Taker | undefined
      first.advance = () => {
        order.push('first')
        first.position = log.latest
        log.leave(second)
        joined = new Taker(log)
      }

      await log.publish('data: 1\n\n')
      await turns(1)
      first.live = false
      await log.publish('data: 2\n\n')
      await turns(1)

      expect(order).to.deep.equal(['first'])
      expect(second.told).to.deep.equal([])
      expect(joined?.told).to.deep.equal([2])
    })

    it('by the thousands do not keep the event loop: they are told in slices', async () => {
      const { log } = topic()
      const takers = Array.from({ length: 3_000 }, () => new Taker(log))
      let [told, turned] = [0, 0]
      const started = new Set<number>()
      for (const taker of takers) {
        taker.advance = () => {
          const until = performance.now() + 0.02
          while (performance.now() < until);
          taker.position = log.latest
          told++
          started.add(turned)
        }
      }

      log.publish('data: 1\n\n')
      while (told < takers.length) {
        await turns(1)
        turned++
      }

      expect(started.size).to.be.at.least(4)
    })

    it('are told what came while they were told', async () => {
      const { log } = topic()
      const takers = [new Taker(log), new Taker(log)]
      // The last is told first.
      const [, first] = takers as [Taker, Taker]
      const { advance } = Taker.prototype
      first.advance = () => {
        advance.call(first)
        if (log.latest < 3) {
          log.publish('data: more\n\n')
          log.flush()
        }
      }

      log.publish('data: 1\n\n')
      await turns(2)

      expect(takers.map(({ told }) => told)).to.deep.equal([
        [2, 3],
        [1, 2, 3],
      ])
    })
  })

  describe('The events behind a sequence', () => {
    it('are one chunk for all, without a look into the journal while they are new', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)
      new Taker(log)
      await log.publish('data: 1\n\n')

      const chunk = log.chunkAfter(0, true)

      expect(chunk).to.equal(log.chunkAfter(0, true))
      expect(chunk).to.include({ first: 1, last: 1 })
      expect(journal.reads).to.deep.equal([])
    })

    it('come from the journal when they are old, read once for those who come one after the other', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)
      await log.publish('data: 1\n\n')

      const chunk = log.chunkAfter(0, false)

      expect(chunk).to.equal(log.chunkAfter(0, false))
      expect(chunk).to.have.property('bytes').that.deep.equals(Buffer.from('11\r\nid: e.1\ndata: 1\n\n\r\n'))
      expect(journal.reads).to.deep.equal([0])
    })

    it('come from a journal that answers later, read once for those who come together', async () => {
      const journal = new HandLog()
      const reading = latch()
      journal.beforeRead = () => reading.promise
      const { log } = topic(journal)
      await log.publish('data: 1\n\n')

      const chunks = [log.chunkAfter(0, false), log.chunkAfter(0, false)]
      reading.open()

      const [first, second] = await Promise.all(chunks)
      expect(first).to.equal(second).and.include({ first: 1, last: 1 })
      expect(journal.reads).to.deep.equal([0])
    })

    it('are asked for again after the journal has failed to give them', async () => {
      const journal = new HandLog()
      journal.beforeRead = () => Promise.reject(new Error('disk gone'))
      const { log } = topic(journal)
      await log.publish('data: 1\n\n')
      const both = await Promise.allSettled([log.chunkAfter(0, false), log.chunkAfter(0, false)])
      expect(both.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
      journal.beforeRead = undefined

      expect(await log.chunkAfter(0, false)).to.include({ first: 1 })
    })

    it('are none where there are none, and the bounds are measured anew', async () => {
      const journal = new HandLog({ ...ROOMY, count: 2 })
      const { log } = topic(journal)
      for (let n = 1; n < 4; n++) log.publish(`data: ${n}\n\n`)
      await turns(1)

      expect(log.chunkAfter(3, false)).to.equal(undefined)
      log.earliest = 1
      expect(log.chunkAfter(0, false)).to.include({ first: 2, last: 3 })
      expect(log.earliest).to.equal(2)
    })

    it('do not stay in memory beyond what is new, though the followers never come to rest', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)
      const taker = new Taker(log)
      const { advance } = Taker.prototype
      const text = `data: ${'x'.repeat(10_000)}\n\n`
      taker.advance = () => {
        advance.call(taker)
        if (log.latest === 100) return
        log.publish(text)
        log.flush()
      }
      log.publish(text)
      await until(() => taker.position === 100)

      log.chunkAfter(90, false)
      expect(journal.reads).to.deep.equal([])
      log.chunkAfter(50, false)
      expect(journal.reads).to.deep.equal([50])
    })

    it('do not stay in memory when nobody follows any more, or when the log has them no longer', async () => {
      const journal = new HandLog({ ...ROOMY, count: 2 })
      const { log } = topic(journal)
      const taker = new Taker(log)
      for (let n = 1; n < 4; n++) await log.publish(`data: ${n}\n\n`)
      expect(log.chunkAfter(1, false)).to.include({ first: 2 })
      expect(journal.reads).to.deep.equal([])
      log.chunkAfter(0, false)
      expect(journal.reads).to.deep.equal([0])

      log.leave(taker)
      log.chunkAfter(1, false)
      expect(journal.reads).to.deep.equal([0, 1])
    })
  })

  describe('A follower that makes publishers wait', () => {
    /** Whether a promise has settled. */
    function watch(promise: PromiseLike<unknown>): { settled: boolean } {
      const seen = { settled: false }
      promise.then(() => {
        seen.settled = true
      })
      return seen
    }

    it('is waited for until its client has taken the event', async () => {
      const { log } = topic()
      const taker = new Taker(log, 0, true)
      const published = watch(log.publish('data: 1\n\n'))
      await turns(3)
      expect(published.settled).to.equal(false)

      taker.take()
      await turns(1)

      expect(published.settled).to.equal(true)
    })

    it('is waited for together with others, the slowest last', async () => {
      const { log } = topic()
      const [quick, slow] = [new Taker(log, 0, true), new Taker(log, 0, true)]
      const published = [watch(log.publish('data: 1\n\n')), watch(log.publish('data: 2\n\n'))]
      await turns(1)
      quick.take()
      slow.taken = 1
      log.settle()
      await turns(1)
      expect(published.map(({ settled }) => settled)).to.deep.equal([true, false])

      slow.take()
      await turns(1)
      expect(published.map(({ settled }) => settled)).to.deep.equal([true, true])
    })

    it('is not waited for when it leaves', async () => {
      const { log } = topic()
      const taker = new Taker(log, 0, true)
      const published = watch(log.publish('data: 1\n\n'))
      await turns(1)

      log.leave(taker)
      await turns(1)

      expect(published.settled).to.equal(true)
    })

    it('is not waited for by those who do not await', async () => {
      const { log } = topic()
      new Taker(log, 0, true)

      for (let n = 0; n < 3; n++) log.publish('data: 1\n\n')
      await turns(1)

      expect(log.latest).to.equal(3)
    })
  })

  for (const [told, where, position, live, count] of [
    [true, 'is in the older half of what is kept', 150, false, 100],
    [false, 'is in the newer half', 160, false, 100],
    [false, 'only waits for something new', 150, true, 100],
    [false, 'can lose nothing yet, because all is kept', 2, false, 1_000],
  ] as const) {
    it(`tells a follower ${told ? 'to leave that lags and' : 'nothing that'} ${where}`, async () => {
      const { log } = topic(new HandLog({ ...ROOMY, count }))
      const taker = new Taker(log, position)
      taker.live = live
      taker.advance = () => {}
      log.lags(taker)

      for (let n = 0; n < 200; n++) log.publish('data: 1\n\n')
      await turns(1)

      expect(taker.lags).to.equal(told ? 1 : 0)
    })
  }

  it('tells those who lag now and then, each time a quarter of it is new, until they have caught up', async () => {
    const { log } = topic(new HandLog({ ...ROOMY, count: 100 }))
    const [taker, other] = [new Taker(log), new Taker(log)]
    taker.live = false
    for (let n = 0; n < 100; n++) log.publish('data: 1\n\n')
    await turns(1)
    log.lags(taker)

    for (let n = 0; n < 100; n++) await log.publish('data: 1\n\n')
    const { lags } = taker
    log.caughtUp(taker)
    for (let n = 0; n < 100; n++) await log.publish('data: 1\n\n')

    expect(lags).to.be.within(4, 6)
    expect(taker.lags).to.equal(lags)
    expect(other.lags).to.equal(0)
  })

  describe('What is known of it', () => {
    it('is nothing at first', () => {
      expect(topic().log.stats).to.deep.equal({
        name: 't',
        subscribers: 0,
        earliest: null,
        latest: null,
        bytes: 0,
        lag: 0,
      })
    })

    it('is how many follow, what it holds, and how far the slowest is behind', async () => {
      const { log } = topic(new HandLog({ ...ROOMY, count: 2 }))
      for (let n = 0; n < 3; n++) log.publish('data: 1\n\n')
      await turns(1)
      new Taker(log, 2)
      new Taker(log)

      expect(log.stats).to.deep.equal({
        name: 't',
        subscribers: 2,
        earliest: 'e.2',
        latest: 'e.3',
        bytes: 18,
        lag: 1,
      })
    })

    it('is whether anybody uses it: idle is a log without followers, events, or any on their way', async () => {
      const journal = new HandLog({ ...ROOMY, age: 1 })
      const working = latch()
      const { log } = topic(journal)
      const clock = stopClock()
      expect(log.idle).to.equal(true)

      const taker = new Taker(log)
      expect(log.idle).to.equal(false)
      log.leave(taker)
      expect(log.idle).to.equal(true)

      journal.beforeAppend = () => working.promise
      const published = log.publish('data: 1\n\n')
      expect(log.idle).to.equal(false)
      working.open()
      await published
      clock.pass(2)
      expect(log.idle).to.equal(false)
      log.trim()
      expect(log.idle).to.equal(true)
    })

    it('is not idle before it has opened', async () => {
      const opening = latch<JournalLog>()
      const { log } = topic(opening.promise)
      expect(log.idle).to.equal(false)
      log.trim()

      opening.open(new HandLog())
      await turns(1)
      expect(log.idle).to.equal(true)
    })
  })

  describe('Closing it', () => {
    it('ends its followers behind what is on its way, and then closes the journal', async () => {
      const journal = new HandLog()
      const working = latch()
      journal.beforeAppend = () => working.promise
      const { log } = topic(journal)
      const taker = new Taker(log)
      log.publish('data: 1\n\n')

      const closing = log.close()
      await turns(2)
      expect(taker.ended).to.equal(false)
      working.open()
      await closing

      expect(taker.ended).to.equal(true)
      expect(log.latest).to.equal(1)
      expect(journal.closed).to.equal(true)
    })

    it('ends its followers behind all that is on its way, though the journal refuses what came last first', async () => {
      const journal = new HandLog()
      const working = latch()
      const answers = [working.promise, Promise.reject(new Error('full'))]
      answers[1]?.catch(() => {})
      journal.beforeAppend = () => answers.shift()
      const { log } = topic(journal)
      const taker = new Taker(log)
      log.publish('data: 1\n\n')
      await turns(1)
      const refused = log.publish('data: 2\n\n')

      const closing = log.close()
      expect(await refused.then(String, String)).to.equal('Error: full')
      await turns(2)
      expect(taker.ended).to.equal(false)
      working.open()
      await closing

      expect(taker.ended).to.equal(true)
      expect(log.latest).to.equal(1)
    })

    it('ends who comes meanwhile behind what is on its way, too', async () => {
      const journal = new HandLog()
      const working = latch()
      journal.beforeAppend = () => working.promise
      const { log } = topic(journal)
      log.publish('data: 1\n\n')
      const closing = log.close()

      const late = new Taker(log)
      expect(late.ended).to.equal(false)
      working.open()
      await closing

      expect(late.ended).to.equal(true)
    })

    it('waits for those who have still to read', async () => {
      const journal = new HandLog()
      const { log } = topic(journal)
      const taker = new Taker(log)
      taker.end = () => {}
      const closing = log.close()
      await turns(2)
      expect(journal.closed).to.equal(false)

      log.leave(taker)
      await closing

      expect(journal.closed).to.equal(true)
    })

    it('refuses events from then on, with 503', async () => {
      const { log } = topic()
      const closing = log.close()

      expect(() => log.publish('data: 1\n\n'))
        .to.throw(TopicClosedError)
        .with.property('statusCode', 503)
      await closing
    })

    it('ends who comes too late at once', async () => {
      const { log } = topic()
      const closing = log.close()

      const late = new Taker(log)

      expect(late.ended).to.equal(true)
      await closing
    })

    it('is done once, however often it is asked for', async () => {
      const { log } = topic()
      const taker = new Taker(log)
      taker.end = () => {}

      const closing = [log.close(), log.close()]
      await turns(1)
      log.leave(taker)

      await Promise.all(closing)
    })

    it('fails with what the journal fails with', async () => {
      const journal = new HandLog()
      const gone = new Error('disk gone')
      journal.beforeClose = () => Promise.reject(gone)

      expect(
        await topic(journal)
          .log.close()
          .catch(error => error),
      ).to.equal(gone)
    })

    it('waits until it has opened', async () => {
      const opening = latch<JournalLog>()
      const { log } = topic(opening.promise)
      const published = log.publish('data: 1\n\n')
      const closing = log.close()
      const journal = new HandLog()

      opening.open(journal)
      await closing

      expect(await published).to.equal('e.1')
      expect(journal.closed).to.equal(true)
    })
  })
})
