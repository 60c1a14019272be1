import { Conflation } from './conflation.js'
import type { ResolvedSubscribeOptions } from './options.js'
import type { Follower, TopicLog } from './topic-log.js'

/** How long a loop may leave unread what a topic still has for it when it closes, in milliseconds. */
const GRACE = 2_000

/** Who reads by a cursor. */
export interface CursorReader {
  /** Whether it is a loop in this process, which nobody can cut off. */
  readonly loops: boolean
  /** There is something to read. */
  wake(): void
  /** Its client should leave while it can still resume. */
  lag(): void
  /** A topic closes, and what it still has for this reader is not read. */
  abandon(cursor: Cursor): void
}

/** The place of a reader in one log. */
export class Cursor implements Follower {
  readonly log: TopicLog
  readonly conflation: Conflation | undefined
  readonly #reader: CursorReader
  position: number
  live = false
  /** Whether nothing more will come behind what the log has. */
  ended = false
  taken: number | undefined
  #grace: NodeJS.Timeout | undefined

  constructor(reader: CursorReader, log: TopicLog, position: number, { onLag }: ResolvedSubscribeOptions) {
    this.#reader = reader
    this.log = log
    this.position = position
    if (onLag === 'block') this.taken = position
    if (onLag === 'conflate') this.conflation = new Conflation(position)
    log.join(this)
    if (onLag === 'disconnect') log.lags(this)
  }

  advance(): void {
    this.#reader.wake()
  }

  end(): void {
    this.ended = true
    if (this.#reader.loops) this.#grace = setTimeout(() => this.#abandon(), GRACE)
    this.#reader.wake()
  }

  /** Goes on behind another sequence. */
  move(position: number): void {
    this.position = position
    this.conflation?.reset(position)
  }

  /** The client has taken all that was read. */
  take(): void {
    this.taken = this.position
    this.log.settle()
  }

  lagged(): void {
    this.#reader.lag()
  }

  /** Follows the log no longer. */
  leave(): void {
    clearTimeout(this.#grace)
    this.log.leave(this)
  }

  #abandon(): void {
    if (this.position < this.log.latest) this.#reader.abandon(this)
    this.leave()
  }
}
