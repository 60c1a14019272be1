import { BadRequestError } from '../errors.js'
import { type Names, unknownName } from '../sse/known.js'
import { defaultSerializer, type Serializer } from '../sse/serializer.js'
import { isThenable } from '../sse/source.js'
import { contentOf } from './content.js'
import { TopicClosedError, TopicLimitError, TopicNameError } from './errors.js'
import type { Journal, JournalLog, Retention } from './journal.js'
import { MemoryJournal } from './journals/memory.js'
import { resolveSubscribeOptions, type SubscribeOptions } from './options.js'
import { isEpoch, MAX_POSITIONS } from './position.js'
import type { Publication } from './publication.js'
import { Subscription, type SubscriptionHost } from './subscription.js'
import { Topic } from './topic.js'
import { TopicLog, type TopicStats } from './topic-log.js'

/** The options of `Topics`. */
export interface TopicsOptions {
  /** Where the logs are kept. Default: in memory. */
  journal?: Journal
  /**
   * How much of each topic is kept: for all topics, or by name. Default 10,000 events, 8 Mi characters, 5 minutes;
   * what is left out keeps its default.
   */
  retention?: Partial<Retention> | ((topic: string) => Partial<Retention>)
  /** How many topics there may be at a time; one more is refused with 503. Default 10,000. */
  maxTopics?: number
  /** Turns data into text, where an event brings no serializer of its own. Default: that of the app. */
  serializer?: Serializer
  /**
   * Told of an error of the journal that nobody else is told of: nobody awaits the event that it could not keep, uses
   * the topic that it could not close, or has asked for what is too old to go. Default: the log of the app, and the
   * console where there is none.
   */
  onError?: (error: unknown, topic: string) => void
}

const names: Names<TopicsOptions> = { journal: true, retention: true, maxTopics: true, serializer: true, onError: true }

const RETENTION: Retention = { count: 10_000, bytes: 8 << 20, age: 300_000 }
const NAME = /^[\x21-\x7e]{1,200}$/

/** How often a topic is looked at for what is too old, and after how long it is forgotten, in milliseconds. */
const SWEEP = 10_000
const FORGET = 60_000

/** The least time between two sweeps for want of room, in milliseconds: names may come from clients. */
const RESWEEP = 1_000

/**
 * The topics of an app, to be injected: `constructor(private readonly topics: Topics) {}`.
 *
 * A topic is a log of events that is kept within bounds; a subscription is a place in it. So a client that comes back
 * continues where it left off, a slow one costs no memory, and an event is encoded once for all.
 */
export class Topics {
  readonly #journal: Journal
  readonly #retention: (topic: string) => Retention
  readonly #limit: number
  readonly #logs = new Map<string, TopicLog>()
  readonly #epochs = new Set<string>()
  readonly #unused = new Map<string, number>()
  /** By name; the log may be one before the one that is in use. */
  readonly #closing = new Map<string, Closing>()
  readonly #onError: (error: unknown, topic: string) => void
  readonly #host: SubscriptionHost
  #sweeper: NodeJS.Timeout | undefined
  #sweptAt = Number.NEGATIVE_INFINITY
  #closed: Promise<void> | undefined

  /**
   * @throws {RangeError} for a number that makes no sense
   * @throws {TypeError} for a journal that is none, and an option that there is none of
   */
  constructor(options: TopicsOptions = {}) {
    const unknown = unknownName(options, names)
    if (unknown) throw new TypeError(`Topics know ${unknown}`)
    const { journal = new MemoryJournal(), retention, maxTopics = 10_000, serializer = defaultSerializer } = options
    if (typeof journal?.open !== 'function')
      throw new TypeError('The journal of topics has no method open(topic, retention): give an instance of a Journal')
    this.#journal = journal
    this.#retention = retentionBy(retention)
    this.#limit = checkCount('maxTopics', maxTopics)
    this.#onError = options.onError ?? logError
    this.#host = { serializer, logOf: name => this.#logOf(name), knows: epoch => this.#epochs.has(epoch) }
  }

  /**
   * The topic of a name.
   *
   * @typeParam T what its events carry
   * @throws {TopicNameError} 400, unless the name is 1 to 200 printable ASCII characters without spaces
   */
  get<T = unknown>(name: string): Topic<T> {
    return new Topic<T>(checkName(name), this)
  }

