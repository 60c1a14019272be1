import { GapError, HttpError, LagError, type SubscribeOptions, type Subscription, type Topics } from 'okapi'
import { FEED } from '../../../src/sse/feed.js'
import type { Block } from './block.js'
import type { Fact, History } from './history.js'
import { Ledger } from './ledger.js'
import { type Link, Loop, Stream, type Taker } from './link.js'
import { SocketLink } from './socket-link.js'

/** What a client of the model is. */
export interface Plan {
  readonly names: readonly string[]
  /** It is written shared chunks if that can be; its stream asks for events; code reads them in a loop; or all over a socket. */
  readonly way: 'relay' | 'pull' | 'loop' | 'socket'
  readonly options: SubscribeOptions<Fact>
  /** Of every so many facts one is hidden from it; 0 hides none. */
  readonly hides: number
  /** Whether it is given snapshots, and in which form. */
  readonly snapshots?: 'value' | 'promise' | 'list' | undefined
}

/** Where clients come to that come by sockets. */
export interface Door {
  /** Waits for a request, and gives it a subscription. Returns the URL, which nobody else has. */
  open(give: () => Subscription<Fact>): string
}

/** One client: an `EventSource` as the standard has it, or code with a loop. It takes what it may. */
export class Visitor implements Taker {
  readonly plan: Plan
  readonly ledger: Ledger
  readonly #history: History
  readonly #report: (error: unknown) => void
  readonly #door: Door | undefined
  #link: Link | undefined
  /** It has been told that all was said, and does not come back. */
  finished = false

  /**
   * @param expires whether events may become too old
   * @param report told of whatever must not be
   * @param door where it connects by a socket
   */
  constructor(plan: Plan, history: History, expires: boolean, report: (error: unknown) => void, door?: Door) {
    this.#history = history
    this.#report = report
    this.#door = door
    const { names, hides, snapshots } = plan
    const options = snapshots ? { ...plan.options, snapshot: this.#snapshot(snapshots) } : plan.options
    this.plan = { ...plan, options }
    this.ledger = new Ledger(history, {
      names,
      from: options.from ?? (options.snapshot ? 'snapshot' : 'now'),
      onGap: options.onGap ?? (options.snapshot ? 'snapshot' : 'earliest'),
      sees: fact => hides === 0 || fact.n % hides !== 0,
      conflates: options.onLag === 'conflate',
      loops: plan.way === 'loop',
      expires,
    })
  }

  /** Says up to where it tells the state of a topic. */
  #snapshot(form: NonNullable<Plan['snapshots']>): NonNullable<SubscribeOptions<Fact>['snapshot']> {
    const state = (topic: string): object => {
      return { snapshot: { topic, upTo: this.#history.log(topic)?.bounds.now.latest ?? 0 } }
    }
    return (_gap, topic) => {
      if (form === 'promise') return Promise.resolve().then(() => state(topic)) as never
      return (form === 'list' ? [state(topic), state(topic)] : state(topic)) as never
    }
  }

  get connected(): boolean {
    return this.#link !== undefined
  }

  /** Whether publishers have to wait until it has taken this event. */
  holds(topic: string, position: string): boolean {
    const { options, names } = this.plan
    if (options.onLag !== 'block' || !names.includes(topic) || !this.#link?.attached) return false
    return this.ledger.awaits(topic, position)
  }

  /** Whether it has yet to be answered. */
  get arriving(): boolean {
    return this.#link?.arriving ?? false
  }

  connect(topics: Topics, id = this.ledger.lastEventId): void {
    if (this.#link || this.finished) return
    this.ledger.connect(id)
    const { names, way, options } = this.plan
    try {
      const subscription = topics.subscribe<Fact>(names, way === 'loop' ? { ...options, lastEventId: id } : options)
      this.#link = way === 'socket' ? this.#knock(subscription, id) : this.#enter(subscription, id)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Comes by a socket. A request that was cut may still arrive, when another one has been sent. */
  #knock(subscription: Subscription<Fact>, id: string | undefined): Link {
    const url = (this.#door as Door).open(() => {
      if (this.#link === link) this.ledger.arrived()
      return subscription
    })
    const link = new SocketLink(this, url, id)
    return link
  }

  #enter(subscription: Subscription<Fact>, id: string | undefined): Link {
    this.ledger.arrived()
    if (this.plan.way === 'loop') return new Loop(this, subscription[Symbol.asyncIterator]())
    return new Stream(this, subscription[FEED](id), this.plan.way === 'relay')
  }

  pause(): void {
    this.#link?.pause()
  }

  resume(): void {
    this.#link?.resume()
  }

  ping(): void {
    this.#link?.ping()
  }

  /** The connection breaks; a part of what was on its way still arrives. */
  cut(part = 1): void {
    const link = this.#link
    if (link === undefined) return
    this.#link = undefined
    link.arrive(Math.floor(link.pending.length * part))
    link.leave()
  }

  /** The server says goodbye, behind what there is, and the client will come back. Code with a loop just ends. */
  sendAway(): void {
    this.#link?.sendAway()
  }

  /** The process that it was a loop in is gone, and another one begins. */
  comeBack(): void {
    this.cut(0)
    this.finished = false
  }

  entered(): void {
    this.ledger.entered()
  }

  // What is wrong is reported, and not thrown in the midst of what is tried here.
  take(block: Block): void {
    this.#guard(() => this.ledger.take(block))
  }

  over(link: Link, error?: unknown): void {
    if (this.#link !== link) return
    this.#link = undefined
    if (error) this.#fail(error)
    else {
      this.finished = true
      this.#guard(() => this.settle())
    }
  }

  /** Checks that it has had everything. */
  settle(): void {
    for (const name of this.plan.names) this.ledger.settle(name)
  }

  #fail(error: unknown): void {
    const { onLag, onGap } = this.plan.options
    if (error instanceof GapError) this.#guard(() => this.ledger.refused(error.gap))
    else if (error instanceof LagError) {
      if (onLag !== 'disconnect' && onGap !== 'refuse') this.#report(error)
    } else if (!(error instanceof HttpError && error.statusCode === 503)) this.#report(error)
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#report(error)
    }
  }
}
