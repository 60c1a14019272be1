import { AssertionError } from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Journal, type JournalEntry, type JournalLog, MemoryJournal, type Retention } from 'okapi'
import { type JournalUnderTest, journalContract } from 'okapi/journal-contract'
import { LmdbJournal } from 'okapi/journal-lmdb'

describe('The contract of a journal, kept by MemoryJournal', () => {
  for (const { name, run } of journalContract({ open: () => new MemoryJournal() })) it(name, run)
})

describe('The contract of a journal, kept by LmdbJournal', () => {
  let directory: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'okapi-journal-'))
  })

  after(() => rm(directory, { recursive: true }))

  const lmdb = {
    durable: true,
    open: () => new LmdbJournal(directory),
    lose: () => rm(directory, { recursive: true }),
  }
  for (const { name, run } of journalContract(lmdb)) it(name, run)
})

describe('The contract of a journal', () => {
  it('is kept by a journal that outlives its closing, and answers later', async () => {
    expect(await brokenBy(outliving({}))).to.deep.equal([])
  })

  for (const [how, broken] of Object.entries(breaks())) {
    it(`is broken by a journal that ${how}`, async () => {
      expect(await brokenBy(broken.journal, broken.check)).to.deep.equal([broken.check])
    })
  }
})

/** The names of the checks that a journal does not pass. */
async function brokenBy(journal: JournalUnderTest, only?: string): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of journalContract(journal)) {
    if (only !== undefined && name !== only) continue
    try {
      await run()
    } catch (error) {
      expect(error).to.be.an.instanceOf(AssertionError)
      failed.push(name)
    }
  }
  return failed
}

interface Break {
  /** The sentence that it breaks, maybe among others. */
  readonly check: string
  readonly journal: JournalUnderTest
}

type Listener = (entries: readonly JournalEntry[]) => void

