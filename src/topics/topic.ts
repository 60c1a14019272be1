import type { ServerSentEvent } from '../sse/event.js'
import type { TopicEvent } from './event.js'
import type { SubscribeOptions } from './options.js'
import type { Publication } from './publication.js'
import type { Subscription } from './subscription.js'
import type { TopicStats } from './topic-log.js'

/** What a topic asks of the house around it: `Topics`. */
export interface TopicsLike {
  publish(name: string, value: unknown): Publication
  subscribe<T>(names: string, options?: SubscribeOptions<T>): Subscription<T>
  statsOf(name: string): TopicStats | undefined
  closeTopic(name: string): Promise<void>
}

/**
 * One topic: a name. It costs nothing, and may be kept or asked for anew: what is behind it is made when somebody
 * publishes or subscribes, and forgotten when nobody does and nothing is kept.
 */
export class Topic<T = unknown> {
  readonly name: string
  readonly #topics: TopicsLike

  /** @internal */
  constructor(name: string, topics: TopicsLike) {
    this.name = name
    this.#topics = topics
  }

  /** See `Topics.publish`. */
  publish(value: T | ServerSentEvent<T>): Publication {
    return this.#topics.publish(this.name, value)
  }

  /** See `Topics.subscribe`. */
  subscribe(options?: SubscribeOptions<T>): Subscription<T> {
    return this.#topics.subscribe<T>(this.name, options)
  }

  /** Reads the events from now on: the same as `subscribe()` without options. */
  [Symbol.asyncIterator](): AsyncIterableIterator<TopicEvent<T>> {
    return this.subscribe()[Symbol.asyncIterator]()
  }

  /** What is known of it; `undefined` while it is not in use. */
  stats(): TopicStats | undefined {
    return this.#topics.statsOf(this.name)
  }

  /**
   * Ends its subscriptions: each client gets what it has not read yet, then the end of its stream. What a durable journal
   * has kept stays. A stream of several topics goes on with the others. Resolves when all have gone; then the topic may
   * be used anew.
   */
  close(): Promise<void> {
    return this.#topics.closeTopic(this.name)
  }
}
