import { type Publication, type Retention, TopicClosedError, Topics } from 'okapi'
import { History } from './history.js'
import { LastingJournal, type ModelJournal, WatchedMemory } from './journals.js'
import { type Door, type Plan, Visitor } from './visitor.js'

/** What a world stands in. */
export interface Surroundings {
  /** Lets milliseconds go by. */
  pass(milliseconds: number): void
  /** Lets happen what can happen at once. */
  turn(): Promise<unknown>
  /** After how many turns in which nothing happens nothing will. */
  readonly rest: number
  /** Where clients come to that come by sockets. */
  readonly door?: Door
}

/** What the model is made of. */
export interface Setting {
  readonly journal: 'memory' | 'lasting' | 'asynchronous'
  readonly retention: Retention
  readonly plans: readonly Plan[]
}

/** What happens. Numbers choose among what there is. */
export type Step =
  | { readonly does: 'publish'; readonly topic: number; readonly count: number; readonly length: number }
  | { readonly does: 'turn'; readonly kind: 'promise' | 'tick' | 'immediate' }
  | { readonly does: 'journal'; readonly which: number; readonly times: number }
  | { readonly does: 'spoil' }
  | { readonly does: 'pause' | 'resume' | 'ping'; readonly client: number }
  | { readonly does: 'cut'; readonly client: number; readonly part: number }
  | { readonly does: 'connect'; readonly client: number; readonly id: Id }
  | { readonly does: 'wait'; readonly milliseconds: number }
  | { readonly does: 'close'; readonly topic: number }
  | { readonly does: 'restart'; readonly crash: boolean }

/** The id that a client comes back with: the one it has, or another. */
export type Id =
  | { readonly is: 'its own' | 'none' | 'empty' }
  | { readonly is: 'moved'; readonly by: number }
  | { readonly is: 'text'; readonly text: string }

export const TOPICS = ['a', 'b', 'c'] as const

