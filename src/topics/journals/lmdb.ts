import { setImmediate } from 'node:timers/promises'
import { JournalError } from '../errors.js'
import type { Journal, JournalLog, Retention } from '../journal.js'
import { LmdbFile, type LogRecord } from './lmdb-file.js'
import { LmdbLog } from './lmdb-log.js'

/** How long a topic without events is remembered, in milliseconds: 30 days. */
const REMEMBERED = 30 * 86_400_000

/**
 * Keeps logs in a directory: they outlive the process. What `publish` has acknowledged is there after a restart, a
 * `kill -9` and a power cut, as far as the disk keeps what it confirms; what was not acknowledged is there whole, or not
 * at all. Clients that come back to the next process continue where they left off.
 *
 * Needs the package `lmdb`. Why LMDB: it commits by copying pages, so there is no log to recover, and nothing is torn.
 * Its binaries come with npm for Linux, macOS and Windows, so that nothing is compiled. `node:sqlite` is not in Node.js
 * 20, and files of our own would need an index, a recovery and a compaction of their own.
 *
 * One journal has a directory at a time: one that opens it takes it over, and the one before refuses whatever is
 * published from then on. The directory lies on a local disk. Its file does not shrink: what retention frees is used
 * again. Topics without events are forgotten 30 days after the last one, at the next start.
 *
 * @example
 * ```ts
 * import { LmdbJournal } from 'okapi/journal-lmdb'
 *
 * const app = await createApp({ controllers, topics: { journal: new LmdbJournal('data/topics') } })
 * ```
 */
export class LmdbJournal implements Journal {
  readonly #file: LmdbFile
  readonly #logs = new Map<string, LmdbLog>()
  readonly #swept: Promise<void>
  #closed = false

  /**
   * @param directory is made if there is none
   * @throws {JournalError} if it cannot be opened: its file is none of LMDB, or was cut off. What is damaged in the
   *   middle of the file is noticed late, or never.
   */
  constructor(directory: string) {
    this.#file = new LmdbFile(directory)
    this.#swept = this.#sweep()
    // Told by close(): until then nobody waits for it.
    this.#swept.catch(noop)
  }

  /** @throws {JournalError} if the events of the topic are damaged, or it is open already */
  open(topic: string, retention: Retention): JournalLog | Promise<JournalLog> {
    const before = this.#logs.get(topic)
    if (before === undefined) return this.#open(topic, retention)
    if (!before.closing) throw new JournalError(`The topic ${topic} is open already`)
    return before.close().then(() => this.open(topic, retention))
  }

  #open(topic: string, retention: Retention): LmdbLog {
    const log = new LmdbLog(this.#file, topic, retention, () => this.#logs.delete(topic))
    this.#logs.set(topic, log)
    return log
  }

  /** Frees the room of topics whose events are too old, though nobody asks for them any more. */
  async #sweep(): Promise<void> {
    await setImmediate()
    const now = Date.now()
    for (const topic of [...this.#file.records.getKeys()]) {
      if (this.#closed) return
      if (this.#logs.has(topic)) continue
      try {
        await this.#free(topic, now)
      } catch {
        // Told to whoever opens it.
      }
    }
  }

  async #free(topic: string, now: number): Promise<void> {
    const { at, retention } = this.#file.records.get(topic) as LogRecord
    const isTooOld = at + retention.age < now
    if (!isTooOld) return
    const log = this.#open(topic, retention)
    log.forget(now - REMEMBERED)
    await log.close()
  }

  /** Resolves when everything is in the file, and the directory free. */
  async close(): Promise<void> {
    this.#closed = true
    try {
      await this.#swept
      await Promise.all([...this.#logs.values()].map(log => log.close()))
    } finally {
      await this.#file.close()
    }
  }
}

function noop(): void {}
