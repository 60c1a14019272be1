import { Roster } from '../sse/roster.js'
import { isThenable } from '../sse/source.js'
import { spend, wait } from '../sse/turn.js'
import { TopicBusyError, TopicClosedError } from './errors.js'
import { type Chunk, Hot } from './hot.js'
import type { JournalEntry, JournalLog, Retention } from './journal.js'
import { formatPosition } from './position.js'
import { Batch, Publication, type Publisher } from './publication.js'
import { begin, type Round } from './rounds.js'

/** How many characters go to the journal in one call. */
const BATCH = 1 << 20

/** How many bytes a subscriber is written at once: one that is up to date, and one that is behind. */
const LIVE_CHUNK = 1 << 20
const REPLAY_CHUNK = 1 << 15

/** How many followers are told between two looks at the clock. */
const STRIDE = 8

const FOLLOWER = Symbol('okapi.follower')
const LAGGING = Symbol('okapi.lagging')
const BLOCKING = Symbol('okapi.blocking')

/** One subscriber's place in a log. */
export interface Follower {
  /** The sequence of the last event it was given. */
  readonly position: number
  /** Whether it has had everything, and wants to be told of more. */
  readonly live: boolean
  /** There is more. */
  advance(): void
  /** Nothing more will come behind what there is. */
  end(): void
  /** For one that lets publishers wait: the last event that its client has taken. */
  readonly taken?: number | undefined
  /** It lags so far that it should leave, while there is still time to resume. */
  lagged?(): void
}

/** What is known of a topic at this moment. */
export interface TopicStats {
  readonly name: string
  readonly subscribers: number
  /** The positions of the first event that is kept and of the last there was; `null` if there is none. */
  readonly earliest: string | null
  readonly latest: string | null
  /** Characters of encoded text that are kept. */
  readonly bytes: number
  /** How many events the slowest subscriber is behind. */
  readonly lag: number
}

/** The log of one topic while it is in use: takes events in, and tells those who follow it. */
export class TopicLog implements Round, Publisher {
  readonly name: string
  epoch = ''
  /** The sequences of the first and the last event. */
  earliest = 1
  latest = 0
  bytes = 0
  /** Until the journal has opened; rejects if it cannot. */
  ready: Promise<void> | undefined
  closing = false
  readonly #retention: Retention
  readonly #onError: (error: unknown) => void
  readonly #followers = new Roster<Follower>(FOLLOWER)
  readonly #lagging = new Roster<Follower>(LAGGING)
  readonly #blocking = new Roster<Follower>(BLOCKING)
  readonly #waiting = new Set<Waiting>()
  #journal: JournalLog | undefined
  #hot = new Hot('')
  #batch: Batch | undefined
  #outstanding = 0
  /** How many followers are still to be told in this round. */
  #left = 0
  #begun = false
  #again = false
  /** What everybody who is live had been given when the round began. */
  #passed = 0
  #lagAt = 0
  #replayed: Chunk | undefined
  #replaying: { readonly sequence: number; readonly chunk: Promise<Chunk | undefined> } | undefined
  #allAnswered: (() => void) | undefined
  #settling = false
  /** Whether all events that ever come are there. */
  #ending = false
  #emptied: (() => void) | undefined
  #closed: Promise<void> | undefined

