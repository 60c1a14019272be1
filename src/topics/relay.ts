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
  #ended = false

  constructor(log: TopicLog, options: ResolvedSubscribeOptions, outlet: Outlet, entry: Entry) {
    this.#log = log
    this.#options = options
    this.#outlet = outlet
    this.position = entry.position
    if (options.onLag === 'block') this.taken = entry.position
    log.join(this)
    if (entry.gap === undefined || this.#tell(entry)) this.advance()
  }

  /** Writes what there is, as long as the client takes it. */
  advance(): void {
    const log = this.#log
    for (;;) {
      if (this.#outlet.closed) return
      if (this.position >= log.latest) {
        this.#rest()
        return
      }
      if (this.position < log.earliest - 1) {
        if (!this.#fall()) return
        continue
      }
      const chunk = log.chunkAfter(this.position, this.live)
      if (isThenable(chunk)) {
        this.live = false
        chunk.then(
          read => this.#send(read) && this.advance(),
          error => this.#outlet.fail(error),
        )
        return
      }
      if (!this.#send(chunk)) return
      if (this.position < log.latest && !spend((chunk as Chunk).bytes.length)) {
        this.live = false
        wait(this)
        return
      }
    }
  }

  /** Goes on in the next turn of the event loop. */
  resume(): boolean {
    if (this.#outlet.closed) return false
    this.advance()
    return true
  }

  room(): void {
    if (this.taken !== undefined) this.taken = this.position
    this.#log.caughtUp(this)
    this.advance()
    this.#log.settle()
  }

  end(): void {
    this.#ended = true
    if (this.live && this.position >= this.#log.latest) this.#outlet.finish()
  }

  stop(): void {
    this.live = false
    this.#log.leave(this)
  }

  /** Leaves while there is still time to resume: before half of what the log has is lost to it. */
  lagged(): void {
    const { earliest, latest } = this.#log
    if (earliest > 1 && this.position < (earliest + latest) / 2) this.#outlet.close(comeBack(), 'lag')
  }

  #rest(): void {
    this.live = true
    if (this.taken !== undefined) this.taken = this.position
    if (this.#ended) this.#outlet.finish()
  }

  /** Returns whether the client took it. */
  #send(chunk: Chunk | undefined): boolean {
    // Gone since it was looked for: the bounds have been measured anew.
    if (chunk === undefined || chunk.first > this.position + 1) return this.#fall()
    this.position = chunk.last
    return this.#write(chunk.bytes)
  }

  #write(bytes: Buffer): boolean {
    if (this.#outlet.relay(bytes)) {
      if (this.taken !== undefined) this.taken = this.position
      return true
    }
    this.live = false
    if (this.#options.onLag === 'disconnect') this.#log.lags(this)
    return false
  }

  /** What it has not read is gone: says so and goes on, or ends. Returns whether the client took what was said. */
  #fall(): boolean {
    const { onLag, onGap } = this.#options
    if (onLag === 'disconnect' || onGap === 'refuse') {
      this.#outlet.close(comeBack(), 'lag')
      return false
    }
    return this.#tell(overflow(this.#log, this.position, this.#options))
  }

  #tell({ position, gap }: Entry): boolean {
    this.position = position
    return this.#write(frameText(gapFrame(gap as NonNullable<typeof gap>, formatPosition(this.#log.epoch, position))))
  }
}
