import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { JournalEntry, JournalLog } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'
import { makeFolder, removeFolders } from '../support/folder.js'

const KILLS = 100
const script = fileURLToPath(new URL('../support/journal-publisher.js', import.meta.url))
const forever = { count: 1e9, bytes: 1e12, age: 1e12 }

/** What was acknowledged: the data of each position, by topic. */
type Acknowledged = Map<string, Map<string, string>>

describe('kill -9, a hundred times while events are published to the file journal', function () {
  // A hundred processes: 25 s where nothing else runs, and many times that where much does.
  this.timeout(300_000)

  let child: ChildProcess | undefined
  let acknowledged: Acknowledged
  let logs: Map<string, JournalLog>
  let journal: LmdbJournal

  before(async () => {
    const folder = await makeFolder()
    acknowledged = new Map()
    for (let life = 0; life < KILLS; life++) await publishAndKill(folder, life)
    journal = new LmdbJournal(folder)
    logs = new Map()
    for (const topic of ['long', 'short']) logs.set(topic, await journal.open(topic, forever))
  })

  after(async () => {
    child?.kill('SIGKILL')
    await journal?.close()
    await removeFolders()
  })

  /** Kills it in the midst of things: when it has acknowledged a number of events, another one in each life. */
  async function publishAndKill(folder: string, life: number): Promise<void> {
    child = spawn(process.execPath, [script, folder, `${life}`], {
      env: { ...process.env, NODE_V8_COVERAGE: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exit = once(child, 'exit')
    let left = 1 + ((life * 37) % 90)
    for await (const line of createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)) {
      const [topic = '', position = '', data = '', word] = line.split(' ')
      if (word !== 'acknowledged') continue
      const known = acknowledged.get(topic) ?? new Map<string, string>()
      acknowledged.set(topic, known)
      expect(known.has(position), `${topic} ${position} was acknowledged twice`).to.equal(false)
      known.set(position, data)
      if (--left === 0) child.kill('SIGKILL')
    }
    expect(await exit).to.deep.equal([null, 'SIGKILL'])
  }

  const entriesOf = (topic: string): readonly JournalEntry[] =>
    (logs.get(topic) as JournalLog).read(0, Number.POSITIVE_INFINITY) as readonly JournalEntry[]

  it('opens the store again each time, and goes on under the same epoch', () => {
    for (const [topic, log] of logs) {
      const epochs = [...(acknowledged.get(topic)?.keys() ?? [])].map(position => position.split('.')[0])
      const lives = [...(acknowledged.get(topic)?.values() ?? [])].map(data => data.split('.')[0])

      expect([...new Set(epochs)]).to.deep.equal([log.epoch])
      expect(new Set(lives).size).to.be.above(topic === 'long' ? KILLS - 1 : KILLS / 2)
    }
  })

  it('loses nothing that was acknowledged', () => {
    for (const [topic, known] of acknowledged) {
      const { epoch } = logs.get(topic) as JournalLog
      const kept = entriesOf(topic)
      const texts = new Map(kept.map(({ sequence, text }) => [`${epoch}.${sequence}`, text]))
      const first = kept[0]?.sequence as number

      for (const [position, data] of known) {
        if (Number(position.split('.')[1]) < first && topic === 'short') continue
        expect(texts.get(position), `${topic} ${position}`).to.equal(`data: ${data}\n\n`)
      }
    }
    expect(acknowledged.get('long')?.size).to.be.above(KILLS)
  })

  it('has nothing twice, and no holes', () => {
    for (const topic of logs.keys()) {
      const kept = entriesOf(topic)
      const first = kept[0]?.sequence as number

      expect(new Set(kept.map(({ text }) => text)).size).to.equal(kept.length)
      expect(kept.map(({ sequence }) => sequence)).to.deep.equal(kept.map((_, index) => first + index))
    }
    expect(entriesOf('long')[0]?.sequence).to.equal(1)
  })

  it('has each event as a whole, acknowledged or not', () => {
    for (const topic of logs.keys()) {
      for (const { text } of entriesOf(topic)) expect(text).to.match(/^data: \d+\.\d+\.x*\n\n$/)
    }
    const lengths = new Set(entriesOf('long').map(({ text }) => text.lastIndexOf('x') - text.indexOf('x') + 1))
    expect(lengths).to.deep.equal(new Set([10, 20, 3_000]))
  })

  it('holds retention, and what it holds is what it says', () => {
    for (const [topic, log] of logs) {
      const kept = entriesOf(topic)
      const bytes = kept.reduce((sum, { text }) => sum + text.length, 0)
      const { length } = kept

      expect(log.bounds()).to.deep.equal({ earliest: kept[0]?.sequence, latest: kept[length - 1]?.sequence, bytes })
    }
    expect(entriesOf('short')).to.have.length(20)
  })
})
