import { JournalError } from '../errors.js'
import type { JournalBounds, JournalEntry, JournalLog, Retention } from '../journal.js'
import type { Author, Change, LmdbFile } from './lmdb-file.js'
import { keyOf, prefixOf, readKey, type StoredKey } from './lmdb-key.js'

/** The log of one topic in a file of LMDB. */
export class LmdbLog implements JournalLog, Author {
  readonly topic: string
  readonly epoch: string
  readonly #file: LmdbFile
  readonly #retention: Retention
  readonly #prefix: Buffer
  readonly #onClose: () => void
  #bounds: Bounds
  /** The first event in the file: retention may have gone further already. */
  #stored: number
  /** When something was last appended. */
  #at: number
  #appends: Append[] = []
  #asked = false
  #commit: Commit | undefined
  #trimLater = false
  #forgotten = false
  #listener: ((entries: readonly JournalEntry[]) => void) | undefined
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  /**
   * @param onClose told when nothing of it is to be written any more
   * @throws {JournalError} if its events are not those that it had
   */
  constructor(file: LmdbFile, topic: string, retention: Retention, onClose: () => void) {
    this.#file = file
    this.topic = topic
    this.#retention = retention
    this.#prefix = prefixOf(topic)
    this.#onClose = onClose
    const { epoch, earliest, latest, bytes, at } = file.records.get(topic) ?? EMPTY
    this.epoch = epoch ?? file.epochOf(topic)
    this.#bounds = { earliest, latest, bytes }
    this.#stored = earliest
    this.#at = at
    this.#check()
    this.#trim()
  }

  get closing(): boolean {
    return this.#closing !== undefined
  }

  bounds(): JournalBounds {
    return { ...this.#bounds }
  }

  append(events: readonly string[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#appends.push({ events, resolve, reject })
      this.#ask()
    })
  }

  read(after: number, length: number): readonly JournalEntry[] {
    const { earliest, latest } = this.#bounds
    const entries: JournalEntry[] = []
    if (after >= latest) return entries
    const start = keyOf(this.#prefix, Math.max(after + 1, earliest))
    const end = keyOf(this.#prefix, latest + 1)
    let sum = 0
    for (const { key, value } of this.#file.events.getRange({ start, end })) {
      const { sequence, at } = readKey(key)
      entries.push({ sequence, at, text: value })
      sum += value.length
      if (sum >= length) break
    }
    return entries
  }

  tail(listener: (entries: readonly JournalEntry[]) => void): () => void {
    this.#listener = listener
    return () => {
      if (this.#listener === listener) this.#listener = undefined
    }
  }

  trim(): void {
    if (this.#commit) this.#trimLater = true
    else this.#trim()
  }

  /** Removes what is still known of it, if it has no events and was not written to since then. */
  forget(since: number): void {
    this.#forgotten = this.#bounds.earliest > this.#bounds.latest && this.#at < since
    if (this.#forgotten) this.#ask()
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>(resolve => {
      this.#idle = resolve
      this.#settle()
    }).then(this.#onClose)
    return this.#closing
  }

  // What is written

  compose(): Change {
    // First, as what follows may fail: whoever comes then asks anew.
    this.#asked = false
    const appends = this.#appends
    const at = Date.now()
    const texts = appends.flatMap(({ events }) => events)
    const bounds = { ...this.#bounds }
    const entries = texts.map(text => ({ sequence: ++bounds.latest, at, text }))
    for (const { length } of texts) bounds.bytes += length
    const removes: Buffer[] = []
    for (const stored of this.#keysFrom(this.#stored)) {
      if (stored.sequence >= bounds.earliest && !this.#takes(bounds, stored.at, stored.length)) break
      removes.push(stored.key)
    }
    const kept = entries.filter(({ sequence, text }) => {
      return sequence !== bounds.earliest || !this.#takes(bounds, at, text.length)
    })
    const puts = kept.map(({ sequence, text }) => ({ key: keyOf(this.#prefix, sequence, at, text.length), text }))
    this.#appends = []
    this.#commit = { appends, entries, bounds, at: entries.length > 0 ? at : this.#at }
    if (this.#forgotten) return { record: undefined, puts, removes }
    const record = { epoch: this.epoch, ...bounds, at: this.#commit.at, retention: this.#retention }
    return { record, puts, removes }
  }

  written(): void {
    const { appends, entries, bounds, at } = this.#commit as Commit
    this.#commit = undefined
    this.#bounds = bounds
    this.#stored = bounds.earliest
    this.#at = at
    if (entries.length > 0) this.#listener?.(entries)
    let first = bounds.latest - entries.length + 1
    for (const { events, resolve } of appends) {
      resolve(first)
      first += events.length
    }
    this.#settle()
  }

  refused(error: JournalError): void {
    const appends = this.#commit?.appends ?? this.#appends.splice(0)
    this.#commit = undefined
    for (const { reject } of appends) reject(error)
    this.#settle()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#file.write(this)
  }

  #settle(): void {
    if (this.#trimLater) {
      this.#trimLater = false
      this.#trimAgain()
    }
    if (!this.#asked && !this.#commit) this.#idle?.()
  }

  /** What is asked for next must be written all the same if this fails: what is too old goes with the next trim. */
  #trimAgain(): void {
    try {
      this.#trim()
    } catch {}
  }

  #trim(): void {
    const bounds = { ...this.#bounds }
    for (const { at, length } of this.#keysFrom(bounds.earliest)) {
      if (!this.#takes(bounds, at, length)) break
    }
    if (bounds.earliest === this.#bounds.earliest) return
    this.#bounds = bounds
    this.#ask()
  }

  /** Whether retention takes the oldest event; it is out of the bounds then. */
  #takes(bounds: Bounds, at: number, length: number): boolean {
    const { count, bytes, age } = this.#retention
    const held = bounds.latest - bounds.earliest + 1
    if (held <= count && at > Date.now() - age && (bounds.bytes <= bytes || held === 1)) return false
    bounds.earliest++
    bounds.bytes -= length
    return true
  }

  *#keysFrom(sequence: number): Iterable<StoredKey> {
    const end = keyOf(this.#prefix, this.#bounds.latest + 1)
    for (const key of this.#file.events.getKeys({ start: keyOf(this.#prefix, sequence), end })) yield readKey(key)
  }

  #check(): void {
    const { earliest, latest } = this.#bounds
    const [start, end] = [keyOf(this.#prefix, 0), keyOf(this.#prefix, MAX_SEQUENCE)]
    const [first] = this.#file.events.getKeys({ start, end, limit: 1 })
    const [last] = this.#file.events.getKeys({ start: end, end: start, limit: 1, reverse: true })
    const found = [first, last].map(key => key && readKey(key).sequence)
    const expected = earliest > latest ? [undefined, undefined] : [earliest, latest]
    if (found[0] === expected[0] && found[1] === expected[1]) return
    throw new JournalError(`The events of the topic ${this.topic} are damaged in the file of the journal`)
  }
}

const EMPTY = { epoch: undefined, earliest: 1, latest: 0, bytes: 0, at: 0 }
const MAX_SEQUENCE = 2 ** 48 - 1

interface Bounds {
  earliest: number
  latest: number
  bytes: number
}

interface Append {
  readonly events: readonly string[]
  resolve(first: number): void
  reject(error: unknown): void
}

/** What is on its way into the file. */
interface Commit {
  readonly appends: readonly Append[]
  readonly entries: readonly JournalEntry[]
  readonly bounds: Bounds
  readonly at: number
}
