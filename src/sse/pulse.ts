import { NOWHERE, Roster } from './roster.js'
import { tellInSlices } from './slices.js'

/** How many times a pulse beats in the time it measures: silence is noticed at most an eighth of the time late. */
const BEATS = 8

/** The place of a member in a pulse. */
export class Place<Member> {
  readonly member: Member
  readonly #pulse: Pulse<Member>
  /** The beat in which it was heard of last. */
  beat: number
  /** @internal for the roster of the pulse */
  place = NOWHERE

  constructor(pulse: Pulse<Member>, member: Member) {
    this.member = member
    this.#pulse = pulse
    this.beat = pulse.beat
  }

  leave(): void {
    this.#pulse.forget(this)
  }
}

/**
 * Notices silence: one timer for all members that share a duration, in place of one each. A member that speaks notes that
 * for itself, and costs no look at the clock. The timer runs only while there are members, and does not keep the process
 * alive.
 */
export class Pulse<Member> {
  readonly #places = new Roster<Place<Member>>('place')
  readonly #period: number
  readonly #act: (member: Member) => void
  readonly #hasSpoken: (member: Member) => boolean
  #timer: NodeJS.Timeout | undefined
  #beat = 0

  /**
   * @param duration milliseconds of silence, after which `act` is called, and again after each further duration
   * @param hasSpoken whether a member has spoken since this was asked the last time; by default, all are silent
   */
  constructor(duration: number, act: (member: Member) => void, hasSpoken: (member: Member) => boolean = never) {
    this.#period = Math.max(1, duration / BEATS)
    this.#act = act
    this.#hasSpoken = hasSpoken
  }

  get size(): number {
    return this.#places.size
  }

  get beat(): number {
    return this.#beat
  }

  /** Takes a member in, which is not silent at this moment. */
  join(member: Member): Place<Member> {
    const place = new Place(this, member)
    this.#places.add(place)
    this.#timer ??= setInterval(() => this.#onBeat(), this.#period).unref()
    return place
  }

  /** @internal */
  forget(place: Place<Member>): void {
    if (!this.#places.delete(place) || this.#places.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #onBeat(): void {
    this.#beat++
    tellInSlices(this.#places[Symbol.iterator](), place => this.#tell(place))
  }

  /** Returns whether the member was silent. */
  #tell(place: Place<Member>): boolean {
    if (!this.#places.has(place)) return false
    if (this.#hasSpoken(place.member)) place.beat = this.#beat - 1
    if (this.#beat - place.beat <= BEATS) return false
    place.beat = this.#beat - 1
    this.#act(place.member)
    return true
  }
}

/** The pulses of one purpose, one for each duration in use. */
export class Pulses<Member> {
  readonly #pulses = new Map<number, Pulse<Member>>()
  readonly #act: (member: Member) => void
  readonly #hasSpoken: ((member: Member) => boolean) | undefined

  /** See `Pulse`. */
  constructor(act: (member: Member) => void, hasSpoken?: (member: Member) => boolean) {
    this.#act = act
    this.#hasSpoken = hasSpoken
  }

  of(duration: number): Pulse<Member> {
    let pulse = this.#pulses.get(duration)
    if (pulse === undefined) {
      pulse = new Pulse(duration, this.#act, this.#hasSpoken)
      this.#pulses.set(duration, pulse)
    }
    return pulse
  }
}

function never(): false {
  return false
}
