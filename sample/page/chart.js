/** How many prices of a symbol are drawn. */
const MOST = 240
const WIDTH = 600
const HEIGHT = 240

/** A line for the prices of one symbol; those of the others are kept meanwhile. */
export class Chart {
  #title
  #range
  #line
  #prices = new Map()
  #symbol

  constructor(element) {
    this.#title = element.querySelector('h2')
    this.#range = element.querySelector('#range')
    this.#line = element.querySelector('polyline')
  }

  add(symbol, price) {
    const prices = this.#prices.get(symbol) ?? []
    this.#prices.set(symbol, prices)
    prices.push(price)
    if (prices.length > MOST) prices.shift()
    if (symbol === this.#symbol) this.#draw()
  }

  show(symbol) {
    this.#symbol = symbol
    this.#title.textContent = symbol
    this.#draw()
  }

  #draw() {
    const prices = this.#prices.get(this.#symbol) ?? []
    const low = Math.min(...prices)
    const high = Math.max(...prices)
    const step = WIDTH / Math.max(1, prices.length - 1)
    const scale = (HEIGHT - 20) / (high - low || 1)
    const points = prices.map(
      (price, index) => `${(index * step).toFixed(1)},${(HEIGHT - 10 - (price - low) * scale).toFixed(1)}`,
    )
    this.#line.setAttribute('points', points.join(' '))
    this.#range.textContent = prices.length === 0 ? '' : `${low.toFixed(2)} to ${high.toFixed(2)}`
  }
}
