import { encode } from '../sse/encode.js'
import { ServerSentEvent } from '../sse/event.js'
import { defaultSerializer, type Serializer } from '../sse/serializer.js'
import { TopicClosedError, TopicEventError, TopicLimitError, TopicNameError } from './errors.js'
import type { Journal, Retention } from './journal.js'
import { MemoryJournal } from './journals/memory.js'
import { resolveSubscribeOptions, type SubscribeOptions } from './options.js'
import { MAX_POSITIONS } from './position.js'
import type { Publication } from './publication.js'
import { Subscription } from './subscription.js'
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
  /** How many topics there may be at a time. Default 10,000. */
  maxTopics?: number
  /** Turns data into text, where an event brings no serializer of its own. Default: that of the app. */
  serializer?: Serializer
}

const RETENTION: Retention = { count: 10_000, bytes: 8 << 20, age: 300_000 }
const NAME = /^[\x21-\x7e]{1,200}$/

/** The longest time between two looks for what is too old, in milliseconds. */
const SWEEP = 10_000

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
  readonly #serializer: Serializer
  readonly #logs = new Map<string, TopicLog>()
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: TopicsOptions = {}) {
    const { journal = new MemoryJournal(), retention, maxTopics = 10_000, serializer = defaultSerializer } = options
    this.#journal = journal
    this.#retention = retentionBy(retention)
    this.#limit = checkCount('maxTopics', maxTopics)
    this.#serializer = serializer
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
   * @throws {TopicLimitError} 503, if it would be one topic too many
   */
  publish(name: string, value: unknown): Publication {
    if (value instanceof ServerSentEvent && value.id !== undefined) throw new TopicEventError(value.id)
    const text = encode(value, this.#serializer)
    return this.#logOf(checkName(name)).publish(text)
  }

  /**
   * Subscribes to a topic, or to several in one stream: then the order holds within each topic, and one id carries the
   * positions in all of them.
   *
   * @throws {TypeError} for options that make no sense, or more than 30 topics
   */
  subscribe<T = unknown>(names: string | readonly string[], options: SubscribeOptions<T> = {}): Subscription<T> {
    const all = [...new Set(typeof names === 'string' ? [names] : names)].map(checkName)
    if (all.length === 0 || all.length > MAX_POSITIONS) {
      throw new TypeError(`subscribe() takes 1 to ${MAX_POSITIONS} topics, not ${all.length}`)
    }
    const resolved = resolveSubscribeOptions(options as SubscribeOptions)
    return new Subscription<T>(() => all.map(name => this.#logOf(name)), resolved, this.#serializer)
  }

  /** What is known of each topic that is in use. */
  stats(): TopicStats[] {
    return [...this.#logs.values()].map(({ stats }) => stats)
  }

  /** @internal */
  async closeTopic(name: string): Promise<void> {
    const log = this.#logs.get(name)
    if (log === undefined) return
    await log.close()
    if (this.#logs.get(name) === log) this.#logs.delete(name)
  }

  /** Ends all subscriptions, and closes the journal. An app closes its topics by itself. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#sweeper)
    await Promise.all([...this.#logs.keys()].map(name => this.closeTopic(name)))
    await this.#journal.close?.()
  }

  #logOf(name: string): TopicLog {
    const known = this.#logs.get(name)
    if (known) return known
    if (this.#closed) throw new TopicClosedError(name)
    if (this.#logs.size >= this.#limit) this.#sweep()
    if (this.#logs.size >= this.#limit) throw new TopicLimitError(this.#limit)
    const retention = this.#retention(name)
    const log = new TopicLog(name, retention, this.#journal.open(name, retention))
    this.#logs.set(name, log)
    log.ready?.catch(() => this.#logs.delete(name))
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP).unref()
    return log
  }

  /** Lets go of what is too old, and forgets topics that nobody uses and that have nothing. */
  #sweep(): void {
    for (const [name, log] of this.#logs) {
      log.trim()
      if (!log.idle) continue
      this.#logs.delete(name)
      log.close()
    }
    if (this.#logs.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }
}

function checkName(name: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new TopicNameError(name)
}

function retentionBy(given: TopicsOptions['retention'] = {}): (topic: string) => Retention {
  const fill = (retention: Partial<Retention>): Retention => {
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
