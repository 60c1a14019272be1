import {
  type Journal,
  type JournalBounds,
  type JournalEntry,
  type JournalLog,
  MemoryJournal,
  type Retention,
} from 'okapi'
import { factOf, type History, type Life } from './history.js'

/** A journal whose events the model knows, and that goes on only as far as it is let. */
export interface ModelJournal extends Journal {
  /** Does one thing that is due, if anything is; says whether. */
  step(which: number): boolean
  /** Lets the next append fail. */
  spoil(): void
  /** The process is gone, and what was not safe with it. */
  crash(): void
}

/** The journal in memory, watched. */
export class WatchedMemory implements ModelJournal {
  readonly #inner = new MemoryJournal()
  readonly #history: History
  readonly #lives = new Set<Life>()
  #spoilt = false

  constructor(history: History) {
    this.#history = history
  }

  open(topic: string, retention: Retention): JournalLog {
    const log = this.#inner.open(topic, retention)
    const now = (): JournalBounds => log.bounds()
    const life = this.#history.open(topic, log.epoch, () => ({ told: now(), now: now() }))
    this.#lives.add(life)
    const lengths: { at: number; length: number }[] = []
    return {
      epoch: log.epoch,
      bounds: now,
      read: (after, length) => log.read(after, length),
      tail: listener => log.tail(listener),
      trim: () => log.trim(),
      close: () => {
        this.#history.closes(life.epoch)
        this.#history.end(life)
        return log.close()
      },
      append: events => {
        if (this.#spoilt) {
          this.#spoilt = false
          throw new Error('The disk is full')
        }
        for (const text of events) {
          life.facts.push(factOf(text))
          lengths.push({ at: Date.now(), length: text.length })
        }
        const first = log.append(events)
        keep(lengths, retention)
        const { earliest, latest, bytes } = log.bounds()
        const expected = [life.facts.length, lengths.length, lengths.reduce((sum, { length }) => sum + length, 0)]
        if ([latest, latest - earliest + 1, bytes].join() !== expected.join()) {
          throw new Error(`The log holds ${latest - earliest + 1} of ${latest} events, ${bytes} long, not ${expected}`)
        }
        return first
      },
    }
  }

  step(): boolean {
    return false
  }

  spoil(): void {
    this.#spoilt = true
  }

  crash(): void {
    for (const life of this.#lives) this.#history.end(life)
  }
}

/**
 * A journal that outlives its `Topics`. Asynchronous, it leaves everything undone until `step`: opening, writing, telling
 * of what was written, and answering, each in order but not together, and reading in any order.
 */
export class LastingJournal implements ModelJournal {
  readonly #history: History
  readonly #asynchronous: boolean
  readonly #stores = new Map<string, Store>()
  readonly #due: (() => void)[][] = [[], [], [], [], []]
  readonly #opened = new Set<string>()
  /** Which process this is. */
  life = 0
  #spoilt = false
  #epochs = 0

  constructor(history: History, asynchronous: boolean) {
    this.#history = history
    this.#asynchronous = asynchronous
  }

