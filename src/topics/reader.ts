import { EncodedEvent } from '../sse/event.js'
import type { Outlet } from '../sse/feed.js'
import { type Place, Pulses } from '../sse/pulse.js'
import { comeBack } from '../sse/retry.js'
import type { Serializer } from '../sse/serializer.js'
import { isThenable } from '../sse/source.js'
import { spend, wait } from '../sse/turn.js'
import type { Conflation } from './conflation.js'
import { contentOf } from './content.js'
import { Cursor, type CursorReader } from './cursor.js'
import { type Entry, overflow } from './entry.js'
import { LagError, TopicClosedError } from './errors.js'
import { type Decode, decodeDefault, TopicEvent } from './event.js'
import { type Gap, gapFrame } from './gap.js'
import type { JournalEntry } from './journal.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { formatPosition } from './position.js'
import type { TopicLog } from './topic-log.js'

/** How many characters are read from a log at once. */
const LENGTH = 32_000

/** After how many events that a client does not see, or after how long, it is told its position all the same. */
const SKIPPED = 100
const CHECKPOINT = 5_000

const checkpoints = new Pulses<Reader>(reader => reader.checkpoint())

/**
 * Reads one or several logs for one client, event by event, when it is asked: the way for everything that looks at
 * events, and for connections that cannot share chunks.
 */
export class Reader implements CursorReader {
  /** Whether it gives each event by itself, to a loop in this process, or the text of many at once. */
  readonly loops: boolean
  readonly #cursors: readonly Cursor[]
  readonly #options: ResolvedSubscribeOptions
  readonly #serializer: Serializer
  readonly #decode: Decode<unknown>
  #outlet: Outlet | undefined
  #out: EncodedEvent[] = []
  #snapshots: AsyncGenerator<EncodedEvent> | undefined
  #failure: { error: unknown } | undefined
  #turn = 0
  #spent = false
  #wake: (() => void) | undefined
  #release: (() => void) | undefined
  #skipped = 0
  #silence: Place<Reader> | undefined
  #due = false
  #done = false

  /** @param entries where it begins in each of the logs */
  constructor(
    logs: readonly TopicLog[],
    entries: readonly Entry[],
    options: ResolvedSubscribeOptions,
    serializer: Serializer,
    loops: boolean,
  ) {
    this.loops = loops
    this.#options = options
    this.#serializer = serializer
    this.#decode = options.decode ?? decodeDefault
    const entered = logs.map((log, index) => {
      const entry = entries[index] as Entry
      return { cursor: new Cursor(this, log, entry.position, options), entry }
    })
    this.#cursors = entered.map(({ cursor }) => cursor)
    this.#begin(entered)
  }

  /** The stream that is to end when this reader does; without one, `next()` rejects in place of that. */
  set outlet(outlet: Outlet) {
    this.#outlet = outlet
  }