/** A server with its topics, and the clients of the model. */
export class World {
  readonly history = new History()
  readonly #retention: Retention
  readonly #journal: 'memory' | 'lasting' | 'asynchronous'
  readonly #around: Surroundings
  #store: ModelJournal
  #topics: Topics
  readonly #visitors: Visitor[]
  #published = 0
  readonly #unanswered = new Set<number>()
  readonly #closing = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor({ journal, retention, plans }: Setting, surroundings: Surroundings) {
    this.#journal = journal
    this.#retention = retention
    this.#around = surroundings
    this.#store = this.#newStore()
    this.#topics = this.#newTopics()
    this.#visitors = plans.map(plan => this.#newVisitor(plan))
  }

  #newVisitor(plan: Plan): Visitor {
    // While journals open, a loop over several topics is not told where it begins.
    const blind = this.#journal === 'asynchronous' && plan.way === 'loop' && plan.names.length > 1
    const full: Plan = blind ? { ...plan, way: 'pull' } : plan
    return new Visitor(full, this.history, this.#retention.age < 1e9, this.#report, this.#around.door)
  }

  #newStore(): ModelJournal {
    if (this.#journal === 'memory') return new WatchedMemory(this.history)
    return new LastingJournal(this.history, this.#journal === 'asynchronous')
  }

  #newTopics(): Topics {
    return new Topics({ journal: this.#store, retention: this.#retention })
  }

  /** Lets all this happen, and then everything come to rest; throws where a client has not had what it should have. */
  async play(steps: readonly Step[]): Promise<void> {
    for (const visitor of this.#visitors) visitor.connect(this.#topics)
    for (const step of steps) {
      await this.#do(step)
      if (this.#failure) throw this.#failure.error
    }
    await this.#end()
  }

  readonly #report = (error: unknown): void => {
    this.#failure ??= { error }
  }

  async #do(step: Step): Promise<void> {
    if ('client' in step) this.#visit(this.#visitors[step.client % this.#visitors.length] as Visitor, step)
    else if (step.does === 'publish') this.#publish(TOPICS[step.topic] as string, step.count, step.length)
    else if (step.does === 'turn') await this.#turn(step.kind)
    else if (step.does === 'journal') for (let time = 0; time < step.times; time++) this.#store.step(step.which)
    else if (step.does === 'spoil') this.#store.spoil()
    else if (step.does === 'wait') this.#around.pass(step.milliseconds)
    else if (step.does === 'close') await this.#close(TOPICS[step.topic] as string)
    else if (step.does === 'restart') await this.#restart(step.crash)
  }

  #turn(kind: 'promise' | 'tick' | 'immediate'): Promise<unknown> {
    if (kind === 'promise') return Promise.resolve()
    if (kind === 'tick') return new Promise<void>(resolve => process.nextTick(resolve))
    return this.#around.turn()
  }

  #visit(visitor: Visitor, step: Extract<Step, { client: number }>): void {
    if (step.does === 'pause') visitor.pause()
    else if (step.does === 'resume') visitor.resume()
    else if (step.does === 'ping') visitor.ping()
    else if (step.does === 'cut') visitor.cut(step.part)
    else if (step.does === 'connect') visitor.connect(this.#topics, this.#idOf(visitor, step.id))
  }

  #idOf({ ledger: { lastEventId } }: Visitor, id: Id): string | undefined {
    if (id.is === 'none') return undefined
    if (id.is === 'empty') return ''
    if (id.is === 'text') return id.text
    if (id.is === 'moved') {
      return lastEventId?.replace(/\d+(?=,|$)/g, digits => String(Math.max(0, Number(digits) + id.by)))
    }
    return lastEventId
  }

  #publish(topic: string, count: number, length: number): void {
    for (let index = 0; index < count; index++) {
      const n = ++this.#published
      const fact = { n, key: n % 3, ...(length > 0 && index < 3 && { pad: 'é'.repeat(length) }) }
      try {
        this.#watch(topic, n, this.#topics.publish(topic, fact))
      } catch (error) {
        if (!(error instanceof TopicClosedError)) throw error
      }
    }
  }

  #watch(topic: string, n: number, publication: Publication): void {
    this.#unanswered.add(n)
    const topics = this.#topics
    publication.then(
      position => {
        this.#unanswered.delete(n)
        if (topics !== this.#topics) return
        if (this.history.at(position)?.n !== n) {
          this.#report(new Error(`${n} was published as ${position}, which is another`))
        }
        if (this.#visitors.some(visitor => visitor.holds(topic, position))) {
          this.#report(new Error(`The publisher of ${n} did not wait until all had taken it`))
        }
      },
      error => {
        this.#unanswered.delete(n)
        if ((error as Error).message !== 'The disk is full') this.#report(error)
      },
    )
  }

  async #close(topic: string): Promise<void> {
    if (this.#around.door) await this.#rest()
    const there = this.#visitors.filter(({ connected, plan }) => connected && plan.names.includes(topic))
    const ends = there.map(({ ledger }) => ledger.ending(topic))
    const closed = this.#topics.get(topic).close()
    this.#closing.add(closed)
    closed.then(() => {
      this.#closing.delete(closed)
      for (const end of ends) end()
    }, this.#report)
  }

  async #restart(crash: boolean): Promise<void> {
    if (this.#around.door) await this.#rest()
    if (crash) {
      for (const visitor of this.#visitors) visitor.cut(0.5)
      this.#store.crash()
    } else {
      const loops = this.#visitors.filter(({ connected, plan }) => connected && plan.way === 'loop')
      const ends = loops.flatMap(({ ledger, plan }) => plan.names.map(name => ledger.ending(name)))
      for (const visitor of this.#visitors) visitor.sendAway()
      let closed = false
      const closing = this.#topics.close().then(() => {
        closed = true
        for (const end of ends) end()
      })
      await this.#rest()
      this.#around.pass(2_500)
      await this.#rest()
      if (!closed) throw new Error('The topics do not close')
      await closing
      for (const visitor of loops) visitor.resume()
      await this.#rest()
      for (const visitor of loops) visitor.comeBack()
      if (this.#unanswered.size > 0) throw new Error(`Never answered: ${[...this.#unanswered]}`)
    }
    this.#closing.clear()
    this.#unanswered.clear()
    if (this.#journal === 'memory') this.#store = this.#newStore()
    this.#topics = this.#newTopics()
  }

  /** Everybody comes back and reads, and everything comes to rest. */
  async #end(): Promise<void> {
    const isIn = ({ connected, finished }: Visitor): boolean => connected || finished
    for (let [round, seen] = [0, -1]; round < 10; round++) {
      if (seen === this.#seen() && this.#visitors.every(isIn)) break
      seen = this.#seen()
      for (const visitor of this.#visitors) {
        visitor.resume()
        if (!visitor.connected) visitor.connect(this.#topics)
      }
      await this.#rest()
    }
    if (this.#closing.size > 0) throw new Error('A topic does not close')
    if (this.#unanswered.size > 0) throw new Error(`Never answered: ${[...this.#unanswered]}`)
    await this.#holds(() => this.#checkVisitors())
    await this.#holds(() => this.#checkStats())
    for (const visitor of this.#visitors) visitor.cut()
    await this.#rest()
    await this.#holds(() => this.#checkStats())
    const closing = this.#topics.close()
    await this.#rest()
    await closing
  }

  /** What must be true now; or soon, where sockets take their time. */
  async #holds(check: () => void): Promise<void> {
    for (const deadline = Date.now() + 3_000; ; await this.#around.turn()) {
      try {
        check()
        return
      } catch (error) {
        if (!this.#around.door || Date.now() > deadline) throw error
      }
    }
  }

  #checkVisitors(): void {
    for (const visitor of this.#visitors) {
      if (visitor.finished) continue
      if (!visitor.connected) throw new Error('A client does not come in')
      visitor.settle()
      if (visitor.plan.way !== 'loop' && !visitor.ledger.lastEventId) throw new Error('A client knows no position')
    }
  }

  #checkStats(): void {
    for (const { name, subscribers, lag } of this.#topics.stats()) {
      const there = this.#visitors.filter(({ connected, ledger }) => connected && ledger.follows(name))
      if (subscribers !== there.length || lag !== 0) {
        throw new Error(`${name} counts ${subscribers} subscribers, ${lag} behind; there are ${there.length}`)
      }
    }
  }

  /** Until nothing happens any more. */
  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < this.#around.rest; quiet++) {
      const seen = this.#seen()
      while (this.#store.step(0)) quiet = 0
      await this.#around.turn()
      if (this.#failure) throw this.#failure.error
      if (this.#seen() !== seen || this.#visitors.some(({ arriving }) => arriving)) quiet = 0
    }
  }

  #seen(): number {
    return this.#visitors.reduce((sum, { ledger }) => sum + ledger.blocks.length, 0)
  }
}
