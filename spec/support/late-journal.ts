import type { Journal, JournalBounds, JournalEntry, JournalLog, Retention } from 'okapi'
import { MemoryJournal } from 'okapi'

/** What a late journal can be told to do. */
export interface Lateness {
  /** Called before each answer, and waited for. */
  wait?: (call: 'open' | 'append' | 'read' | 'close') => Promise<unknown> | undefined
}

/** A journal that answers later, as one that keeps events somewhere else does. */
export class LateJournal implements Journal {
  /** The calls, in order: `read a 5`. */
  readonly calls: string[] = []
  readonly #memory = new MemoryJournal()
  readonly #lateness: Lateness

  constructor(lateness: Lateness = {}) {
    this.#lateness = lateness
  }

  async open(topic: string, retention: Retention): Promise<JournalLog> {
    const log = this.#memory.open(topic, retention)
    await this.#called('open', topic)
    return new LateLog(log, (call, ...more) => this.#called(call, topic, ...more))
  }

  async #called(call: 'open' | 'append' | 'read' | 'close', ...more: unknown[]): Promise<void> {
    this.calls.push([call, ...more].join(' '))
    await (this.#lateness.wait?.(call) ?? new Promise(resolve => setImmediate(resolve)))
  }
}

type Called = (call: 'append' | 'read' | 'close', ...more: unknown[]) => Promise<void>

class LateLog implements JournalLog {
  readonly #log: JournalLog
  readonly #called: Called

  constructor(log: JournalLog, called: Called) {
    this.#log = log
    this.#called = called
  }

  get epoch(): string {
    return this.#log.epoch
  }

  bounds(): JournalBounds {
    return this.#log.bounds()
  }

  async append(events: readonly string[]): Promise<number> {
    await this.#called('append')
    return this.#log.append(events)
  }

  async read(after: number, length: number): Promise<readonly JournalEntry[]> {
    await this.#called('read', after)
    return this.#log.read(after, length)
  }

  tail(listener: (entries: readonly JournalEntry[]) => void): () => void {
    return this.#log.tail(listener)
  }

  trim(): void {
    this.#log.trim()
  }

  async close(): Promise<void> {
    await this.#called('close')
    await this.#log.close()
  }
}
