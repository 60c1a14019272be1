import { encode } from '../sse/encode.js'
import { EncodedEvent, ServerSentEvent } from '../sse/event.js'
import type { Outlet } from '../sse/feed.js'
import { Pulses } from '../sse/pulse.js'
import { comeBack } from '../sse/retry.js'
import type { Serializer } from '../sse/serializer.js'
import { isThenable } from '../sse/source.js'
import { type Entry, overflow } from './entry.js'
import { LagError, TopicEventError } from './errors.js'
import { type Decode, decodeDefault, TopicEvent } from './event.js'
import { type Gap, gapFrame } from './gap.js'
import type { JournalEntry } from './journal.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { formatPosition } from './position.js'
import type { Follower, TopicLog } from './topic-log.js'

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
export class Reader {
  readonly #cursors: Cursor[]
  readonly #options: ResolvedSubscribeOptions
  readonly #serializer: Serializer | undefined
  readonly #events: boolean
  readonly #decode: Decode<unknown>
  #outlet: Outlet | undefined
  #out: EncodedEvent[] = []
  #turn = 0
  #wake: (() => void) | undefined
  #skipped = 0
  #due = false
  #done = false

  /**
   * @param entries where it begins in each of the logs
   * @param events whether to give each event by itself, or the text of many at once
   */
  constructor(
    logs: readonly TopicLog[],
    entries: readonly Entry[],
    options: ResolvedSubscribeOptions,
    serializer: Serializer | undefined,
    events: boolean,
  ) {
    this.#options = options
    this.#serializer = serializer
    this.#events = events
    this.#decode = options.decode ?? decodeDefault
    this.#cursors = logs.map((log, index) => new Cursor(this, log, entries[index] as Entry, options))
  }

  /** The stream that is to end when this reader does; without one, `next()` rejects in place of that. */
  set outlet(outlet: Outlet) {
    this.#outlet = outlet
  }

