import { tellInSlices } from './slices.js'

/** How many times a pulse beats in the time it measures: silence is noticed at most an eighth of the time late. */
const BEATS = 8

/** The place of a member in a pulse: a touch is one number, without a look at the table of members. */
export class Place {
  readonly #pulse: { readonly beat: number }
  /** The beat in which it was heard of last. */
  beat: number

  constructor(pulse: { readonly beat: number }) {
    this.#pulse = pulse
    this.beat = pulse.beat
  }

  /** Notes that the member was not silent just now. */
  touch(): void {
    this.beat = this.#pulse.beat
  }
}

/**
 * Notices silence: one timer for all members that share a duration, in place of one each. Touching a member costs no
 * look at the clock. The timer runs only while there are members, and does not keep the process alive.
 */
export class Pulse<Member extends object> {
  readonly #places = new Map<Member, Place>()
  readonly #period: number
  readonly #act: (member: Member) => void
  #timer: NodeJS.Timeout | undefined
  #beat = 0

  /**
   * @param duration milliseconds of silence, after which `act` is called, and again after each further duration
   */
  constructor(duration: number, act: (member: Member) => void) {
    this.#period = Math.max(1, duration / BEATS)
    this.#act = act
  }

  get size(): number {
    return this.#places.size
  }

  get beat(): number {
    return this.#beat
  }

  /** Takes a member in, or notes that it was not silent just now; who has its place can touch that itself. */
  touch(member: Member): Place {
    let place = this.#places.get(member)
    if (place) place.touch()
    else {
      place = new Place(this)
      this.#places.set(member, place)
      this.#timer ??= setInterval(() => this.#onBeat(), this.#period).unref()
    }
    return place
  }

  forget(member: Member): void {
    if (!this.#places.delete(member) || this.#places.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #onBeat(): void {
    this.#beat++
    tellInSlices(this.#places.entries(), entry => this.#tell(entry))
  }

  /** Returns whether the member was silent. */
  #tell([member, place]: [Member, Place]): boolean {
    if (this.#beat - place.beat <= BEATS) return false
    place.beat = this.#beat - 1
    this.#act(member)
    return true
  }
}

/** The pulses of one purpose, one for each duration in use. */
export class Pulses<Member extends object> {
  readonly #pulses = new Map<number, Pulse<Member>>()
  readonly #act: (member: Member) => void

  constructor(act: (member: Member) => void) {
    this.#act = act
  }

  of(duration: number): Pulse<Member> {
    let pulse = this.#pulses.get(duration)
    if (pulse === undefined) {
      pulse = new Pulse(duration, this.#act)
      this.#pulses.set(duration, pulse)
    }
    return pulse
  }
}
