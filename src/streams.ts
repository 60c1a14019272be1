import { LONGEST } from './milliseconds.js'
import type { Orphan } from './sse/orphan.js'
import { comeBack } from './sse/retry.js'
import { Roster } from './sse/roster.js'
import type { EventStream } from './sse/stream.js'

/** How often some of the streams are told goodbye while that is spread, in milliseconds. */
const STEP = 20

/** The open streams of an app: `app.streams`. They belong to one server, whose plugins may share them. */
export class Streams {
  readonly #open = new Roster<EventStream>('place')
  readonly #orphans = new Set<Orphan>()
  #closing = false
  #overAt = 0
  readonly #waiting: (() => void)[] = []

  /** How many streams are open. */
  get size(): number {
    return this.#open.size
  }

  /** How many generators have outlived their client by `orphanTimeout`, and still wait for something. */
  get orphans(): number {
    return this.#orphans.size
  }

  /** Whether the app closes, or is about to, and takes no new streams. */
  get closing(): boolean {
    return this.#closing
  }

  /** In how many milliseconds the app will have closed, as far as is known; 0 if it does not close. */
  get closesIn(): number {
    return Math.max(0, this.#overAt - Date.now())
  }

  /** @internal */
  add(stream: EventStream): void {
    this.#open.add(stream)
  }

  /** @internal */
  delete(stream: EventStream): void {
    this.#open.delete(stream)
    if (this.#open.size > 0) return
    for (const emptied of this.#waiting.splice(0)) emptied()
  }

  /** @internal */
  addOrphan(orphan: Orphan): void {
    this.#orphans.add(orphan)
    orphan.ended.then(() => this.#orphans.delete(orphan))
  }

  /**
   * Takes no new streams from now on.
   *
   * @param delay milliseconds until `close`
   */
  stopAdmitting(delay = 0): void {
    this.#closing = true
    this.#overAt = Date.now() + delay
  }

  /**
   * Ends every stream: asks each client to come back at a moment of its own, and cuts those that have not taken even
   * that when the grace is over.
   *
   * @param grace milliseconds
   * @param spread milliseconds over which the goodbyes are spread; the grace begins after them
   */
  async close(grace: number, spread = 0): Promise<void> {
    const time = Math.min(spread + grace, LONGEST)
    this.stopAdmitting(time)
    if (this.#open.size === 0) return
    const emptied = new Promise<void>(resolve => {
      this.#waiting.push(resolve)
    })
    const timer = setTimeout(() => this.cut(), time)
    const goodbyes = this.#sayGoodbye(grace, spread)
    await emptied
    clearTimeout(timer)
    clearInterval(goodbyes)
  }

  /** Ends every stream without a word. */
  cut(): void {
    for (const stream of this.#open) stream.cut()
  }

  /** Nobody is to come back before the grace is over: until then this server may still listen, and would refuse. */
  #sayGoodbye(grace: number, spread: number): NodeJS.Timeout | undefined {
    const streams = [...this.#open]
    const begin = Date.now()
    let told = 0
    const step = (): void => {
      const share = spread === 0 ? 1 : (Date.now() - begin) / spread
      const due = Math.min(streams.length, Math.ceil(streams.length * share))
      while (told < due) streams[told++]?.close(Math.min(comeBack(grace), LONGEST))
    }
    step()
    return spread === 0 ? undefined : setInterval(step, STEP)
  }
}