  /** @param onError told of an error that nobody else is told of */
  constructor(
    name: string,
    retention: Retention,
    journal: JournalLog | Promise<JournalLog>,
    onError: (error: unknown) => void = noop,
  ) {
    this.name = name
    this.#retention = retention
    this.#onError = onError
    if (!isThenable(journal)) this.#open(journal)
    else {
      this.ready = journal.then(opened => this.#open(opened))
      this.ready.catch(error => this.#fail(error))
    }
  }

  get idle(): boolean {
    return (
      this.#followers.size === 0 && this.#outstanding === 0 && this.ready === undefined && this.earliest > this.latest
    )
  }

  get stats(): TopicStats {
    let slowest = this.latest
    for (const { position } of this.#followers) slowest = Math.min(slowest, position)
    const { name, epoch, earliest, latest, bytes } = this
    return {
      name,
      subscribers: this.#followers.size,
      earliest: earliest > latest ? null : formatPosition(epoch, earliest),
      latest: latest === 0 ? null : formatPosition(epoch, latest),
      bytes,
      lag: latest - slowest,
    }
  }

  // In

  /** Takes the text of an event. It is on its way to the journal when the code that runs now is done. */
  publish(text: string): Publication {
    if (this.closing) throw new TopicClosedError(this.name)
    if (this.#outstanding > Math.max(this.#retention.bytes, BATCH * 8)) throw new TopicBusyError(this.name)
    let batch = this.#batch
    if (batch === undefined) {
      batch = new Batch()
      this.#batch = batch
      process.nextTick(flush, this)
    }
    const index = batch.add(text)
    this.#outstanding += text.length
    if (batch.characters >= BATCH) this.flush()
    return new Publication(this, batch, index)
  }

  /** @internal */
  flush(): void {
    const batch = this.#batch
    if (batch === undefined || this.#journal === undefined) return
    this.#batch = undefined
    try {
      const first = this.#journal.append(batch.texts)
      if (!isThenable(first)) this.#appended(batch, first)
      else
        first.then(
          sequence => this.#appended(batch, sequence),
          error => this.#refused(batch, error),
        )
    } catch (error) {
      this.#refused(batch, error)
    }
  }

  async published(batch: Batch, index: number): Promise<string> {
    const sequence = (await batch.first()) + index
    if (this.#blocking.size > 0) await this.#taken(sequence)
    // A loop that awaits each event must not keep the event loop for itself, though nothing here takes time.
    if (!spend((batch.texts[index] as string).length)) await nextTurn()
    return formatPosition(this.epoch, sequence)
  }

  #appended(batch: Batch, first: number): void {
    this.#answered(batch)
    batch.resolve(first)
  }

  #refused(batch: Batch, error: unknown): void {
    this.#answered(batch)
    batch.reject(error)
    // Who awaits a publication may come to ask for it a moment later.
    setImmediate(() => batch.isHeard || this.#onError(error))
  }

  #answered({ characters }: Batch): void {
    this.#outstanding -= characters
    if (this.#outstanding === 0) this.#allAnswered?.()
  }

  #open(journal: JournalLog): void {
    this.ready = undefined
    this.#journal = journal
    this.epoch = journal.epoch
    this.#hot = new Hot(journal.epoch)
    this.#measure()
    journal.tail(entries => this.#onTail(entries))
    // Behind those that wait until it is open: they were here before the events.
    if (this.#batch) process.nextTick(flush, this)
  }

  #fail(error: unknown): void {
    if (this.#batch) this.#refused(this.#batch, error)
    this.#batch = undefined
  }

  #onTail(entries: readonly JournalEntry[]): void {
    this.#measure()
    this.latest = Math.max(this.latest, entries[entries.length - 1]?.sequence ?? 0)
    if (this.#followers.size === 0) return
    this.#hot.add(entries)
    this.#tellLagging()
    this.#again = true
    if (this.#begun) return
    this.#begun = true
    begin(this)
  }

  #measure(): void {
    const { earliest, latest, bytes } = (this.#journal as JournalLog).bounds()
    this.earliest = earliest
    this.latest = latest
    this.bytes = bytes
  }

  // Out

  /** Takes a follower in, to be ended at once where all are. */
  join(follower: Follower): void {
    this.#followers.add(follower)
    if (follower.taken !== undefined) this.#blocking.add(follower)
    if (this.#ending) follower.end()
  }

  leave(follower: Follower): void {
    if (!this.#followers.delete(follower)) return
    this.#lagging.delete(follower)
    this.#blocking.delete(follower)
    this.settle()
    if (this.#followers.size > 0) return
    this.#hot.clear()
    this.#replayed = undefined
    this.#emptied?.()
  }

  /** Notes that a follower may be behind, and wants to be told when it should leave. */
  lags(follower: Follower): void {
    this.#lagging.add(follower)
  }

  caughtUp(follower: Follower): void {
    this.#lagging.delete(follower)
  }

  /** The events behind a sequence as a chunk for a socket. Nothing if there are none, or they are gone. */
  chunkAfter(sequence: number, live: boolean): Chunk | undefined | Promise<Chunk | undefined> {
    const chunk = this.#hot.after(sequence, live ? LIVE_CHUNK : REPLAY_CHUNK)
    if (chunk) return chunk
    if (this.#replayed?.first === sequence + 1) return this.#replayed
    if (this.#replaying?.sequence === sequence) return this.#replaying.chunk
    const entries = this.read(sequence, REPLAY_CHUNK)
    return isThenable(entries) ? this.#replayLater(sequence, entries) : this.#replay(sequence, entries)
  }

  /** Many may come back to the same place at the same time: the journal is asked once for them all. */
  async #replayLater(sequence: number, read: PromiseLike<readonly JournalEntry[]>): Promise<Chunk | undefined> {
    const replaying = { sequence, chunk: Promise.resolve(read.then(entries => this.#replay(sequence, entries))) }
    this.#replaying = replaying
    try {
      return await replaying.chunk
    } finally {
      if (this.#replaying === replaying) this.#replaying = undefined
    }
  }

  #replay(sequence: number, entries: readonly JournalEntry[]): Chunk | undefined {
    const [first] = entries
    if (first?.sequence !== sequence + 1) this.#measure()
    if (first === undefined) return undefined
    this.#replayed = this.#hot.frame(entries)
    return this.#replayed
  }

  /** The events behind a sequence, about as many as have `length` characters. */
  read(sequence: number, length: number): readonly JournalEntry[] | Promise<readonly JournalEntry[]> {
    return (this.#journal as JournalLog).read(sequence, length)
  }

  /** Tells the followers that wait, one after the other, the last of them first: they may come and go meanwhile. */
  go(deadline: number): boolean {
    const followers = this.#followers
    while (this.#left > 0 || this.#again) {
      if (this.#left === 0) this.#newRound()
      while (this.#left > 0) {
        const follower = followers.at(--this.#left)
        if (!follower?.live || follower.position >= this.latest) continue
        follower.advance()
        if (this.#left % STRIDE === 0 && performance.now() > deadline) return false
      }
    }
    this.#begun = false
    this.#trim(this.latest)
    return true
  }

  #newRound(): void {
    this.#again = false
    this.#trim(this.#passed)
    this.#passed = this.latest
    this.#left = this.#followers.size
  }

  #trim(passed: number): void {
    this.#hot.trim(this.earliest, passed)
    if (this.#replayed && this.#replayed.first < this.earliest) this.#replayed = undefined
  }

  // Not for each event: a quarter of the log at a time is soon enough for those that would like to leave in time.
  #tellLagging(): void {
    const { earliest, latest } = this
    if (this.#lagging.size === 0 || latest - this.#lagAt < (latest - earliest) / 4) return
    this.#lagAt = latest
    // Nothing has gone yet: nobody can lose anything soon.
    if (earliest <= 1) return
    for (const follower of this.#lagging) {
      if (!follower.live && follower.position < (earliest + latest) / 2) follower.lagged?.()
    }
  }

  #taken(sequence: number): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.add({ sequence, resolve })
      this.settle()
    })
  }

  /** Soon, lets publishers go on whose event has been taken by everybody who makes them wait. */
  settle(): void {
    if (this.#waiting.size === 0 || this.#settling) return
    this.#settling = true
    queueMicrotask(() => this.#settle())
  }

  #settle(): void {
    this.#settling = false
    let taken = Number.POSITIVE_INFINITY
    for (const follower of this.#blocking) taken = Math.min(taken, follower.taken as number)
    for (const waiting of this.#waiting) {
      if (waiting.sequence > taken) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }

  /** Lets go of what is too old. */
  trim(): void {
    if (this.#journal === undefined) return
    this.#journal.trim()
    this.#measure()
    if (!this.#begun) this.#trim(this.latest)
  }

  /** Ends everybody who follows it, behind what they have not read yet; resolves when they have gone. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.ready) await this.ready.catch(noop)
    this.flush()
    this.closing = true
    // All of them: a journal may refuse one before it answers those that came first.
    if (this.#outstanding > 0) {
      await new Promise<void>(resolve => {
        this.#allAnswered = resolve
      })
    }
    this.#ending = true
    for (const follower of this.#followers) follower.end()
    if (this.#followers.size > 0) {
      await new Promise<void>(resolve => {
        this.#emptied = resolve
      })
    }
    await this.#journal?.close()
  }
}

interface Waiting {
  readonly sequence: number
  resolve(): void
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    wait({
      resume: () => {
        resolve()
        return true
      },
    })
  })
}

function flush(log: TopicLog): void {
  log.flush()
}

function noop(): void {}
