/**
 * First in, first out. Taking an item moves no other, however many wait; an array moves all of them for each `shift()`,
 * once they are more than some ten thousand.
 */
export class Queue<Item> {
  /** Those that came since, in order. */
  #came: Item[] = []
  /** Those whose turn it is, the next one last. */
  #going: Item[] = []

  get size(): number {
    return this.#came.length + this.#going.length
  }

  push(item: Item): void {
    this.#came.push(item)
  }

  /** Takes the item that has waited longest. Nothing if there is none. */
  take(): Item | undefined {
    if (this.#going.length === 0) [this.#going, this.#came] = [this.#came.reverse(), this.#going]
    return this.#going.pop()
  }

  /** Takes all items, in their order. */
  takeAll(): Item[] {
    const all = [...this.#going.reverse(), ...this.#came]
    this.#going = []
    this.#came = []
    return all
  }
}
