/**
 * Knows which events of a stretch of a log are the newest of their key. It holds keys and numbers, no events: however
 * slow its reader is, what it shows is still in the log and nowhere else.
 */
export class Conflation {
  /** The sequence up to which the log was looked through. */
  latest: number
  readonly #sequences = new Map<unknown, number>()
  readonly #keys = new Map<number, unknown>()

  /** @param position the sequence behind which the stretch begins */
  constructor(position: number) {
    this.latest = position
  }

  /** How many keys there are in the stretch. */
  get size(): number {
    return this.#keys.size
  }

  /** Notes an event that is newer than those before. */
  note(sequence: number, key: unknown): void {
    const older = this.#sequences.get(key)
    if (older !== undefined) this.#keys.delete(older)
    this.#sequences.set(key, sequence)
    this.#keys.set(sequence, key)
  }

  /** Whether an event is the newest of its key. It is then forgotten, because it is shown. */
  take(sequence: number): boolean {
    if (!this.#keys.has(sequence)) return false
    this.#sequences.delete(this.#keys.get(sequence))
    this.#keys.delete(sequence)
    return true
  }

  /** Begins anew behind another sequence. */
  reset(position: number): void {
    this.latest = position
    this.#sequences.clear()
    this.#keys.clear()
  }
}
