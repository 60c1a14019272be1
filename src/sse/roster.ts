/**
 * Members that come and go by the thousand, each in it once at most.
 *
 * Not a Set: the table of a Set is replaced by a new one now and then, and still points to it. Once a table has grown old,
 * what left long ago is kept from one table to the next, until the engine looks through all of its memory.
 */
export class Roster<Member extends object> implements Iterable<Member> {
  readonly #members: Member[] = []
  readonly #key: string | symbol

  /**
   * @param key under which each member keeps its place: one for all rosters of which it can be in one only. A class whose
   *   instances come by the thousand declares it as a field that begins as `NOWHERE`: one that is added to an object later
   *   costs more than all else here.
   */
  constructor(key: string | symbol) {
    this.#key = key
  }

  get size(): number {
    return this.#members.length
  }

  has(member: Member): boolean {
    return this.#members[(member as Placed)[this.#key] ?? NOWHERE] === member
  }

  add(member: Member): void {
    if (this.has(member)) return
    ;(member as Placed)[this.#key] = this.#members.length
    this.#members.push(member)
  }

  /** Takes a member out; the last one takes its place. Returns whether it was there. */
  delete(member: Member): boolean {
    if (!this.has(member)) return false
    const place = (member as Placed)[this.#key] as number
    const last = this.#members.pop() as Member
    if (last !== member) {
      this.#members[place] = last
      ;(last as Placed)[this.#key] = place
    }
    // Not `undefined`: a place that is not always a number would make another shape of every member.
    ;(member as Placed)[this.#key] = NOWHERE
    return true
  }

  /** The member at a place. Who walks from the last place down to 0 meets each that stays, whoever leaves meanwhile. */
  at(place: number): Member | undefined {
    return this.#members[place]
  }

  /** The members of this moment: they may come and go meanwhile. */
  [Symbol.iterator](): ArrayIterator<Member> {
    return [...this.#members].values()
  }
}

/** The place of one that is in no roster. */
export const NOWHERE = -1

interface Placed {
  [key: string | symbol]: number | undefined
}
