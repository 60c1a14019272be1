import { randomBytes } from 'node:crypto'
import type { Journal, JournalBounds, JournalEntry, JournalLog, Retention } from '../journal.js'

/**
 * Keeps logs in the memory of this process: the default. They end with it; a client that comes back to the next process
 * is told of a gap.
 */
export class MemoryJournal implements Journal {
  open(_topic: string, retention: Retention): JournalLog {
    return new MemoryLog(retention)
  }
}

/** How many events are gone, at least, before the array behind them moves up. */
const SLACK = 64

class MemoryLog implements JournalLog {
  readonly epoch = newEpoch()
  readonly #retention: Retention
  #entries: JournalEntry[] = []
  #gone = 0
  #latest = 0
  #length = 0
  #listener: ((entries: readonly JournalEntry[]) => void) | undefined

  constructor(retention: Retention) {
    this.#retention = retention
  }

  bounds(): JournalBounds {
    return {
      earliest: this.#latest - (this.#entries.length - this.#gone) + 1,
      latest: this.#latest,
      bytes: this.#length,
    }
  }

  append(events: readonly string[]): number {
    const at = Date.now()
    const first = this.#latest + 1
    const added = events.map((text, index) => ({ sequence: first + index, at, text }))
    for (const entry of added) {
      this.#entries.push(entry)
      this.#length += entry.text.length
    }
    this.#latest += events.length
    this.trim()
    this.#listener?.(added)
    return first
  }

  read(after: number, length: number): readonly JournalEntry[] {
    const start = this.#gone + Math.max(0, after + 1 - this.bounds().earliest)
    let end = start
    for (let sum = 0; end < this.#entries.length && sum < length; end++) sum += this.#at(end).text.length
    return this.#entries.slice(start, end)
  }

  tail(listener: (entries: readonly JournalEntry[]) => void): () => void {
    this.#listener = listener
    return () => {
      if (this.#listener === listener) this.#listener = undefined
    }
  }

  trim(): void {
    const { count, bytes, age } = this.#retention
    const oldest = Date.now() - age
    for (;;) {
      const held = this.#entries.length - this.#gone
      if (held === 0) break
      const { text, at } = this.#at(this.#gone)
      if (held <= count && at > oldest && (this.#length <= bytes || held === 1)) break
      this.#entries[this.#gone++] = GONE
      this.#length -= text.length
    }
    // By half at a time: each event that goes has then been moved once or twice, however long the log is.
    if (this.#gone < this.#entries.length && (this.#gone < SLACK || this.#gone < this.#entries.length / 2)) return
    this.#entries = this.#entries.slice(this.#gone)
    this.#gone = 0
  }

  close(): void {
    this.#entries = []
    this.#gone = 0
    this.#length = 0
    this.#listener = undefined
  }

  #at(index: number): JournalEntry {
    return this.#entries[index] as JournalEntry
  }
}

const GONE: JournalEntry = { sequence: 0, at: 0, text: '' }

/** The name of a new life of a log: 10 letters and digits. */
export function newEpoch(): string {
  return randomBytes(8).readBigUInt64BE().toString(36).padStart(13, '0').slice(-10)
}
