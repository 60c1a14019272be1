/**
 * Counts the quotes that never came, by their numbers. Those count within one life of the topic, which the event IDs
 * name, `<epoch>.<sequence>`: what was lost between two lives cannot be known.
 */
export class Missing {
  unknown = false
  #count = 0
  #epoch
  #last
  #market

  /** What the server says is gone. Where it cannot tell how much, its numbers may have begun anew as well. */
  onGap({ lost }) {
    if (lost === null) this.#beginAnew(undefined)
  }

  /** The whole market: the first one is where counting begins. A later one replaces no quote that was lost. */
  onMarket(number) {
    this.#market = number
    this.#last ??= number
  }

  /** An EventSource made anew asks without a position, and is told of no gap: then the epoch tells. */
  onPosition(id) {
    const [epoch] = id.split('.')
    if (this.#epoch !== undefined && epoch !== this.#epoch) this.#beginAnew(this.#market)
    this.#epoch = epoch
  }

  onQuote(number, id) {
    this.onPosition(id)
    this.#last ??= number - 1
    this.#count += Math.max(0, number - this.#last - 1)
    this.#last = Math.max(number, this.#last)
  }

  toString() {
    if (!this.unknown) return String(this.#count)
    return this.#count === 0 ? 'unknown' : `at least ${this.#count}`
  }

  #beginAnew(last) {
    this.unknown = true
    this.#last = last
  }
}