function breaks(): Record<string, Break> {
  return {
    'leaves holes in the sequence': {
      check: 'answers an append with the sequence of its first event',
      journal: withLogs(log => ({
        append: events => log.append([...events, 'a hole']),
      })),
    },
    'begins with 0': {
      check: 'has an empty log begin with sequence 1',
      journal: withLogs(log => ({ append: events => (log.append(events) as number) - 1 })),
    },
    'answers before the events can be read': {
      check: 'knows what is appended as soon as it answers: bounds and read',
      journal: withLogs(log => ({
        append(events) {
          const first = log.bounds().latest + 1
          setImmediate(() => log.append(events))
          return first
        },
      })),
    },
    'answers concurrent appends out of turn': {
      check: 'takes appends that do not wait for each other, and answers each in its turn',
      journal: withLogs(log => {
        let calls = 0
        return {
          append(events) {
            const first = log.append(events)
            return ++calls % 2 ? new Promise(resolve => setImmediate(resolve, first)) : Promise.resolve(first)
          },
        }
      }),
    },
    'trims texts': {
      check: 'keeps texts exactly: line ends, every plane of Unicode, what looks like keys or numbers',
      journal: withLogs(log => ({ append: events => log.append(events.map(text => text.trim())) })),
    },
    'normalizes Unicode': {
      check: 'keeps texts exactly: line ends, every plane of Unicode, what looks like keys or numbers',
      journal: withLogs(log => ({ append: events => log.append(events.map(text => text.normalize())) })),
    },
    'takes the first 10,000 events of an append': {
      check: 'takes 20,000 events in one append, and an event of 4 Mi characters',
      journal: withLogs(log => ({ append: events => log.append(events.slice(0, 10_000)) })),
    },
    'reads from a sequence on, not behind it': {
      check: 'reads what is behind a sequence, the oldest first',
      journal: withLogs(log => ({ read: (after, length) => log.read(Math.max(0, after - 1), length) })),
    },
    'reads the newest first': {
      check: 'reads what is behind a sequence, the oldest first',
      journal: withLogs(log => ({
        read: (after, length) => [...(log.read(after, length) as JournalEntry[])].reverse(),
      })),
    },
    'reads all whatever length is asked for': {
      check: 'ends with the event that reaches the length that is asked for',
      journal: withLogs(log => ({ read: after => log.read(after, Number.POSITIVE_INFINITY) })),
    },
    'reads nothing if the first event is too long': {
      check: 'gives an event that is longer than what is asked for',
      journal: withLogs(log => ({
        read: (after, length) =>
          (log.read(after, length) as JournalEntry[]).filter(({ text }) => text.length <= length),
      })),
    },
    'tells the listener after the answer': {
      check: 'calls back once for each event, in order, before the append is answered',
      journal: withLogs(log => ({
        tail: (listener: Listener) => log.tail(entries => setImmediate(listener, entries)),
      })),
    },
    'tells the listener twice': {
      check: 'calls back once for each event, in order, before the append is answered',
      journal: withLogs(log => ({
        tail: (listener: Listener) =>
          log.tail(entries => {
            listener(entries)
            listener(entries)
          }),
      })),
    },
    'tells the listener only of what it keeps': {
      check: 'calls back for what retention takes at once, too',
      journal: withLogs(log => ({
        tail: (listener: Listener) =>
          log.tail(entries => listener(entries.filter(({ sequence }) => sequence >= log.bounds().earliest))),
      })),
    },
    'does not let go of a listener': {
      check: 'calls back for what is appended from then on, and no more when that is ended',
      journal: withLogs(log => ({
        tail(listener: Listener) {
          log.tail(listener)
          return () => {}
        },
      })),
    },
    'ends the listener that came next': {
      check: 'has one listener at a time, whom the end of the one before does not concern',
      journal: withLogs(log => ({
        tail(listener: Listener) {
          log.tail(listener)
          return () => log.tail(() => {})
        },
      })),
    },
    'keeps one event too many': {
      check: 'keeps no more events than count',
      journal: withRetention(({ count, ...rest }) => ({ ...rest, count: count + 1 })),
    },
    'does not bound characters': {
      check: 'keeps no more characters than bytes',
      journal: withRetention(retention => ({ ...retention, bytes: Number.POSITIVE_INFINITY })),
    },
    'counts the bytes of UTF-8': {
      check: 'counts characters, not the bytes that they take',
      journal: withLogs(log => ({
        bounds() {
          const texts = (log.read(0, Number.POSITIVE_INFINITY) as JournalEntry[]).map(({ text }) => text)
          return { ...log.bounds(), bytes: Buffer.byteLength(texts.join('')) }
        },
      })),
    },
    'never lets go of the old': {
      check: 'lets go of what is too old by trim, the newest event too, and goes on in sequence',
      journal: withLogs(() => ({ trim() {} })),
    },
    'begins at 1 again when retention has taken all': {
      check: 'lets go of what is too old by trim, the newest event too, and goes on in sequence',
      journal: withLogs(log => ({
        bounds() {
          const { earliest, latest, bytes } = log.bounds()
          return earliest > latest ? { earliest: 1, latest: 0, bytes } : { earliest, latest, bytes }
        },
      })),
    },
    'tells topics apart without regard to case': {
      check: 'keeps topics apart, whatever printable ASCII their names are of',
      journal: { open: () => new Merging(topic => topic.toLowerCase()) },
    },
    'cleans names of what a file name cannot have': {
      check: 'keeps topics apart, whatever printable ASCII their names are of',
      journal: { open: () => new Merging(topic => topic.replaceAll(/[\\/:*?"<>|]/g, '_')) },
    },
    'cuts long names off': {
      check: 'keeps topics apart, whatever printable ASCII their names are of',
      journal: { open: () => new Merging(topic => topic.slice(0, 200)) },
    },
    'has an epoch of other characters': {
      check: 'names the life of a log with 1 to 16 letters and digits',
      journal: withLogs(log => ({ epoch: `${log.epoch.slice(0, 8)}-1` })),
    },
    'has one epoch for all its topics': {
      check: 'has another epoch for each topic',
      journal: withLogs(() => ({ epoch: 'a' })),
    },
    'begins anew under the same epoch': {
      check: 'has another epoch for each log that begins anew',
      journal: withLogs(() => ({ epoch: 'a' })),
    },
    'says that it is durable, and is not': {
      check: 'keeps events, bounds, epoch and sequence over close and open',
      journal: { durable: true, open: () => new MemoryJournal() },
    },
    'has another epoch in each life': {
      check: 'keeps events, bounds, epoch and sequence over close and open',
      journal: outliving({ epoch: () => Math.random().toString(36).slice(2, 12) }),
    },
    'has the same epoch when everything was lost': {
      check: 'has another epoch for a log that had to begin anew',
      journal: outliving({ epoch: () => 'a' }),
    },
    'opens a log with what the retention of its last life kept': {
      check: 'is within the retention as soon as it is open: by count, bytes and age',
      journal: outliving({ retention: true }),
    },
  }
}

/** A journal in memory whose logs differ in something. */
function withLogs(differ: (log: JournalLog) => Partial<JournalLog>): JournalUnderTest {
  return { open: () => ({ open: (topic, retention) => differing(new MemoryJournal().open(topic, retention), differ) }) }
}

function differing(log: JournalLog, differ: (log: JournalLog) => Partial<JournalLog>): JournalLog {
  return {
    epoch: log.epoch,
    bounds: () => log.bounds(),
    append: events => log.append(events),
    read: (after, length) => log.read(after, length),
    tail: listener => log.tail(listener),
    trim: () => log.trim(),
    close: () => log.close(),
    ...differ(log),
  }
}

function withRetention(change: (retention: Retention) => Retention): JournalUnderTest {
  return { open: () => ({ open: (topic, retention) => new MemoryJournal().open(topic, change(retention)) }) }
}

/** Keeps topics under names of its own making. */
class Merging implements Journal {
  readonly #logs = new Map<string, JournalLog>()
  readonly #name: (topic: string) => string

  constructor(name: (topic: string) => string) {
    this.#name = name
  }

  open(topic: string, retention: Retention): JournalLog {
    const name = this.#name(topic)
    const log = this.#logs.get(name) ?? new MemoryJournal().open(topic, retention)
    this.#logs.set(name, log)
    return differing(log, () => ({}))
  }
}

/** A journal whose logs outlive its closing: within what the process remembers, one array for each topic. */
function outliving(wrong: { epoch?: () => string; retention?: boolean }): JournalUnderTest {
  const kept = new Map<string, Kept>()
  return {
    durable: true,
    lose: () => kept.clear(),
    open: () => ({
      async open(topic, retention) {
        const before = kept.get(topic)
        const epoch = wrong.epoch?.() ?? before?.epoch ?? Math.random().toString(36).slice(2, 12)
        const known = { epoch, entries: before?.entries ?? [], latest: before?.latest ?? 0 }
        kept.set(topic, known)
        const log = new Outliving(known, retention)
        if (!wrong.retention) log.trim()
        return log
      },
    }),
  }
}

interface Kept {
  readonly epoch: string
  entries: JournalEntry[]
  latest: number
}

class Outliving implements JournalLog {
  readonly #kept: Kept
  readonly #retention: Retention
  #listener: Listener | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(kept: Kept, retention: Retention) {
    this.#kept = kept
    this.#retention = retention
  }

  get epoch(): string {
    return this.#kept.epoch
  }

  bounds() {
    const { entries, latest } = this.#kept
    const bytes = entries.reduce((sum, { text }) => sum + text.length, 0)
    return { earliest: latest - entries.length + 1, latest, bytes }
  }

  append(events: readonly string[]): Promise<number> {
    const answer = this.#last.then(() => {
      const first = this.#kept.latest + 1
      const added = events.map((text, index) => ({ sequence: first + index, at: Date.now(), text }))
      this.#kept.entries = [...this.#kept.entries, ...added]
      this.#kept.latest += events.length
      this.trim()
      this.#listener?.(added)
      return first
    })
    this.#last = answer
    return answer
  }

  async read(after: number, length: number) {
    let sum = 0
    return this.#kept.entries.filter(({ sequence, text }) => {
      if (sequence <= after || sum >= length) return false
      sum += text.length
      return true
    })
  }

  tail(listener: Listener): () => void {
    this.#listener = listener
    return () => {
      if (this.#listener === listener) this.#listener = undefined
    }
  }

  trim(): void {
    const { count, bytes, age } = this.#retention
    const { entries } = this.#kept
    let over = this.bounds().bytes - bytes
    let gone = 0
    for (const { at, text } of entries) {
      const held = entries.length - gone
      if (held <= count && at > Date.now() - age && (over <= 0 || held === 1)) break
      over -= text.length
      gone++
    }
    this.#kept.entries = entries.slice(gone)
  }

  async close() {
    await this.#last
    this.#listener = undefined
  }
}