  /** @throws what `filter`, `key`, `snapshot` or the journal throw; it has stopped then */
  next(): IteratorResult<EncodedEvent> | Promise<IteratorResult<EncodedEvent>> {
    try {
      for (;;) {
        const value = this.#out.shift()
        if (value !== undefined) return { done: false, value }
        if (this.#done) return END
        if (this.#failure) throw this.#failure.error
        this.#taken()
        const filled = this.#fill()
        if (filled !== true) return this.#nextAfter(filled)
      }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  /** Leaves the logs. Settles when a snapshot that is being read has ended, too. */
  stop(): Promise<unknown> | undefined {
    if (this.#done) return undefined
    this.#done = true
    this.#out = []
    this.#endSilence()
    for (const cursor of this.#cursors) cursor.leave()
    this.wake()
    this.#release?.()
    return this.#snapshots?.return(undefined)
  }

  /** Ends behind what there is. */
  end(): void {
    for (const cursor of this.#cursors) cursor.end()
  }

  wake(): void {
    const wake = this.#wake
    if (wake === undefined) return
    this.#wake = undefined
    for (const cursor of this.#cursors) cursor.live = false
    wake()
  }

  /** It is time to tell the client its position. */
  checkpoint(): void {
    this.#due = true
    this.wake()
  }

  // A loop is not sent away: it is told when it has lost something.
  lag(): void {
    if (this.#outlet) this.#sendAway(this.#outlet)
  }

  /** Whether it reads no more: the log may be closed. */
  get #isOver(): boolean {
    return this.#done || this.#failure !== undefined
  }

  abandon({ log }: Cursor): void {
    this.#failure = { error: new TopicClosedError(log.name) }
  }

  #sendAway(outlet: Outlet): void {
    this.#end()
    outlet.close(comeBack(), 'lag')
  }

  /** Stops by itself: what the end of a snapshot throws counts for less than the reason. */
  #end(): void {
    this.stop()?.catch(noop)
  }

  /** What comes behind something that is waited for, unless the reader is stopped meanwhile. */
  #nextAfter(filled: Promise<unknown>): Promise<IteratorResult<EncodedEvent>> {
    return new Promise<unknown>((resolve, reject) => {
      this.#release = () => resolve(undefined)
      filled.then(resolve, reject)
    }).then(
      () => this.next(),
      error => {
        this.#end()
        throw error
      },
    )
  }

  #taken(): void {
    if (this.#options.onLag !== 'block') return
    for (const cursor of this.#cursors) cursor.take()
  }

  // Where it begins

  /**
   * Tells what is missing of some logs, and gives the snapshots to go on from. The position comes behind all of that:
   * it is of all logs together, and a client that has it has missed nothing before.
   */
  #begin(entered: readonly Entered[]): void {
    const gaps = entered.filter(({ entry }) => entry.gap)
    const snapshots = entered.filter(({ entry }) => entry.snapshot)
    for (const [index, { cursor, entry }] of gaps.entries()) {
      const isLast = snapshots.length === 0 && index === gaps.length - 1
      this.#addGap(cursor, entry.gap as Gap, isLast ? this.#position() : undefined)
    }
    this.#told()
    if (snapshots.length > 0) this.#snapshots = this.#give(snapshots)
    else this.#due = gaps.length === 0 && entered.some(({ entry }) => entry.first)
  }

  #addGap({ log: { name } }: Cursor, gap: Gap, id: string | undefined): void {
    const told = this.#cursors.length === 1 ? gap : { ...gap, topic: name }
    this.#out.push(new TopicEvent(name, id, gapFrame(told), decodeDefault))
  }

  // The positions stand already: what is published meanwhile comes behind the snapshot, and is at most told twice.
  async *#give(entered: readonly Entered[]): AsyncGenerator<EncodedEvent> {
    for (const { cursor, entry } of entered) {
      const { name } = cursor.log
      const values: unknown = await this.#options.snapshot?.(entry.gap, name)
      for await (const value of isIterable(values) ? values : [values])
        yield new TopicEvent(name, undefined, contentOf(value, this.#serializer), this.#decode)
    }
    if (!this.loops) yield this.#checkpoint()
  }

  async #takeSnapshot(snapshots: AsyncGenerator<EncodedEvent>): Promise<void> {
    const { done, value } = await snapshots.next()
    if (done) this.#snapshots = undefined
    else if (!this.#done) this.#out.push(value)
  }

  // What it reads

  /** Gets something to give from one log or the next; where there is nothing, waits until there is. */
  #fill(): true | Promise<unknown> {
    if (this.#spent) {
      this.#spent = false
      return this.#rest()
    }
    if (this.#snapshots) return this.#takeSnapshot(this.#snapshots)
    if (this.#due) return this.#addCheckpoint()
    const { length } = this.#cursors
    for (let tried = 0; tried < length; tried++) {
      const read = this.#read(this.#cursors[this.#turn++ % length] as Cursor)
      if (read !== false) return read
    }
    if (!this.#cursors.every(({ ended }) => ended)) return this.#wait()
    this.stop()
    return true
  }

  #read(cursor: Cursor): boolean | Promise<unknown> {
    const { log, position, conflation } = cursor
    if (position >= log.latest) {
      if (cursor.ended) cursor.leave()
      return false
    }
    if (position < log.earliest - 1) return this.#fall(cursor)
    if (conflation) return this.#conflate(cursor, conflation)
    const entries = log.read(position, LENGTH)
    return isThenable(entries)
      ? Promise.resolve(entries).then(read => this.#add(cursor, read))
      : this.#add(cursor, entries)
  }

  /** Looks through all there is, and then gives the next part of it. */
  async #conflate(cursor: Cursor, conflation: Conflation): Promise<unknown> {
    const { log } = cursor
    const { latest } = log
    while (conflation.latest < latest) {
      const entries = await log.read(conflation.latest, LENGTH)
      if (this.#isOver) return
      if (isGone(log, conflation.latest, entries)) return this.#fall(cursor)
      this.#note(cursor, conflation, entries)
      if (!spend(lengthOf(entries))) await this.#rest()
      if (this.#isOver) return
    }
    return this.#add(cursor, await log.read(cursor.position, LENGTH), conflation)
  }

  #note(cursor: Cursor, conflation: Conflation, entries: readonly JournalEntry[]): void {
    const { filter, key } = this.#options
    const { head, tail } = this.#around(cursor)
    for (const { sequence, text } of entries) {
      const event = new TopicEvent(cursor.log.name, head + sequence + tail, text, this.#decode)
      if (!filter || passes(filter, event)) conflation.note(sequence, key?.(event))
      conflation.latest = sequence
    }
  }

  /** Adds what the client sees of some events, and goes on behind them. */
  #add(cursor: Cursor, entries: readonly JournalEntry[], conflation?: Conflation): true {
    if (this.#isOver) return true
    const { log, position } = cursor
    if (isGone(log, position, entries)) return this.#fall(cursor)
    const { head, tail } = this.#around(cursor)
    const looks = this.loops || (this.#options.filter !== undefined && !conflation)
    let shown = position
    let wire = ''
    for (const { sequence, text } of entries) {
      if (conflation && sequence > conflation.latest) break
      const id = head + sequence + tail
      const event = looks ? new TopicEvent(log.name, id, text, this.#decode) : undefined
      if (conflation ? conflation.take(sequence) : this.#passes(event)) {
        if (event === undefined) wire += `id: ${id}\n${text}`
        else if (this.loops) this.#out.push(event)
        else wire += event.wire
        shown = sequence
      }
      if (this.#failure) break
      cursor.position = sequence
    }
    if (wire !== '') this.#out.push(new EncodedEvent(wire))
    if (shown > position) this.#told()
    if (cursor.position > shown) this.#skip(cursor.position - shown)
    // The stream counts what it sends; the rest costs time all the same.
    const unsent = lengthOf(entries) - wire.length
    this.#spent = unsent > 0 && !spend(unsent)
    return true
  }

  /** Whether the filter lets an event through. When it throws, the reader fails behind what came before. */
  #passes(event: TopicEvent | undefined): boolean {
    const { filter } = this.#options
    if (filter === undefined || event === undefined) return true
    try {
      return passes(filter, event)
    } catch (error) {
      this.#failure = { error }
      return false
    }
  }

  /** What it has not read is gone. */
  #fall(cursor: Cursor): true {
    const { onLag, onGap } = this.#options
    if (onLag !== 'disconnect' && onGap !== 'refuse') {
      const entry = overflow(cursor.log, cursor.position, this.#options)
      cursor.move(entry.position)
      this.#begin([{ cursor, entry }])
    } else if (this.#outlet) this.#sendAway(this.#outlet)
    else throw new LagError(cursor.log.name)
    return true
  }

  // How far it is

  /** An event, or something else with an id, has told the client its position. */
  #told(): void {
    this.#skipped = 0
    this.#due = false
    this.#endSilence()
  }

  #endSilence(): void {
    this.#silence?.leave()
    this.#silence = undefined
  }

  /** The position has moved on behind events that the client does not see. A loop need not be told. */
  #skip(events: number): void {
    if (this.loops || this.#done) return
    if (this.#skipped === 0) this.#silence ??= checkpoints.of(CHECKPOINT).join(this)
    this.#skipped += events
    if (this.#skipped >= SKIPPED) this.#due = true
  }

  #addCheckpoint(): true {
    this.#told()
    if (!this.loops) this.#out.push(this.#checkpoint())
    return true
  }

  /** Tells the position without an event. */
  #checkpoint(): EncodedEvent {
    return new EncodedEvent(`id: ${this.#position()}\n\n`)
  }

  /** The position in all logs together: the last event ID of the client. */
  #position(): string {
    return this.#cursors.map(({ log, position }) => formatPosition(log.epoch, position)).join(',')
  }

  /** The same around the sequence of one log. */
  #around(cursor: Cursor): { head: string; tail: string } {
    const texts = this.#cursors.map(({ log, position }) => formatPosition(log.epoch, position))
    const index = this.#cursors.indexOf(cursor)
    const head = [...texts.slice(0, index), `${cursor.log.epoch}.`].join(',')
    return { head, tail: ['', ...texts.slice(index + 1)].join(',') }
  }

  // When there is nothing

  #wait(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      for (const cursor of this.#cursors) cursor.live = true
    })
  }

  /** Lets others have their turn of the event loop. */
  #rest(): Promise<void> {
    return new Promise(resolve => {
      wait({
        resume: () => {
          resolve()
          return !this.#done
        },
      })
    })
  }
}

interface Entered {
  readonly cursor: Cursor
  readonly entry: Entry
}

const END = { done: true, value: undefined } as const

/** Whether retention has taken events since it was last looked where the log begins. */
function isGone(log: TopicLog, position: number, [oldest]: readonly JournalEntry[]): boolean {
  if (oldest?.sequence === position + 1) return false
  log.trim()
  if (position < log.earliest - 1) return true
  throw new Error(`The journal of the topic ${log.name} does not give its event ${position + 1}`)
}

function passes(filter: NonNullable<ResolvedSubscribeOptions['filter']>, event: TopicEvent): boolean {
  const answer: unknown = filter(event)
  // Every promise is truthy: an async filter would let everything through.
  if (isThenable(answer)) throw new TypeError('subscribe(): filter answers at once, it is no async function')
  return Boolean(answer)
}

function lengthOf(entries: readonly JournalEntry[]): number {
  let length = 0
  for (const { text } of entries) length += text.length
  return length
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  return Symbol.iterator in value || Symbol.asyncIterator in value
}

function noop(): void {}
