import type { Outlet } from '../sse/feed.js'
import { comeBack } from '../sse/retry.js'
import { isThenable } from '../sse/source.js'
import { spend, wait } from '../sse/turn.js'
import { type Entry, overflow } from './entry.js'
import { gapFrame } from './gap.js'
import { type Chunk, frameText } from './hot.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { formatPosition } from './position.js'
import type { Follower, TopicLog } from './topic-log.js'

/** A subscriber that is written the chunks which all share: the fast way. */
export class Relay implements Follower {
  readonly #log: TopicLog
  readonly #options: ResolvedSubscribeOptions
  readonly #outlet: Outlet
  position: number
  live = false
  taken: number | undefined
  /** Whether it waits for the journal, or for its turn: then it goes on by itself. */
  #busy = false
  #ended = false

  constructor(log: TopicLog, options: ResolvedSubscribeOptions, outlet: Outlet, entry: Entry) {
    this.#log = log
    this.#options = options
    this.#outlet = outlet
    this.position = entry.position
    if (options.onLag === 'block') this.taken = entry.position
    this.#busy = true
    log.join(this)
    this.#busy = false
    if (this.#begin(entry)) this.advance()
  }

  /** Writes what there is, as long as the client takes it. */
  advance(): void {
    try {
      while (this.#step());
    } catch (error) {
      this.#outlet.fail(error)
    }
  }

  /** Goes on in the next turn of the event loop. */
  resume(): boolean {
    this.#busy = false
    if (this.#outlet.closed) return false
    this.advance()
    return true
  }

  room(): void {
    this.#take()
    this.#log.caughtUp(this)
    this.advance()
  }

  end(): void {
    this.#ended = true
    this.advance()
  }

  stop(): void {
    this.live = false
    this.#log.leave(this)
  }

  lagged(): void {
    this.#outlet.close(comeBack(), 'lag')
  }

  /** Tells a newcomer where it is, so that it misses nothing if it leaves before the first event. Answers as `#write`. */
  #begin(entry: Entry): boolean {
    if (entry.gap) return this.#tell(entry)
    return !entry.first || this.#write(frameText(`id: ${formatPosition(this.#log.epoch, this.position)}\n\n`))
  }

  /** Writes the next chunk; returns whether to go on with one more. */
  #step(): boolean {
    const { live } = this
    const log = this.#log
    if (this.#busy || this.#outlet.closed) return false
    // A ping may have filled the buffer of the client.
    if (this.#outlet.blocked) return this.#pause()
    this.live = this.position >= log.latest && !this.#ended
    if (this.live) return false
    if (this.position >= log.latest) {
      this.#outlet.finish()
      return false
    }
    if (this.position < log.earliest - 1) return this.#fall()
    const chunk = log.chunkAfter(this.position, live)
    if (!isThenable(chunk)) return this.#send(chunk)
    this.#busy = true
    chunk.then(
      read => this.#arrive(read),
      error => this.#outlet.closed || this.#outlet.fail(error),
    )
    return false
  }

  #arrive(chunk: Chunk | undefined): void {
    this.#busy = false
    if (this.#outlet.closed) return
    try {
      // A ping may have filled the buffer meanwhile: what was read is asked for again when there is room.
      if (this.#outlet.blocked) this.#pause()
      else if (this.#send(chunk)) this.advance()
    } catch (error) {
      this.#outlet.fail(error)
    }
  }

  /** Answers as `#step`. */
  #send(chunk: Chunk | undefined): boolean {
    const log = this.#log
    if (chunk === undefined || chunk.first > this.position + 1) {
      // Gone since it was looked for: the bounds have been measured anew.
      if (this.position < log.earliest - 1 || this.position >= log.latest) return true
      throw new TypeError(`The journal of the topic ${log.name} has lost the event ${this.position + 1}`)
    }
    this.position = chunk.last
    if (!this.#write(chunk.bytes)) return false
    if (this.position >= log.latest || spend(chunk.bytes.length)) return true
    this.#busy = true
    wait(this)
    return false
  }

  /** Returns whether the client took it. */
  #write(bytes: Buffer): boolean {
    if (this.#outlet.relay(bytes)) {
      this.#take()
      return true
    }
    return this.#pause()
  }

  /** Waits until the client has taken what is on its way to it. */
  #pause(): false {
    this.live = false
    if (this.#options.onLag === 'disconnect') this.#log.lags(this)
    return false
  }

  /** The client has taken all that was written. */
  #take(): void {
    if (this.taken === undefined) return
    this.taken = this.position
    this.#log.settle()
  }

  /** What it has not read is gone: says so and goes on, or ends. Answers as `#step`. */
  #fall(): boolean {
    const { onLag, onGap } = this.#options
    if (onLag === 'disconnect' || onGap === 'refuse') {
      this.#outlet.close(comeBack(), 'lag')
      return false
    }
    return this.#tell(overflow(this.#log, this.position, this.#options))
  }

  /** Answers as `#write`. */
  #tell({ position, gap }: Entry): boolean {
    this.position = position
    return this.#write(frameText(gapFrame(gap as NonNullable<typeof gap>, formatPosition(this.#log.epoch, position))))
  }
}
