/** What was published, as the model has it: a number of its own, a key to conflate by, and something to be long. */
export interface Fact {
  readonly n: number
  readonly key: number
  readonly pad?: string
}

/** One life of a topic: everything that ever stood in its log, whatever retention has taken since. */
export interface Life {
  readonly topic: string
  readonly epoch: string
  /** The fact at each sequence, from 1. */
  readonly facts: Fact[]
}

/** The first and last event that the log may show: as it was told last, and as it is. */
export interface Bounds {
  readonly told: { readonly earliest: number; readonly latest: number }
  readonly now: { readonly earliest: number; readonly latest: number }
}

/** A log as it is, or as it was when it closed. */
export interface Log {
  readonly life: Life
  readonly bounds: Bounds
  readonly open: boolean
}

/** All that ever happened in all topics. */
export class History {
  readonly #lives = new Map<string, Life>()
  readonly #logs = new Map<string, { life: Life; bounds: () => Bounds; open: boolean }>()
  /** By epoch: what is on its way to a client may be of a log that another one has replaced meanwhile. */
  readonly #byEpoch = new Map<string, { life: Life; bounds: () => Bounds; open: boolean }>()

  readonly #closing = new Map<string, (() => void)[]>()

  /** A log was opened, for the first time or again. */
  open(topic: string, epoch: string, bounds: () => Bounds): Life {
    const known = this.#lives.get(epoch)
    if (known && known.topic !== topic) throw new Error(`The epoch ${epoch} is that of ${known.topic} too`)
    const life = known ?? { topic, epoch, facts: [] }
    this.#lives.set(epoch, life)
    const log = { life, bounds, open: true }
    this.#logs.set(topic, log)
    this.#byEpoch.set(epoch, log)
    return life
  }

  /** A log is gone, and one with its name begins anew. */
  end(life: Life): void {
    const log = this.#logs.get(life.topic)
    if (log?.life !== life || !log.open) return
    const bounds = log.bounds()
    Object.assign(log, { open: false, bounds: () => bounds })
  }

  /** Calls back when the log of a life closes next: by then it has all that was published before. */
  onClose({ epoch }: Life, callback: () => void): void {
    this.#closing.set(epoch, [...(this.#closing.get(epoch) ?? []), callback])
  }

  /** The log of an epoch closes. What is published from now on is for those who come. */
  closes(epoch: string): void {
    for (const callback of this.#closing.get(epoch) ?? []) callback()
    this.#closing.delete(epoch)
  }

  life(epoch: string): Life | undefined {
    return this.#lives.get(epoch)
  }

  /**
   * The last log of a topic.
   *
   * @param epoch the log that somebody speaks of, where they name one
   */
  log(topic: string, epoch?: string): Log | undefined {
    const log = (epoch === undefined ? undefined : this.#byEpoch.get(epoch)) ?? this.#logs.get(topic)
    return log && { life: log.life, bounds: log.bounds(), open: log.open }
  }

  /** The log of a topic that is open, or would go on. */
  current(topic: string): Log | undefined {
    const log = this.log(topic)
    return log?.open ? log : undefined
  }

  /** The fact at a position on the wire. */
  at(position: string): Fact | undefined {
    const [epoch = '', sequence] = position.split('.')
    return this.#lives.get(epoch)?.facts[Number(sequence) - 1]
  }
}

/** The fact in the text of an event, as it stands in a log. */
export function factOf(text: string): Fact {
  return JSON.parse(text.slice('data: '.length))
}
