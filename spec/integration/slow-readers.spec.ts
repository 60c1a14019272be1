import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import type { Gap } from 'okapi'
import { killBroadcasters, startBroadcaster } from '../support/broadcasting.js'
import { Connection, get, leaveAll } from '../support/connection.js'
import { unchunked } from '../support/unchunked.js'
import { until } from '../support/until.js'

const FAST = 16
const SLOW = 4
const ROUNDS = 48
/** What is published in each round: a mebibyte. */
const [COUNT, LENGTH] = [256, 4_096]
const TOTAL = ROUNDS * COUNT

/** Reads the ids of a stream as they come, and keeps nothing else. */
class Listener {
  /** The sequence of the last event. */
  last = 0
  /** The first id that was not the next one. */
  wrong: string | undefined
  #rest = Buffer.alloc(0)

  async open(url: string): Promise<this> {
    const connection = await Connection.open(url, get('/live'))
    await connection.has('\nid: ')
    connection.socket.removeAllListeners('data')
    connection.socket.on('data', bytes => this.#read(bytes))
    return this
  }

  #read(bytes: Buffer): void {
    const all = Buffer.concat([this.#rest, bytes])
    let at = 0
    for (;;) {
      const start = all.indexOf('id: ', at)
      const end = all.indexOf('\n', start)
      if (start === -1 || end === -1) break
      const id = all.toString('latin1', start, end)
      if (id.endsWith(`.${this.last + 1}`)) this.last++
      else this.wrong ??= id
      at = end
    }
    this.#rest = all.subarray(Math.max(at, all.length - 64))
  }
}

describe('Clients that do not read', function () {
  this.timeout(120_000)

  afterEach(() => {
    leaveAll()
    killBroadcasters()
  })

  it('cost the server no memory, and the others nothing', async () => {
    const { url, publish } = await startBroadcaster()
    const fast = await Promise.all(Array.from({ length: FAST }, () => new Listener().open(url)))
    const slow = await Promise.all(Array.from({ length: SLOW }, () => Connection.open(url, get('/live'))))
    await Promise.all(slow.map(connection => connection.has('\nid: ')))
    for (const connection of slow) connection.pause()
    const { rss } = await publish(0, 0)

    let peak = rss
    for (let round = 1; round <= ROUNDS; round++) {
      const fare = await publish(COUNT, LENGTH)
      await until(() => fast.every(({ last, wrong }) => wrong || last === round * COUNT), 'all have heard all')
      peak = Math.max(peak, fare.rss)
    }

    expect(fast.map(({ last, wrong }) => wrong ?? last)).to.deep.equal(Array.from(fast, () => TOTAL))
    expect((await publish(0, 0)).subscribers).to.equal(FAST + SLOW)
    expect((peak - rss) / 2 ** 20).to.be.below(64)

    for (const connection of slow) connection.socket.resume()
    await Promise.all(slow.map(connection => heard(connection, TOTAL)))
    for (const connection of slow) {
      const { sequences, gaps } = told(connection)
      expect(sequences).to.deep.equal(Array.from({ length: TOTAL }, (_, n) => n + 1))
      expect(gaps).to.be.at.least(1)
    }
  })
})

async function heard(connection: Connection, last: number): Promise<void> {
  const tail = (): string => Buffer.concat(connection.pieces.slice(-8)).toString('latin1')
  await until(() => tail().includes(`.${last}\n`), `the last event has arrived`)
}

/** The sequences of the events that a client got, and of those that it was told it lost. */
function told(connection: Connection): { sequences: number[]; gaps: number } {
  const sequences: number[] = []
  let gaps = 0
  const parser = createParser({
    onEvent: ({ id = '', event, data }) => {
      const sequence = Number(id.split('.')[1])
      if (event !== 'stream:gap') {
        sequences.push(sequence)
        return
      }
      gaps++
      for (let lost = Number((JSON.parse(data) as Gap).lost); lost > 0; lost--) sequences.push(sequence - lost + 1)
    },
  })
  parser.feed(unchunked(Buffer.concat(connection.pieces)))
  return { sequences, gaps }
}
