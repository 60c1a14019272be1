import { type JournalBounds, type JournalEntry, type JournalLog, MemoryJournal, type Retention } from 'okapi'

/** Keeps everything that specs publish. */
export const ROOMY: Retention = { count: 1e6, bytes: 1e9, age: 1e9 }

/** A log in memory, with a known epoch; a spec may put something before each of its answers: a wait, an error. */
export class HandLog implements JournalLog {
  readonly epoch: string
  /** How many events each call of `append` brought. */
  readonly appends: number[] = []
  /** The sequences that were read after. */
  readonly reads: number[] = []
  beforeAppend: (() => Promise<unknown> | undefined) | undefined
  beforeRead: (() => Promise<unknown> | undefined) | undefined
  beforeClose: (() => Promise<unknown> | undefined) | undefined
  closed = false
  readonly #log: JournalLog

  constructor(retention: Retention = ROOMY, epoch = 'e') {
    this.epoch = epoch
    this.#log = new MemoryJournal().open('', retention) as JournalLog
  }

  bounds(): JournalBounds {
    return this.#log.bounds()
  }

  append(events: readonly string[]): number | Promise<number> {
    this.appends.push(events.length)
    const append = (): number => this.#log.append(events) as number
    return this.beforeAppend?.()?.then(append) ?? append()
  }

  read(after: number, length: number): readonly JournalEntry[] | Promise<readonly JournalEntry[]> {
    this.reads.push(after)
    const read = (): readonly JournalEntry[] => this.#log.read(after, length) as readonly JournalEntry[]
    return this.beforeRead?.()?.then(read) ?? read()
  }

  tail(listener: (entries: readonly JournalEntry[]) => void): () => void {
    return this.#log.tail(listener)
  }

  trim(): void {
    this.#log.trim()
  }

  async close(): Promise<void> {
    await this.beforeClose?.()
    this.closed = true
  }
}
