import { tellInSlices } from './slices.js'

/** How late a deadline may be noticed, in milliseconds. */
const GRAIN = 100

/**
 * Tells members that their time is up: one timer for all of them, in place of one each. A member is told at most a tenth
 * of a second late, and never early. The timer runs only while there are members, and does not keep the process alive.
 */
export class Deadlines<Member extends object> {
  readonly #due = new Map<number, Set<Member>>()
  readonly #act: (member: Member) => void
  #timer: NodeJS.Timeout | undefined
  #beat = 0

  constructor(act: (member: Member) => void) {
    this.#act = act
  }

  /**
   * Takes a member in.
   *
   * @param at milliseconds since 1970, by the clock of the machine
   * @returns the beat at which it is told, by which to forget it
   */
  add(member: Member, at: number): number {
    if (this.#timer === undefined) {
      this.#beat = beatNow()
      this.#timer = setInterval(() => this.#onBeat(), GRAIN).unref()
    }
    const beat = Math.max(this.#beat + 1, Math.ceil(at / GRAIN))
    const members = this.#due.get(beat)
    if (members) members.add(member)
    else this.#due.set(beat, new Set([member]))
    return beat
  }

  forget(member: Member, beat: number): void {
    const members = this.#due.get(beat)
    if (!members?.delete(member) || members.size > 0) return
    this.#due.delete(beat)
    this.#rest()
  }

  #onBeat(): void {
    for (const beat of this.#passed()) {
      const members = this.#due.get(beat)
      if (members === undefined) continue
      this.#due.delete(beat)
      tellInSlices(members.values(), member => {
        this.#act(member)
        return true
      })
    }
    this.#rest()
  }

  /** The beats since the last look; those alone that matter, where a machine has slept or its clock was set. */
  #passed(): number[] {
    const now = beatNow()
    const count = now - this.#beat
    const first = this.#beat + 1
    this.#beat = now
    if (count > this.#due.size) return [...this.#due.keys()].filter(beat => beat <= now)
    return Array.from({ length: Math.max(0, count) }, (_, index) => first + index)
  }

  #rest(): void {
    if (this.#due.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function beatNow(): number {
  return Math.floor(Date.now() / GRAIN)
}
