import { createHash, randomUUID } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { JournalError } from '../errors.js'
import type { Retention } from '../journal.js'

/** What is kept of a log beside its events. */
export interface LogRecord {
  readonly epoch: string
  readonly earliest: number
  readonly latest: number
  readonly bytes: number
  /** When something was last appended, in milliseconds since 1970. */
  readonly at: number
  readonly retention: Retention
}

/** What the next commit is to change for one topic. */
export interface Change {
  readonly record: LogRecord | undefined
  readonly puts: readonly { readonly key: Buffer; readonly text: string }[]
  readonly removes: readonly Buffer[]
}

/** Has something to be written. */
export interface Author {
  readonly topic: string
  /** What it is. Asked when the commit begins; one of the two below follows. */
  compose(): Change
  written(): void
  refused(error: JournalError): void
}

const OWNER = 'owner'
const SEED = 'seed'

/** The environment of LMDB behind a journal: one file, whose commits come one after the other. */
export class LmdbFile {
  readonly events: Database<string, Buffer>
  readonly records: Database<LogRecord, string>
  readonly #path: string
  readonly #root: RootDatabase
  readonly #owners: Database<string, string>
  readonly #owner: number
  #seed: string
  readonly #authors = new Set<Author>()
  #writing: Promise<void> | undefined
  #broken: JournalError | undefined

  constructor(path: string) {
    this.#path = path
    checkHead(path)
    let root: RootDatabase | undefined
    try {
      root = open({ path, noSubdir: false, maxDbs: 3, overlappingSync: false, eventTurnBatching: false })
      checkLength(path, root.getStats() as Extent)
      this.#root = root
      this.events = root.openDB({ name: 'events', encoding: 'string', keyEncoding: 'binary' })
      this.records = root.openDB({ name: 'logs' })
      this.#owners = root.openDB({ name: 'owner', encoding: 'string', useVersions: true })
      this.#owner = this.#own()
      this.#seed = this.#owners.get(SEED) as string
    } catch (cause) {
      root?.close()
      throw new JournalError(`${path} cannot be opened (${messageOf(cause)}): is it a directory of a journal?`, {
        cause,
      })
    }
  }

  /** Takes the file over from whoever had it: a version of its own, which every commit asks for. */
  #own(): number {
    return this.#root.transactionSync(() => {
      const owner = (this.#owners.getEntry(OWNER)?.version ?? 0) + 1
      this.#owners.put(OWNER, `process ${process.pid}`, owner)
      if (!this.#owners.doesExist(SEED)) this.#owners.put(SEED, randomUUID(), 0)
      return owner
    })
  }

  /** Of a log that has nothing yet: the same each time, so that nothing need be written until it has. */
  epochOf(topic: string): string {
    const digest = createHash('sha256').update(`${this.#seed} ${topic}`).digest()
    return digest.readBigUInt64BE().toString(36).slice(-10).padStart(10, '0')
  }

  /** Has it written with the next commit, together with all others that ask until that begins. */
  write(author: Author): void {
    this.#authors.add(author)
    this.#writing ??= this.#write()
  }

  // The first commit takes in all that is appended in this turn; each other one all that came during the one before.
  async #write(): Promise<void> {
    await undefined
    while (this.#authors.size > 0) {
      const changes = this.#compose()
      const error = this.#broken ?? (await this.#commit(changes))
      for (const author of changes.keys()) {
        if (error) author.refused(error)
        else author.written()
      }
    }
    this.#writing = undefined
  }

  #compose(): Map<Author, Change> {
    const changes = new Map<Author, Change>()
    for (const author of this.#authors) {
      this.#authors.delete(author)
      try {
        changes.set(author, author.compose())
      } catch (cause) {
        author.refused(this.#unwritten(cause))
      }
    }
    return changes
  }

  async #commit(changes: ReadonlyMap<Author, Change>): Promise<JournalError | undefined> {
    try {
      const owned = await this.#owners.ifVersion(OWNER, this.#owner, () => {
        for (const [{ topic }, change] of changes) this.#change(topic, change)
      })
      if (owned) return undefined
      this.#broken = new JournalError(
        `${this.#path} was opened by another journal since (${this.#owners.get(OWNER)}): each needs a directory of its own`,
      )
      return this.#broken
    } catch (error) {
      return this.#failed(await causeOf(error))
    }
  }

  #change(topic: string, { record, puts, removes }: Change): void {
    for (const key of removes) this.events.remove(key)
    for (const { key, text } of puts) this.events.put(key, text)
    if (record) this.records.put(topic, record)
    else this.#forget(topic)
  }

  #forget(topic: string): void {
    this.records.remove(topic)
    this.#seed = randomUUID()
    this.#owners.put(SEED, this.#seed, 0)
  }

  // Once LMDB could not write its head, it begins no transaction any more, and lmdb would wait for one for ever.
  #failed(cause: unknown): JournalError {
    const error = this.#unwritten(cause)
    try {
      this.#root.transactionSync(() => {})
    } catch {
      this.#broken = error
    }
    return error
  }

  #unwritten(cause: unknown): JournalError {
    return new JournalError(`${this.#path} cannot be written: ${messageOf(cause)}`, { cause })
  }

  /** Writes what is still to be written, and lets the file go. */
  async close(): Promise<void> {
    await this.#writing
    await this.#root.close()
  }
}

const MAGIC = 0xbeefc0de

/** LMDB maps what it is given, and would end the process over a file that is none of its own. */
function checkHead(path: string): void {
  const file = join(path, 'data.mdb')
  if (!existsSync(file)) return
  const head = Buffer.alloc(32)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, head, 0, head.length, 0)
    if (fstatSync(descriptor).size === 0 || head.readUInt32LE(24) === MAGIC || head.readUInt32LE(16) === MAGIC) return
  } finally {
    closeSync(descriptor)
  }
  throw new JournalError(`${file} is no file of LMDB: move it away, or give the journal another directory`)
}

interface Extent {
  readonly pageSize: number
  readonly lastPageNumber: number
}

/** What is missing at the end of a file that was cut off is found damaged then, where it would end the process. */
function checkLength(path: string, { pageSize, lastPageNumber }: Extent): void {
  const file = join(path, 'data.mdb')
  const descriptor = openSync(file, 'r')
  const { size } = fstatSync(descriptor)
  closeSync(descriptor)
  const length = (lastPageNumber + 1) * pageSize
  if (size < length) truncateSync(file, length)
}

/** What lmdb rejects with tells the reason only in another promise. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  if (commitError === undefined) return error
  return commitError.catch((cause: unknown) => cause)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