  next(): IteratorResult<EncodedEvent> | Promise<IteratorResult<EncodedEvent>> {
    for (;;) {
      if (this.#done) return END
      const value = this.#out.shift()
      if (value !== undefined) return { done: false, value }
      this.#taken()
      const filled = this.#fill()
      if (isThenable(filled)) return filled.then(() => this.next())
      if (filled) continue
      if (this.#cursors.every(cursor => cursor.ended)) {
        this.stop()
        return END
      }
      return this.#wait()
    }
  }

  stop(): void {
    if (this.#done) return
    this.#done = true
    this.#out = []
    checkpoints.of(CHECKPOINT).forget(this)
    for (const cursor of this.#cursors) cursor.log.leave(cursor)
    this.wake()
  }

  /** Ends behind what there is. */
  end(): void {
    for (const cursor of this.#cursors) cursor.end()
  }

  /** There is something to read. */
  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    for (const cursor of this.#cursors) cursor.live = false
    wake?.()
  }

  /** It is time to tell the client its position. */
  checkpoint(): void {
    this.#due = true
    if (this.#wake) this.wake()
  }

  /** Its client is so far behind that it should leave while it can still resume. Code that reads by itself is spared. */
  lag(): void {
    if (this.#outlet) this.#sendAway(this.#outlet)
  }

  #sendAway(outlet: Outlet): void {
    this.stop()
    outlet.close(comeBack(), 'lag')
  }

  #wait(): Promise<IteratorResult<EncodedEvent>> {
    return new Promise<void>(resolve => {
      this.#wake = resolve
      for (const cursor of this.#cursors) cursor.live = true
    }).then(() => this.next())
  }

  #taken(): void {
    if (this.#options.onLag !== 'block') return
    for (const cursor of this.#cursors) cursor.take()
  }

  /** Reads from the next log that has something. Returns whether there is something to give now. */
  #fill(): boolean | Promise<unknown> {
    if (this.#due) {
      this.#addCheckpoint()
      return true
    }
    const { length } = this.#cursors
    for (let tried = 0; tried < length; tried++) {
      const cursor = this.#cursors[this.#turn++ % length] as Cursor
      const read = this.#read(cursor)
      if (read !== false) return read
    }
    return false
  }

  #read(cursor: Cursor): boolean | Promise<unknown> {
    const { entry, log } = cursor
    if (entry) {
      cursor.entry = undefined
      if (entry.snapshot) return this.#snapshot(cursor, entry.gap)
      if (entry.gap) {
        this.#addGap(cursor, entry.gap)
        return true
      }
    }
    if (cursor.position >= log.latest) return false
    if (cursor.position < log.earliest - 1) return this.#fall(cursor)
    const conflates = this.#options.onLag === 'conflate'
    const entries = log.read(cursor.position, conflates ? Number.POSITIVE_INFINITY : LENGTH)
    return isThenable(entries) ? entries.then(read => this.#add(cursor, read)) : this.#add(cursor, entries)
  }

  #fall(cursor: Cursor): true {
    const { onLag, onGap } = this.#options
    if (onLag === 'disconnect' || onGap === 'refuse') {
      if (this.#outlet) this.#sendAway(this.#outlet)
      else {
        this.stop()
        throw new LagError(cursor.log.name)
      }
    } else {
      cursor.entry = overflow(cursor.log, cursor.position, this.#options)
      cursor.position = cursor.entry.position
    }
    return true
  }

  #add(cursor: Cursor, entries: readonly JournalEntry[]): true {
    if (this.#done) return true
    const [oldest] = entries
    if (oldest === undefined || oldest.sequence > cursor.position + 1) {
      cursor.log.trim()
      if (cursor.position < cursor.log.earliest - 1) return this.#fall(cursor)
    }
    const before = this.#idOf(cursor)
    const chosen = this.#choose(cursor, entries, before)
    let text = ''
    for (const [sequence, wire] of chosen) {
      cursor.position = sequence
      if (this.#events) this.#out.push(this.#eventOf(cursor, wire, this.#position()))
      else text += `id: ${before.head}${sequence}${before.tail}\n${wire}`
    }
    const last = entries[entries.length - 1]?.sequence ?? cursor.position
    this.#countSkipped(entries.length, last - (chosen[chosen.length - 1]?.[0] ?? last - entries.length))
    cursor.position = last
    if (text !== '') this.#out.push(new EncodedEvent(text))
    if (this.#skipped >= SKIPPED) this.#addCheckpoint()
    return true
  }

  /** What of the events this client sees. */
  #choose(
    cursor: Cursor,
    entries: readonly JournalEntry[],
    id: { head: string; tail: string },
  ): (readonly [number, string])[] {
    const { filter, key } = this.#options
    const all = entries.map(({ sequence, text }) => [sequence, text] as const)
    if (filter === undefined && key === undefined) return all
    const eventOf = ([sequence, text]: readonly [number, string]): TopicEvent =>
      this.#eventOf(cursor, text, `${id.head}${sequence}${id.tail}`)
    const seen = filter === undefined ? all : all.filter(entry => filter(eventOf(entry)))
    if (key === undefined) return seen
    const newest = new Map<unknown, readonly [number, string]>()
    for (const entry of seen) {
      const name = key(eventOf(entry))
      newest.delete(name)
      newest.set(name, entry)
    }
    return [...newest.values()]
  }

  /** Notes that the client's position has fallen behind by events it does not see. */
  #countSkipped(read: number, behind: number): void {
    if (behind === 0) this.#clearSkipped()
    else {
      if (this.#skipped === 0 || behind < read) checkpoints.of(CHECKPOINT).touch(this)
      this.#skipped = behind < read ? behind : this.#skipped + read
    }
  }

  #clearSkipped(): void {
    this.#skipped = 0
    this.#due = false
    checkpoints.of(CHECKPOINT).forget(this)
  }

  #addCheckpoint(): void {
    this.#clearSkipped()
    if (!this.#events) this.#out.push(new EncodedEvent(`id: ${this.#position()}\n\n`))
  }

  #addGap(cursor: Cursor, gap: Gap, withId = true): void {
    const told = this.#cursors.length === 1 ? gap : { ...gap, topic: cursor.log.name }
    const id = withId ? this.#position() : undefined
    const wire = gapFrame(told, id)
    this.#out.push(this.#events ? new TopicEvent(cursor.log.name, id, wire, decodeDefault) : new EncodedEvent(wire))
  }

  // The position is taken before: what is published meanwhile comes behind the snapshot, and is at most told twice.
  async #snapshot(cursor: Cursor, gap: Gap | undefined): Promise<void> {
    if (gap) this.#addGap(cursor, gap, false)
    const { snapshot } = this.#options
    const values: unknown = await snapshot?.(gap)
    for await (const value of isIterable(values) ? values : [values]) {
      const wire = this.#encode(value)
      this.#out.push(this.#events ? this.#eventOf(cursor, wire, undefined) : new EncodedEvent(wire))
    }
    if (!this.#events) this.#out.push(new EncodedEvent(`id: ${this.#position()}\n\n`))
  }

  #encode(value: unknown): string {
    if (value instanceof ServerSentEvent && value.id !== undefined) throw new TopicEventError(value.id)
    return encode(value, this.#serializer)
  }

  #eventOf({ log: { name } }: Cursor, text: string, id: string | undefined): TopicEvent {
    return new TopicEvent(name, id, id === undefined ? text : `id: ${id}\n${text}`, this.#decode)
  }

  /** The position in all logs together: the last event ID of the client. */
  #position(): string {
    return this.#cursors.map(({ log, position }) => formatPosition(log.epoch, position)).join(',')
  }

  /** The same around the sequence of one log. */
  #idOf(cursor: Cursor): { head: string; tail: string } {
    let head = ''
    let tail = ''
    let behind = false
    for (const other of this.#cursors) {
      if (other === cursor) {
        head += `${other.log.epoch}.`
        behind = true
      } else if (behind) tail += `,${formatPosition(other.log.epoch, other.position)}`
      else head += `${formatPosition(other.log.epoch, other.position)},`
    }
    return { head, tail }
  }
}

/** The place of a reader in one log. */
class Cursor implements Follower {
  readonly log: TopicLog
  readonly #reader: Reader
  /** What comes before the events. */
  entry: Entry | undefined
  position: number
  live = false
  ended = false
  taken?: number

  constructor(reader: Reader, log: TopicLog, entry: Entry, { onLag }: ResolvedSubscribeOptions) {
    this.#reader = reader
    this.log = log
    this.entry = entry
    this.position = entry.position
    if (onLag === 'block') this.taken = entry.position
    log.join(this)
    if (onLag === 'disconnect') log.lags(this)
  }

  advance(): void {
    this.#reader.wake()
  }

  end(): void {
    this.ended = true
    this.#reader.wake()
  }

  /** The client has taken all that was read. */
  take(): void {
    this.taken = this.position
    this.log.settle()
  }

  lagged(): void {
    const { earliest, latest } = this.log
    if (!this.live && earliest > 1 && this.position < (earliest + latest) / 2) this.#reader.lag()
  }
}

const END = { done: true, value: undefined } as const

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}