  open(topic: string, retention: Retention): JournalLog | Promise<JournalLog> {
    if (this.#opened.has(topic)) throw new Error(`The log of ${topic} is opened twice`)
    this.#opened.add(topic)
    return this.#later(OPEN, () => this.#open(topic, retention))
  }

  #open(topic: string, retention: Retention): JournalLog {
    let store = this.#stores.get(topic)
    if (store === undefined) {
      store = { epoch: `L${topic}${++this.#epochs}`, entries: [], latest: 0, told: { earliest: 1, latest: 0 } }
      this.#stores.set(topic, store)
    }
    store.told = boundsOf(store)
    return new LastingLog(this, topic, retention, store, this.#history)
  }

  /** Does something at once, or when its time has come. */
  perform<T>(kind: number, action: () => T): T | Promise<T> {
    return this.#later(kind, action)
  }

  #later<T>(kind: number, action: () => T): T | Promise<T> {
    if (!this.#asynchronous) return action()
    return new Promise((resolve, reject) => {
      ;(this.#due[kind] as (() => void)[]).push(() => {
        try {
          resolve(action())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  get asynchronous(): boolean {
    return this.#asynchronous
  }

  /** Puts something off until `step`. */
  put(kind: number, action: () => void): void {
    ;(this.#due[kind] as (() => void)[]).push(action)
  }

  takeSpoilt(): boolean {
    const spoilt = this.#spoilt
    this.#spoilt = false
    return spoilt
  }

  forget(topic: string): void {
    this.#opened.delete(topic)
  }

  step(which: number): boolean {
    const ready = this.#due.filter(queue => queue.length > 0)
    const queue = ready[which % ready.length]
    if (queue === undefined) return false
    const index = queue === this.#due[READ] ? which % queue.length : 0
    queue.splice(index, 1)[0]?.()
    return true
  }

  spoil(): void {
    this.#spoilt = true
  }

  crash(): void {
    for (const queue of this.#due) queue.length = 0
    this.#opened.clear()
    this.#spoilt = false
    this.life++
  }
}

const [OPEN, WRITE, TELL, ANSWER, READ] = [0, 1, 2, 3, 4] as const

interface Store {
  readonly epoch: string
  entries: JournalEntry[]
  latest: number
  told: { earliest: number; latest: number }
}

class LastingLog implements JournalLog {
  readonly epoch: string
  readonly #journal: LastingJournal
  readonly #topic: string
  readonly #retention: Retention
  readonly #store: Store
  readonly #life: Life
  readonly #history: History
  #listener: ((entries: readonly JournalEntry[]) => void) | undefined
  #closed = false
  readonly #process: number

  constructor(journal: LastingJournal, topic: string, retention: Retention, store: Store, history: History) {
    this.epoch = store.epoch
    this.#journal = journal
    this.#process = journal.life
    this.#topic = topic
    this.#retention = retention
    this.#store = store
    this.#history = history
    this.#life = history.open(topic, store.epoch, () => ({ told: store.told, now: boundsOf(store) }))
  }

  bounds(): JournalBounds {
    return boundsOf(this.#store)
  }

  /** Whether the process that opened it is gone. */
  get #dead(): boolean {
    return this.#process !== this.#journal.life
  }

  append(events: readonly string[]): number | Promise<number> {
    if (this.#dead) return never
    this.#checkOpen()
    if (!this.#journal.asynchronous) {
      const entries = this.#write(events)
      this.#tell(entries)
      return entries[0]?.sequence as number
    }
    return new Promise((resolve, reject) => {
      this.#journal.put(WRITE, () => {
        let entries: JournalEntry[] = []
        try {
          entries = this.#write(events)
        } catch (error) {
          this.#journal.put(ANSWER, () => reject(error))
          this.#journal.put(TELL, () => {})
          return
        }
        this.#journal.put(TELL, () => {
          this.#tell(entries)
          this.#journal.put(ANSWER, () => resolve(entries[0]?.sequence as number))
        })
      })
    })
  }

  read(after: number, length: number): readonly JournalEntry[] | Promise<readonly JournalEntry[]> {
    if (this.#dead) return never
    this.#checkOpen()
    return this.#journal.perform(READ, () => {
      const read: JournalEntry[] = []
      let sum = 0
      for (const entry of this.#store.entries) {
        if (entry.sequence <= after) continue
        if (sum >= length) break
        read.push(entry)
        sum += entry.text.length
      }
      return read
    })
  }

  tail(listener: (entries: readonly JournalEntry[]) => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }

  trim(): void {
    if (this.#dead) return
    this.#keep()
    this.#store.told = boundsOf(this.#store)
  }

  close(): void | Promise<void> {
    if (this.#dead) return
    this.#closed = true
    this.#history.closes(this.epoch)
    return this.#journal.perform(ANSWER, () => {
      this.#listener = undefined
      this.#journal.forget(this.#topic)
    })
  }

  #write(events: readonly string[]): JournalEntry[] {
    if (this.#journal.takeSpoilt()) throw new Error('The disk is full')
    const store = this.#store
    const entries = events.map(text => ({ sequence: ++store.latest, at: Date.now(), text }))
    store.entries.push(...entries)
    this.#life.facts.push(...events.map(factOf))
    this.#keep()
    return entries
  }

  #tell(entries: readonly JournalEntry[]): void {
    this.#store.told = boundsOf(this.#store)
    this.#listener?.(entries)
  }

  #keep(): void {
    const kept = this.#store.entries.map(({ at, text }) => ({ at, length: text.length }))
    keep(kept, this.#retention)
    this.#store.entries = this.#store.entries.slice(this.#store.entries.length - kept.length)
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error(`The log of ${this.#topic} is used after it was closed`)
  }
}

const never = new Promise<never>(() => {})

function boundsOf({ entries, latest }: Store): JournalBounds {
  const bytes = entries.reduce((sum, { text }) => sum + text.length, 0)
  return { earliest: latest - entries.length + 1, latest, bytes }
}

/** What retention leaves, told as simply as can be. */
function keep(entries: { at: number; length: number }[], { count, bytes, age }: Retention): void {
  const tooMany = (): boolean => entries.length > count
  const tooLong = (): boolean => entries.length > 1 && entries.reduce((sum, { length }) => sum + length, 0) > bytes
  const tooOld = (): boolean => entries.length > 0 && (entries[0] as { at: number }).at <= Date.now() - age
  while (tooMany() || tooLong() || tooOld()) entries.shift()
}
