import type { Gap, OnGap } from 'okapi'
import type { Block } from './block.js'
import type { Bounds, Fact, History, Life } from './history.js'

/** What the options of a subscription promise. */
export interface Terms {
  readonly names: readonly string[]
  readonly from: 'now' | 'start' | 'snapshot' | number
  readonly onGap: OnGap
  readonly sees: (fact: Fact) => boolean
  readonly conflates: boolean
  /** It is not told when its journal has opened, and where it begins. */
  readonly loops: boolean
  readonly expires: boolean
}

/** Where a client stands in one topic. */
interface Account {
  /** The log it is in; nothing as long as it has no position there. */
  life: Life | undefined
  /** It has had, or was told that it will not have, everything up to here. */
  sequence: number
  /** Where it may begin that has no position yet. */
  least: number
  most: number
  /** What it asked for, where that is no position; or a position in a log that is none of this topic. */
  malformed: string | undefined
  foreign: boolean
  /** It was told of a gap, or shown a snapshot; the next id says from where it goes on. */
  moving: Gap | 'snapshot' | undefined
  snapshotUpTo: number | undefined
  /** Where the topic ended for it, though others of its stream go on. */
  end: { readonly life: Life; latest?: number } | undefined
  /** By key, events that were left out because a newer one of the key comes. */
  readonly owed: Map<number, number>
}

/**
 * Keeps the books of one client: what it saw, and what it was told it lost, must be the log. Throws at the first block
 * that does not fit.
 */
export class Ledger {
  readonly #history: History
  readonly #terms: Terms
  readonly #accounts = new Map<string, Account>()
  lastEventId: string | undefined
  /** Blocks taken, for messages. */
  readonly blocks: string[] = []

  constructor(history: History, terms: Terms) {
    this.#history = history
    this.#terms = terms
  }

