import { IsInt, IsNumber, IsPositive, IsString } from 'class-validator'
import { event, type Subscription, type Topic, Topics } from 'okapi'
import { type Disposable, Lifecycle, scoped } from 'tsyringe'
import { Clock } from './clock.js'

export class Quote {
  @IsString()
  symbol!: string

  @IsPositive()
  price!: number

  /** In percent, since the market opened. */
  @IsNumber()
  change!: number

  /** Counts the quotes: who sees a number missing has missed a quote. */
  @IsInt()
  number!: number
}

const SYMBOLS = 'OKP ANT BAT CAT DOG EEL FOX GNU HEN IBX JAY KOI LYX MOA NUT OWL PIG RAM SOW YAK'.split(' ')
const OPENING = 100

/** A random walk of twenty symbols, which goes on while somebody watches. Every quote is an event of one topic. */
@scoped(Lifecycle.ContainerScoped)
export class Market implements Disposable {
  readonly #topic: Topic
  readonly #clock: Clock
  readonly #quotes = new Map(SYMBOLS.map(symbol => [symbol, { symbol, price: OPENING, change: 0, number: 0 }]))
  #number = 0
  #viewers = 0
  #running: AbortController | undefined

  constructor(topics: Topics, clock: Clock) {
    this.#topic = topics.get('prices')
    this.#clock = clock
  }

  /** What a viewer sees: on the first visit, and after a gap, the whole market; then what changes. */
  watch(signal: AbortSignal): Subscription {
    const watching = this.#topic.subscribe({ snapshot: () => [event('market', this.state())] })
    this.#count(1)
    signal.addEventListener('abort', () => this.#count(-1), { once: true })
    return watching
  }

  state(): { quotes: Quote[]; number: number; viewers: number } {
    return { quotes: [...this.#quotes.values()], number: this.#number, viewers: this.#viewers }
  }

  dispose(): void {
    this.#running?.abort()
  }

  #count(more: number): void {
    this.#viewers += more
    if (this.#viewers === 0) this.dispose()
    else this.#topic.publish(event('viewers', { viewers: this.#viewers }))
    if (this.#viewers > 0 && !this.#running) this.#run().catch(() => {})
  }

  async #run(): Promise<void> {
    this.#running = new AbortController()
    try {
      for await (const _ of this.#clock.every(250, this.#running.signal)) this.#move()
    } finally {
      this.#running = undefined
    }
  }

  #move(): void {
    for (let moved = 0; moved < 4; moved++) {
      const symbol = SYMBOLS[Math.floor(Math.random() * SYMBOLS.length)] as string
      const { price: before } = this.#quotes.get(symbol) as Quote
      const price = Math.max(1, Math.round((before + (Math.random() - 0.5) * 2) * 100) / 100)
      const change = Math.round((price / OPENING - 1) * 10_000) / 100
      const quote = { symbol, price, change, number: ++this.#number }
      this.#quotes.set(symbol, quote)
      this.#topic.publish(event('price', quote))
    }
  }
}
