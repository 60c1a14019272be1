import type { Orphan } from './sse/orphan.js'
import type { EventStream } from './sse/stream.js'

/** The shortest time before clients come back when the server closes, and over how long they spread, in milliseconds. */
const COME_BACK = { least: 1_000, spread: 4_000 } as const

/** The open streams of an app: `app.streams`. */
export class Streams {
  readonly #open = new Set<EventStream>()
  readonly #orphans = new Set<Orphan>()
  #closing = false
  #emptied: (() => void) | undefined

  /** How many streams are open. */
  get size(): number {
    return this.#open.size
  }

  /** How many generators have outlived their client by `orphanTimeout`, and still wait for something. */
  get orphans(): number {
    return this.#orphans.size
  }

  /** Whether the app closes, and takes no new streams. */
  get closing(): boolean {
    return this.#closing
  }

  /** @internal */
  add(stream: EventStream): void {
    this.#open.add(stream)
  }

  /** @internal */
  delete(stream: EventStream): void {
    this.#open.delete(stream)
    if (this.#open.size === 0) this.#emptied?.()
  }

  /** @internal */
  addOrphan(orphan: Orphan): void {
    this.#orphans.add(orphan)
    orphan.ended.then(() => this.#orphans.delete(orphan))
  }

  /**
   * Ends every stream: asks each client to come back at a moment of its own, and cuts those that have not taken even
   * that when the grace is over.
   *
   * @param grace milliseconds
   */
  async close(grace: number): Promise<void> {
    this.#closing = true
    if (this.#open.size === 0) return
    const emptied = new Promise<void>(resolve => {
      this.#emptied = resolve
    })
    const timer = setTimeout(() => {
      for (const stream of this.#open) stream.cut()
    }, grace)
    // Not before the grace is over: until then this server may still listen, and a 503 ends an EventSource for good.
    const least = grace + COME_BACK.least
    for (const stream of this.#open) stream.close(Math.round(least + Math.random() * COME_BACK.spread))
    await emptied
    clearTimeout(timer)
  }
}