  /** The client connects, and sends this id. It has to be told of whatever it cannot have from there. */
  connect(id: string | undefined): void {
    this.blocks.push(`<connect ${id}>`)
    const honest = id === this.lastEventId
    this.lastEventId = id
    const positions = id === undefined || id === '' ? [] : parse(id)
    const known = new Map((positions ?? []).map(position => [this.#history.life(position.epoch)?.topic, position]))
    const strangers = (positions ?? []).filter(({ epoch }) => {
      const topic = this.#history.life(epoch)?.topic
      return topic === undefined || !this.#terms.names.includes(topic)
    })
    for (const name of this.#terms.names) {
      const old = this.#accounts.get(name)
      const position = known.get(name)
      const account: Account = {
        life: position && this.#history.life(position.epoch),
        sequence: position?.sequence ?? 0,
        least: 0,
        most: 0,
        malformed: positions ? undefined : id?.slice(0, 64),
        foreign: position === undefined && strangers.shift() !== undefined,
        moving: undefined,
        snapshotUpTo: undefined,
        end: undefined,
        owed: honest ? (old?.owed ?? new Map()) : new Map(),
      }
      this.#accounts.set(name, account)
    }
  }

  /** The server hears of the client: until now, logs may have gone that were there when it connected. */
  arrived(): void {
    for (const name of this.#terms.names) this.#of(name).least = this.#start(name, 'told')
  }

  /** The server has found out where the client begins. */
  entered(): void {
    for (const name of this.#terms.names) this.#of(name).most = this.#start(name, 'now')
  }

  /** The client was refused with 410. */
  refused(gap: Gap): void {
    const [name] = this.#terms.names.filter(one => this.#isJust(one, gap))
    if (this.#terms.onGap !== 'refuse' || name === undefined) this.#fail(`was refused for ${JSON.stringify(gap)}`)
    this.lastEventId = undefined
    for (const { owed } of this.#accounts.values()) owed.clear()
  }

  /** The client has taken a block. */
  take(block: Block): void {
    this.blocks.push(`${block.id ?? ''}|${block.event ?? ''}|${block.data?.slice(0, 200) ?? ''}`)
    if (block.event === 'stream:gap') this.#gap(JSON.parse(block.data as string), block.id)
    else if (block.data?.startsWith('{"snapshot"')) this.#snapshot(JSON.parse(block.data).snapshot)
    else if (block.data !== undefined) this.#event(JSON.parse(block.data), block.id)
    else if (block.id !== undefined) this.#moveTo(block.id)
    if (block.id !== undefined) this.lastEventId = block.id
  }

  /** The client has had everything that it can have of a topic. */
  settle(name: string): void {
    const account = this.#of(name)
    const current = this.#history.current(name)
    const life = account.end?.life ?? current?.life
    const latest = account.end
      ? (account.end.latest ?? account.end.life.facts.length)
      : (current?.bounds.now.latest ?? 0)
    const shown = account.snapshotUpTo !== undefined
    if (account.moving && !shown) this.#fail(`was told of a gap in ${name}, and no more`)
    if (life === undefined) return
    // Code with a loop hears no position behind a snapshot.
    if (shown) this.#pass(name, account, life, account.snapshotUpTo as number, latest + 1)
    else if (account.life === undefined) {
      this.#checkTold(name, account)
      this.#pass(name, account, life, this.#most(name, account), latest + 1)
    } else {
      if (account.life !== life) this.#fail(`stands in ${account.life.epoch} of ${name}, which is over`)
      if (account.sequence > latest) this.#fail(`stands at ${account.sequence} of ${latest} in ${name}`)
      this.#pass(name, account, life, account.sequence, latest + 1)
    }
    if (account.owed.size > 0) this.#fail(`never saw what replaces ${JSON.stringify([...account.owed])} in ${name}`)
  }

  /** A topic closes: nothing more comes of it on this connection than what it has. To be called back when it has closed. */
  ending(name: string): () => void {
    const account = this.#of(name)
    const life = this.#history.current(name)?.life
    if (life && account.end === undefined) {
      const end: NonNullable<Account['end']> = { life }
      account.end = end
      this.#history.onClose(life, () => {
        end.latest ??= life.facts.length
      })
    }
    return () => {
      const closed = life ?? this.#history.log(name)?.life
      if (closed === undefined) return
      account.end ??= { life: closed }
      if (account.end.life === closed) account.end.latest ??= closed.facts.length
    }
  }

  /** Whether it stands in the log of an event, and has yet to see it. */
  awaits(name: string, position: string): boolean {
    const { life, sequence, moving, end } = this.#of(name)
    const [epoch, own] = position.split('.')
    const fact = this.#history.at(position)
    return (
      life?.epoch === epoch && !moving && !end && sequence < Number(own) && fact !== undefined && this.#terms.sees(fact)
    )
  }

  /** Whether more of a topic may come on this connection. */
  follows(name: string): boolean {
    return this.#terms.names.includes(name) && this.#of(name).end === undefined
  }

  #event(fact: Fact, id: string | undefined): void {
    if (id === undefined) this.#fail('got an event without an id')
    const told = this.#history.at(this.#partOf(id, fact.n))
    if (told?.n !== fact.n || told.key !== fact.key || told.pad !== fact.pad) {
      this.#fail(`got ${fact.n} as ${id}, where ${told?.n} stands`)
    }
    if (!this.#terms.sees(fact)) this.#fail(`got ${fact.n}, which its filter hides`)
    this.#moveTo(id, fact)
  }

  /** The part of an id that names this event. */
  #partOf(id: string, n: number): string {
    const parts = id.split(',')
    return parts.find(part => this.#history.at(part)?.n === n) ?? id
  }

  #gap(gap: Gap, id: string | undefined): void {
    const { names, onGap } = this.#terms
    const name = names.length === 1 ? names[0] : gap.topic
    if (name === undefined || !names.includes(name)) this.#fail(`was told of a gap in ${gap.topic}`)
    if (onGap === 'refuse') this.#fail('was told of a gap, and not refused')
    if (!this.#isJust(name, gap)) this.#fail(`was told of a gap that is none: ${JSON.stringify(gap)}`)
    const account = this.#of(name)
    account.moving = gap
    account.malformed = undefined
    account.foreign = false
    account.owed.clear()
    if (id !== undefined) this.#moveTo(id)
    else if (this.#terms.loops && onGap !== 'snapshot') {
      const { life } = this.#history.log(name) as { life: Life }
      const latest = numberOf(life, gap.latest) ?? 0
      const sequence = this.#next(numberOf(life, gap.earliest) ?? latest + 1, latest)
      Object.assign(account, { life, sequence, moving: undefined })
    }
  }

  /** Whether a client that stands where this one does has to be told of this gap. */
  #isJust(name: string, { requested, earliest, latest, lost, reason }: Gap): boolean {
    const account = this.#of(name)
    const current = this.#history.log(name, latest?.split('.')[0])
    if (current === undefined || current.life.topic !== name) return false
    const { life, bounds } = current
    const [oldest, newest] = [numberOf(life, earliest), numberOf(life, latest)]
    const first = oldest ?? (newest ?? 0) + 1
    if (Number.isNaN(oldest) || Number.isNaN(newest)) return false
    if (first > bounds.now.earliest || (newest ?? 0) > bounds.now.latest) return false
    if (reason === 'malformed') return requested === account.malformed && lost === null
    const [position] = parse(requested) ?? []
    if (position === undefined) return false
    if (reason === 'epoch') return position.epoch !== life.epoch && lost === null
    if (position.epoch !== life.epoch) return false
    if (reason === 'unknown') return position.sequence > (newest ?? 0) && account.sequence > (newest ?? 0)
    const next = this.#next(first, newest ?? 0)
    // A loop hears no position behind a snapshot.
    const from = account.snapshotUpTo ?? (account.life === life ? account.sequence : undefined)
    if (from !== undefined) this.#pass(name, account, life, from, position.sequence + 1)
    else if (reason === 'expired' || account.life !== undefined) return false
    return position.sequence < first - 1 && lost === next - position.sequence
  }

  #next(first: number, latest: number): number {
    const { onGap } = this.#terms
    return onGap === 'latest' || onGap === 'snapshot' ? latest : first - 1
  }

  #snapshot({ topic, upTo }: { topic: string; upTo: number }): void {
    const account = this.#of(topic)
    if (account.moving === undefined && account.life !== undefined) this.#fail(`got a snapshot of ${topic} for nothing`)
    account.moving ??= 'snapshot'
    account.snapshotUpTo = upTo
  }

  /** The client is told a position; between it and the last one nothing may be that it should have seen. */
  #moveTo(id: string, fact?: Fact): void {
    const positions = parse(id)
    const { names } = this.#terms
    if (positions?.length !== names.length) this.#fail(`got the id ${id}`)
    names.forEach((name, index) => {
      const position = (positions as { epoch: string; sequence: number }[])[index] as {
        epoch: string
        sequence: number
      }
      const life = this.#history.life(position.epoch)
      if (life?.topic !== name) this.#fail(`got the id ${id}, which is not of ${name}`)
      this.#move(name, this.#of(name), life as Life, position.sequence, fact)
    })
  }

  #move(name: string, account: Account, life: Life, sequence: number, fact: Fact | undefined): void {
    if (sequence > life.facts.length) this.#fail(`is told of ${sequence} events in ${name}: there are fewer`)
    const { moving } = account
    if (moving === 'snapshot' || (moving && this.#terms.onGap === 'snapshot')) {
      if (account.snapshotUpTo === undefined) this.#fail(`goes on in ${name} without the snapshot`)
      const isEvent = fact !== undefined && life.facts[sequence - 1]?.n === fact.n
      this.#pass(name, account, life, account.snapshotUpTo as number, isEvent ? sequence : sequence + 1)
    } else if (moving) {
      const first = numberOf(life, moving.earliest) ?? sequence + 1
      if (sequence !== this.#next(first as number, numberOf(life, moving.latest) ?? 0))
        this.#fail(`goes on at ${sequence}`)
    } else if (account.life === undefined) {
      this.#checkTold(name, account)
      if (this.#terms.from === 'snapshot') this.#fail(`goes on in ${name} without the snapshot`)
      if (fact && life.facts[sequence - 1]?.n === fact.n) {
        // The first thing it hears: it began somewhere between the bounds.
        const start = Math.min(this.#most(name, account), sequence - 1)
        if (start < account.least) this.#fail(`begins at ${sequence}, not behind ${account.least} to ${account.most}`)
        this.#pass(name, account, life, start, sequence)
      } else if (sequence < account.least || sequence > account.most) {
        if (sequence < account.least) this.#fail(`begins behind ${sequence}, not ${account.least} to ${account.most}`)
        this.#pass(name, account, life, account.most, sequence + 1)
      }
    } else {
      if (account.life !== life) this.#fail(`is in another life of ${name}, and was not told`)
      const isEvent = fact !== undefined && life.facts[sequence - 1]?.n === fact.n
      if (sequence < account.sequence || (isEvent && sequence === account.sequence)) this.#fail(`goes back in ${name}`)
      this.#pass(name, account, life, account.sequence, isEvent ? sequence : sequence + 1)
    }
    if (fact && life.facts[sequence - 1]?.n === fact.n) account.owed.delete(fact.key)
    account.life = life
    account.sequence = sequence
    account.moving = undefined
    account.snapshotUpTo = undefined
  }

  #checkTold(name: string, { malformed, foreign }: Account): void {
    if (malformed !== undefined || foreign) this.#fail(`was not told that its id is none of ${name}`)
  }

  /** Nothing may lie between two places that it should have seen, unless something newer takes its place. */
  #pass(name: string, account: Account, life: Life, after: number, before: number): void {
    for (let sequence = after + 1; sequence < before; sequence++) {
      const fact = life.facts[sequence - 1] as Fact
      if (!this.#terms.sees(fact)) continue
      if (!this.#terms.conflates) this.#fail(`never saw ${fact.n}, which is ${life.epoch}.${sequence} of ${name}`)
      account.owed.set(fact.key, sequence)
    }
  }

  /** Where a first visit begins. */
  #start(name: string, when: keyof Bounds): number {
    const bounds = this.#history.current(name)?.bounds[when]
    if (bounds === undefined) return 0
    const { from } = this.#terms
    if (from === 'now' || from === 'snapshot') return bounds.latest
    return from === 'start' ? bounds.earliest - 1 : Math.max(bounds.earliest - 1, bounds.latest - from)
  }

  // What is too old may have gone while the journal opened.
  #most(name: string, { most }: Account): number {
    const { expires, loops } = this.#terms
    return loops && expires ? Math.max(most, (this.#history.current(name)?.bounds.now.earliest ?? 1) - 1) : most
  }

  #of(name: string): Account {
    return this.#accounts.get(name) as Account
  }

  #fail(what: string): never {
    throw new Error(`A client ${what}\n  ${this.blocks.slice(-30).join('\n  ')}`)
  }
}

/** Reads an id as simply as can be. */
function parse(id: string): { epoch: string; sequence: number }[] | undefined {
  if (id.length > 1024) return undefined
  const parts = id.split(',')
  if (parts.length > 30 || !parts.every(part => /^\w{1,16}\.(0|[1-9]\d{0,15})$/.test(part) && !part.includes('_'))) {
    return undefined
  }
  const positions = parts.map(part => ({ epoch: part.split('.')[0] as string, sequence: Number(part.split('.')[1]) }))
  return positions.every(({ sequence }) => Number.isSafeInteger(sequence)) ? positions : undefined
}

/** The sequence of a position in this life of a log: `undefined` for none, `NaN` for one of another log. */
function numberOf(life: Life, position: string | null): number | undefined {
  if (position === null) return undefined
  const [epoch, sequence] = position.split('.')
  return epoch === life.epoch ? Number(sequence) : Number.NaN
}
