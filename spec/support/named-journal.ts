import { type Journal, type JournalLog, MemoryJournal, type Retention } from 'okapi'

/** Keeps logs in memory, whose epochs can be told before: `a1` is the first life of the topic `a`, `a2` the second. */
export class NamedJournal implements Journal {
  readonly #memory = new MemoryJournal()
  readonly #lives = new Map<string, number>()
  /** The logs that are open. */
  readonly logs = new Map<string, JournalLog>()

  open(topic: string, retention: Retention): JournalLog {
    const life = (this.#lives.get(topic) ?? 0) + 1
    this.#lives.set(topic, life)
    const epoch = `${topic.replaceAll(/[^a-z0-9]/g, '').slice(0, 8)}${life}`
    const log = Object.defineProperty(this.#memory.open(topic, retention), 'epoch', { value: epoch })
    this.logs.set(topic, log)
    return log
  }
}
