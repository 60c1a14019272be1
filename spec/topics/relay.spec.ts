import { expect } from 'chai'
import type { JournalEntry, Retention, SubscribeOptions } from 'okapi'
import type { Entry } from '../../src/topics/entry.js'
import { resolveSubscribeOptions } from '../../src/topics/options.js'
import { Relay } from '../../src/topics/relay.js'
import { TopicLog } from '../../src/topics/topic-log.js'
import { HandLog, ROOMY } from '../support/hand-log.js'
import { HandOutlet } from '../support/hand-outlet.js'
import { type Latch, latch } from '../support/latch.js'
import { startClock, stopClock } from '../support/stopped-clock.js'
import { turns, until } from '../support/until.js'

/** The text of some events on the wire. */
function wire(first: number, last = first): string {
  return Array.from(
    { length: last - first + 1 },
    (_, index) => `id: e.${first + index}\ndata: ${first + index}\n\n`,
  ).join('')
}

describe('Relay', () => {
  // Those that are live are told at once, as long as the turn of the event loop has time for it: here, always.
  beforeEach(async () => {
    stopClock()
    await turns(2)
  })
  afterEach(startClock)

  /** A log with `count` events, to which clients come. */
  async function published(count: number, retention: Retention = ROOMY) {
    const journal = new HandLog(retention)
    const log = new TopicLog('t', retention, journal, () => {})
    const publish = (...sequences: number[]) => {
      const all = sequences.map(n => log.publish(`data: ${n}\n\n`))
      return Promise.all(all)
    }
    if (count > 0) await publish(...Array.from({ length: count }, (_, index) => index + 1))
    const come = (position: number, options: SubscribeOptions = {}, entry: Partial<Entry> = {}) => {
      const outlet = new HandOutlet()
      const relay = new Relay(log, resolveSubscribeOptions(options), outlet, { position, ...entry })
      return { outlet, relay }
    }
    return { journal, log, publish, come }
  }

  /** What the stream does when its client has taken everything. */
  function drain({ outlet, relay }: { outlet: HandOutlet; relay: Relay }): void {
    outlet.blocked = false
    relay.room()
  }

  it('writes what is published, what comes at one time as one chunk', async () => {
    const { come, publish } = await published(2)
    const { outlet, relay } = come(2)
    expect(outlet.chunks).to.deep.equal([])

    await publish(3, 4)
    await publish(5)

    expect(outlet.chunks).to.deep.equal([wire(3, 4), wire(5)])
    expect(relay).to.include({ position: 5, live: true })
  })

  it('writes the same bytes to all who are at the same place', async () => {
    const { come, publish } = await published(0)
    const clients = [come(0), come(0), come(0)]

    await publish(1, 2)

    const buffers = new Set(clients.flatMap(({ outlet }) => outlet.buffers))
    expect([...buffers].map(String)).to.deep.equal([`22\r\n${wire(1, 2)}\r\n`])
  })

  it('begins with what the client has missed, and goes on with what comes', async () => {
    const { come, publish } = await published(5)
    const { outlet } = come(2)
    expect(outlet.chunks).to.deep.equal([wire(3, 5)])

    await publish(6)

    expect(outlet.chunks).to.deep.equal([wire(3, 5), wire(6)])
  })

  it('keeps the order for who comes in the middle of a burst', async () => {
    const { come, log } = await published(0)
    const early = come(0)
    log.publish('data: 1\n\n')
    log.flush()
    const late = come(0)
    log.publish('data: 2\n\n')

    await turns(2)

    expect(early.outlet.text).to.equal(wire(1, 2))
    expect(late.outlet.text).to.equal(wire(1, 2))
  })

  it('tells first what is lost', async () => {
    const { come } = await published(3)
    const gap = { requested: 'x.1', earliest: 'e.1', latest: 'e.3', lost: null, reason: 'epoch' } as const

    const { outlet } = come(0, {}, { gap })

    expect(outlet.chunks).to.deep.equal([`id: e.0\nevent: stream:gap\ndata: ${JSON.stringify(gap)}\n\n`, wire(1, 3)])
  })

  it('waits where the client does not even take that', async () => {
    const { log } = await published(3)
    const gap = { requested: 'x.1', earliest: 'e.1', latest: 'e.3', lost: null, reason: 'epoch' } as const
    const outlet = new HandOutlet()
    outlet.quick = false
    const relay = new Relay(log, resolveSubscribeOptions({}), outlet, { position: 0, gap })
    expect(outlet.chunks).to.have.length(1)

    drain({ outlet, relay })

    expect(outlet.chunks.slice(1)).to.deep.equal([wire(1, 3)])
  })

  describe('To a slow client', () => {
    it('writes no more until it has room, and then all it has missed at once', async () => {
      const { come, publish } = await published(0)
      const client = come(0)
      client.outlet.quick = false
      await publish(1)
      expect(client.relay.live).to.equal(false)

      for (let n = 2; n < 10; n++) await publish(n)
      expect(client.outlet.chunks).to.deep.equal([wire(1)])

      client.outlet.quick = true
      drain(client)
      expect(client.outlet.chunks).to.deep.equal([wire(1), wire(2, 9)])
      await publish(10)
      expect(client.outlet.chunks).to.deep.equal([wire(1), wire(2, 9), wire(10)])
    })

    it('writes nothing while a ping is on its way to it', async () => {
      const { come, publish } = await published(0)
      const client = come(0)
      client.outlet.blocked = true

      await publish(1)
      await publish(2)
      expect(client.outlet.chunks).to.deep.equal([])

      drain(client)
      expect(client.outlet.chunks).to.deep.equal([wire(1, 2)])
    })

    it('goes on with what is left when some of it is gone, and says so', async () => {
      const { come, publish } = await published(0, { ...ROOMY, count: 3 })
      const client = come(0)
      client.outlet.quick = false
      await publish(1)
      for (let n = 2; n < 10; n++) await publish(n)

      client.outlet.quick = true
      drain(client)

      const gap = { requested: 'e.1', earliest: 'e.7', latest: 'e.9', lost: 5, reason: 'overflow' }
      expect(client.outlet.chunks.slice(1)).to.deep.equal([
        `id: e.6\nevent: stream:gap\ndata: ${JSON.stringify(gap)}\n\n`,
        wire(7, 9),
      ])
    })

    it("goes on with what comes, with onGap 'latest'", async () => {
      const { come, publish } = await published(0, { ...ROOMY, count: 3 })
      const client = come(0, { onGap: 'latest' })
      client.outlet.quick = false
      await publish(1)
      for (let n = 2; n < 10; n++) await publish(n)

      client.outlet.quick = true
      drain(client)
      await publish(10)

      const gap = { requested: 'e.1', earliest: 'e.7', latest: 'e.9', lost: 8, reason: 'overflow' }
      expect(client.outlet.chunks.slice(1)).to.deep.equal([
        `id: e.9\nevent: stream:gap\ndata: ${JSON.stringify(gap)}\n\n`,
        wire(10),
      ])
    })

    it("sends it away when some of it is gone, with onGap 'refuse'", async () => {
      const { come, publish } = await published(0, { ...ROOMY, count: 3 })
      const client = come(0, { onGap: 'refuse' })
      client.outlet.quick = false
      await publish(1)
      for (let n = 2; n < 10; n++) await publish(n)

      drain(client)

      expect(client.outlet.outcome).to.have.property('reason', 'lag')
      expect(client.outlet.chunks).to.deep.equal([wire(1)])
    })

    it("sends it away while it can still resume, with onLag 'disconnect'", async () => {
      const { come, publish, log } = await published(100, { ...ROOMY, count: 100 })
      const slow = come(100, { onLag: 'disconnect' })
      const quick = come(100, { onLag: 'disconnect' })
      slow.outlet.quick = false

      for (let n = 101; !slow.outlet.closed; n++) await publish(n)

      expect(slow.outlet.outcome).to.have.property('reason', 'lag')
      expect((slow.outlet.outcome as { retry: number }).retry).to.be.within(1_000, 5_000)
      expect(slow.relay.position).to.be.at.least(log.earliest)
      expect(quick.outlet.closed).to.equal(false)
    })

    it('does the same where a ping is on its way to it, and no event', async () => {
      const { come, publish, log } = await published(100, { ...ROOMY, count: 100 })
      const client = come(100, { onLag: 'disconnect' })
      client.outlet.blocked = true

      for (let n = 101; n < 200 && !client.outlet.closed; n++) await publish(n)

      expect(client.outlet.outcome).to.have.property('reason', 'lag')
      expect(client.outlet.text).to.equal('')
      expect(client.relay.position).to.be.at.least(log.earliest)
    })

    it('does the same where the ping came while the journal read for it', async () => {
      const { come, publish, journal } = await published(100, { ...ROOMY, count: 100 })
      const reading = latch()
      journal.beforeRead = () => reading.promise
      const client = come(50, { onLag: 'disconnect' })
      client.outlet.blocked = true
      reading.open()
      await turns(2)

      for (let n = 101; n < 150 && !client.outlet.closed; n++) await publish(n)

      expect(client.outlet.outcome).to.have.property('reason', 'lag')
      expect(client.outlet.text).to.equal('')
    })

    it('does not send it away that has caught up meanwhile', async () => {
      const { come, publish } = await published(100, { ...ROOMY, count: 100 })
      const client = come(100, { onLag: 'disconnect' })
      client.outlet.quick = false
      await publish(101)
      client.outlet.quick = true
      drain(client)

      for (let n = 102; n < 400; n++) await publish(n)

      expect(client.outlet.closed).to.equal(false)
    })

    it('does not send it away for what it has not missed: a log that is not full', async () => {
      const { come, publish } = await published(10)
      const client = come(0, { onLag: 'disconnect' })
      client.outlet.blocked = true

      for (let n = 11; n < 50; n++) await publish(n)

      expect(client.outlet.closed).to.equal(false)
    })

    it("makes publishers wait until it has taken the event, with onLag 'block'", async () => {
      const { come, log } = await published(0)
      const client = come(0, { onLag: 'block' })
      expect(await log.publish('data: 1\n\n')).to.equal('e.1')

      client.outlet.quick = false
      let went = false
      const publication = log.publish('data: 2\n\n').then(() => {
        went = true
      })
      await turns(3)
      expect(went).to.equal(false)
      expect(client.relay).to.include({ position: 2, taken: 1 })

      drain(client)
      await publication
    })

    it('makes publishers wait for the replay, too, and for the journal that it comes from', async () => {
      const { come, log, journal } = await published(3)
      const reading = latch()
      journal.beforeRead = () => reading.promise
      come(0, { onLag: 'block' })
      let went = false
      const publication = log.publish('data: 4\n\n').then(() => {
        went = true
      })
      await turns(3)
      expect(went).to.equal(false)

      reading.open()

      await publication
    })

    it('lets publishers go on when it leaves', async () => {
      const { come, log } = await published(0)
      const client = come(0, { onLag: 'block' })
      client.outlet.quick = false
      const publication = log.publish('data: 1\n\n')
      await turns(2)

      client.outlet.closed = true
      client.relay.stop()

      expect(await publication).to.equal('e.1')
    })
  })

  describe('With a journal that answers later', () => {
    it('writes everything once and in order, though more comes and a ping is taken meanwhile', async () => {
      const { come, publish, journal } = await published(3)
      let reading = latch()
      journal.beforeRead = () => reading.promise
      const client = come(0)
      client.outlet.blocked = true
      drain(client)
      await publish(4)
      drain(client)
      expect(client.outlet.chunks).to.deep.equal([])

      const first = reading
      reading = latch()
      first.open()
      await turns(2)
      reading.open()
      await turns(2)
      await publish(5)

      expect(client.outlet.text).to.equal(wire(1, 5))
      expect(client.relay).to.include({ position: 5, live: true })
    })

    it('writes nothing of what the journal gives while a ping is on its way, and all of it behind the ping', async () => {
      const { come, publish, journal } = await published(3)
      const reading = latch()
      journal.beforeRead = () => reading.promise
      const client = come(0, { onLag: 'block' })
      client.outlet.blocked = true
      reading.open()
      await turns(2)
      expect(client.outlet).to.include({ text: '', outcome: undefined })
      expect(client.relay).to.include({ position: 0, taken: 0 })

      drain(client)
      await turns(2)
      expect(client.outlet.text).to.equal(wire(1, 3))
      await publish(4)
      expect(client.outlet.text).to.equal(wire(1, 4))
    })

    for (const [how, answer] of [
      ['gives what was asked for', (reading: Latch<void>) => reading.open()],
      ['fails', (reading: Latch<void>) => reading.fail(new Error('disk gone'))],
    ] as const) {
      it(`tells nothing to who has left meanwhile, where it ${how}`, async () => {
        const { come, journal } = await published(3)
        const reading = latch()
        journal.beforeRead = () => reading.promise
        const { outlet, relay } = come(0)

        outlet.closed = true
        relay.stop()
        answer(reading)
        await turns(2)

        expect(outlet.chunks).to.deep.equal([])
        expect(outlet.outcome).to.equal(undefined)
      })
    }

    it('ends with what the journal fails with', async () => {
      const { come, journal } = await published(3)
      const gone = new Error('disk gone')
      journal.beforeRead = () => Promise.reject(gone)
      const { outlet } = come(0)

      await turns(2)

      expect(outlet.outcome).to.equal(gone)
    })

    it('tells what went while it was read', async () => {
      const { come, log, journal } = await published(3, { ...ROOMY, count: 3 })
      const reading = latch()
      journal.beforeRead = () => reading.promise
      const { outlet } = come(0)
      for (let n = 4; n < 6; n++) log.publish(`data: ${n}\n\n`)
      await turns(2)

      reading.open()
      await turns(2)

      const gap = { requested: 'e.0', earliest: 'e.3', latest: 'e.5', lost: 2, reason: 'overflow' }
      expect(outlet.chunks).to.deep.equal([`id: e.2\nevent: stream:gap\ndata: ${JSON.stringify(gap)}\n\n`, wire(3, 5)])
    })
  })

  describe('With a journal that breaks its word', () => {
    it('ends with what it throws', async () => {
      const { come, journal } = await published(3)
      const gone = new Error('disk gone')
      journal.beforeRead = () => {
        throw gone
      }

      expect(come(0).outlet.outcome).to.equal(gone)
    })

    for (const [how, entries] of [
      ['nothing', []],
      ['another event', [{ sequence: 3, at: 0, text: 'data: 3\n\n' }]],
    ] as [string, JournalEntry[]][]) {
      it(`ends with an error that names the event where ${how} is there in its place`, async () => {
        const { come, journal } = await published(3)
        journal.read = () => entries

        const { outlet } = come(0)

        expect(outlet.outcome).to.be.an.instanceOf(TypeError)
        expect((outlet.outcome as Error).message).to.equal('The journal of the topic t has lost the event 1')
      })

      it(`ends with it too where ${how} comes later`, async () => {
        const { come, journal } = await published(3)
        journal.read = async () => entries

        const { outlet } = come(0)
        await turns(2)

        expect((outlet.outcome as Error).message).to.equal('The journal of the topic t has lost the event 1')
      })
    }
  })

  /** A client that is behind by 2,000 long events. */
  async function longReplay() {
    const { come, log } = await published(0)
    const text = `data: ${'x'.repeat(1_000)}\n\n`
    for (let n = 0; n < 2_000; n++) log.publish(text)
    await turns(1)
    return come(0)
  }

  it('shares the event loop while it replays what is long', async () => {
    const { outlet, relay } = await longReplay()
    expect(relay.position).to.be.below(2_000)

    // As a ping would, that its client takes.
    relay.room()
    const { position } = relay
    expect(position).to.be.below(2_000)
    await until(() => relay.position === 2_000)

    expect(outlet.chunks.every(({ length }) => length < 40_000)).to.equal(true)
    expect(outlet.text.match(/^id: e\.\d+$/gm)).to.deep.equal(Array.from({ length: 2_000 }, (_, n) => `id: e.${n + 1}`))
  })

  it('leaves its turn to others when its client has left', async () => {
    const { outlet, relay } = await longReplay()
    const { position } = relay

    outlet.closed = true
    relay.stop()
    await turns(5)

    expect(relay.position).to.equal(position)
  })

  describe('Its end', () => {
    it('comes at once when its client has everything', async () => {
      const { come } = await published(1)
      const { outlet, relay } = come(1)

      relay.end()

      expect(outlet.outcome).to.equal('finished')
    })

    it('comes behind what its client has not read yet', async () => {
      const { come, publish } = await published(0)
      const client = come(0)
      client.outlet.quick = false
      await publish(1)
      await publish(2)

      client.relay.end()
      expect(client.outlet.closed).to.equal(false)
      client.outlet.quick = true
      drain(client)

      expect(client.outlet.chunks).to.deep.equal([wire(1), wire(2)])
      expect(client.outlet.outcome).to.equal('finished')
    })

    it('comes behind the replay for who comes when the topic closes already', async () => {
      const { come, log } = await published(3)
      const closing = log.close()

      const { outlet, relay } = come(1)

      expect(outlet.chunks).to.deep.equal([wire(2, 3)])
      expect(outlet.outcome).to.equal('finished')
      relay.stop()
      await closing
    })
  })
})