  /**
   * Publishes an event: any value as data, or `event(type, data)`.
   *
   * @returns the position of the event, when it is as safe as the journal makes it. It need not be awaited.
   * @throws {TopicEventError} for an event with an id of its own: its position is its id
   * @throws {SerializationError} for data that has no text
   * @throws {TopicNameError} 400, for a name that no topic can have
   * @throws {TopicLimitError} 503, if it would be one topic too many
   * @throws {TopicBusyError} 503, if the journal does not keep up
   * @throws {TopicClosedError} 503, while the topic, or the app, closes
   */
  publish(name: string, value: unknown): Publication {
    const content = contentOf(value, this.#host.serializer)
    return this.#logOf(name).publish(content)
  }

  /**
   * Subscribes to a topic, or to several in one stream: then the order holds within each topic, and one id carries the
   * positions in all of them. Nothing is opened until it is read.
   *
   * @throws {TypeError} for options that make no sense
   * @throws {TopicNameError} 400, for a name that no topic can have
   * @throws {BadRequestError} 400, for none or more than 30 of them: these, too, may come from clients
   */
  subscribe<T = unknown>(names: string | readonly string[], options: SubscribeOptions<T> = {}): Subscription<T> {
    const all = typeof names === 'string' ? [checkName(names)] : [...new Set(names)].map(checkName)
    if (all.length === 0 || all.length > MAX_POSITIONS) {
      throw new BadRequestError(`A subscription is of 1 to ${MAX_POSITIONS} topics, not of ${all.length}`)
    }
    return new Subscription<T>(all, resolveSubscribeOptions(options as SubscribeOptions), this.#host)
  }

  /** What is known of each topic that is in use. */
  stats(): TopicStats[] {
    return [...this.#logs.values()].map(({ stats }) => stats)
  }

  /** @internal */
  statsOf(name: string): TopicStats | undefined {
    return this.#logs.get(name)?.stats
  }

  /** @internal */
  closeTopic(name: string): Promise<void> {
    const closing = this.#closing.get(name)
    const log = this.#logs.get(name) ?? closing?.log
    if (log === undefined) return Promise.resolve()
    if (closing?.log === log) return closing.done
    return this.#closeLog(log, () => this.#remove(log))
  }

  /**
   * Ends all subscriptions, and closes the journal. An app closes its topics by itself, but for those that were given to
   * it. A loop that leaves unread what there still is for it has two seconds.
   *
   * @throws what the journal fails with
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const name of this.#logs.keys()) this.closeTopic(name).catch(noop)
    try {
      await Promise.all(Array.from(this.#closing.values(), ({ done }) => done))
    } finally {
      await this.#journal.close?.()
    }
  }

  #logOf(name: string): TopicLog {
    // A name that is in use was looked at before.
    const known = this.#logs.get(name)
    if (known === undefined) checkName(name)
    if (this.#closed || (known && this.#isClosing(known))) throw new TopicClosedError(name)
    this.#unused.delete(name)
    return known ?? this.#open(name)
  }

  #open(name: string): TopicLog {
    if (this.#logs.size >= this.#limit) this.#makeRoom()
    if (this.#logs.size >= this.#limit) throw new TopicLimitError(this.#limit)
    const retention = this.#retention(name)
    const log = new TopicLog(name, retention, this.#openJournal(name, retention), error => this.#onError(error, name))
    this.#logs.set(name, log)
    log.ready?.catch(() => this.#remove(log))
    this.#sweeper ??= setInterval(() => this.#sweep(FORGET), SWEEP).unref()
    return log
  }

  #openJournal(name: string, retention: Retention): JournalLog | Promise<JournalLog> {
    const open = (): ReturnType<Journal['open']> => this.#journal.open(name, retention)
    const closing = this.#closing.get(name)
    const opened = closing ? closing.done.then(open, open) : open()
    return isThenable(opened) ? opened.then(log => this.#check(name, log)) : this.#check(name, opened)
  }

  /** Clients come back with epochs: they must fit into an id, and tell one topic from another. */
  #check(name: string, log: JournalLog): JournalLog {
    const { epoch } = log
    if (!isEpoch(epoch) || this.#epochs.has(epoch)) {
      const shown = JSON.stringify(epoch)
      throw new Error(
        `The journal gave the topic ${name} the epoch ${shown}: it is 1 to 16 letters and digits of its own`,
      )
    }
    this.#epochs.add(epoch)
    return log
  }

  /** A log that is opened while the one before closes waits for that: when it has closed itself, both have. */
  #closeLog(log: TopicLog, then: () => void): Promise<void> {
    const done = log.close().finally(() => {
      if (this.#isClosing(log)) this.#closing.delete(log.name)
      then()
    })
    this.#closing.set(log.name, { log, done })
    return done
  }

  #isClosing(log: TopicLog): boolean {
    return this.#closing.get(log.name)?.log === log
  }

  #remove(log: TopicLog): void {
    this.#epochs.delete(log.epoch)
    this.#unused.delete(log.name)
    if (this.#logs.get(log.name) === log) this.#logs.delete(log.name)
  }

  #makeRoom(): void {
    const now = performance.now()
    if (now - this.#sweptAt < RESWEEP) return
    this.#sweptAt = now
    this.#sweep(0)
  }

  /**
   * Lets go of what is too old, and forgets the topics that have nothing and that nobody uses. Not at once: a client
   * that comes back soon has missed nothing, and a new log could not know that.
   *
   * @param after how long they have not been used, in milliseconds
   */
  #sweep(after: number): void {
    const now = performance.now()
    for (const [name, log] of this.#logs) {
      this.#trim(log)
      if (!log.idle || this.#isClosing(log)) continue
      const since = this.#unused.get(name) ?? now
      this.#unused.set(name, since)
      if (now - since < after) continue
      this.#remove(log)
      this.#closeLog(log, noop).catch(error => this.#onError(error, name))
    }
    if (this.#logs.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  /** Nobody waits for what is done by the clock: an error thrown there would end the process. */
  #trim(log: TopicLog): void {
    try {
      log.trim()
    } catch (error) {
      this.#onError(error, log.name)
    }
  }
}

interface Closing {
  readonly log: TopicLog
  readonly done: Promise<void>
}

function checkName(name: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new TopicNameError(name)
}

function retentionBy(given: TopicsOptions['retention'] = {}): (topic: string) => Retention {
  const fill = (retention: Partial<Retention>): Retention => {
    const unknown = unknownName(retention, RETENTION)
    if (unknown) throw new TypeError(`The retention of topics knows ${unknown}`)
    const filled = { ...RETENTION, ...retention }
    checkCount('retention.count', filled.count)
    checkCount('retention.bytes', filled.bytes)
    checkCount('retention.age', filled.age)
    return filled
  }
  if (typeof given === 'function') return topic => fill(given(topic))
  const all = fill(given)
  return () => all
}

function checkCount(name: string, value: number): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value > 0)) return value
  throw new RangeError(`${name} is a whole number from 1, not ${value}`)
}

function logError(error: unknown, topic: string): void {
  console.error(`The journal of the topic ${topic} failed:`, error)
}

function noop(): void {}
