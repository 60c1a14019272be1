import { HttpError, type HttpErrorOptions } from '../errors.js'
import type { Gap } from './gap.js'

/** 400: a name that no topic can have. */
export class TopicNameError extends HttpError {
  override name = 'TopicNameError'

  constructor(topic: unknown) {
    const shown = JSON.stringify(typeof topic === 'string' ? topic.slice(0, 80) : String(topic))
    super(400, `The name of a topic is 1 to 200 printable ASCII characters without spaces: ${shown}`, {
      code: 'ERR_TOPIC_NAME',
    })
  }
}

/**
 * A 503 that passes. The client reads no more than when to come back; what whoever runs the app can do is the `cause`,
 * for the log.
 */
function passing(code: string, seconds: number, advice: string): HttpErrorOptions {
  return { code, headers: { 'retry-after': `${seconds}` }, cause: new Error(advice) }
}

/** 503: there are as many topics as may be. Comes with `Retry-After`: topics that nobody uses are forgotten after a while. */
export class TopicLimitError extends HttpError {
  override name = 'TopicLimitError'

  constructor(limit: number) {
    const advice = `There are ${limit} topics already: raise maxTopics, or let fewer names come from clients`
    super(503, 'Too many topics are in use: try again later', passing('ERR_TOPIC_LIMIT', 10, advice))
  }
}

/** 503: more was published than the journal has written. Comes with `Retry-After`. */
export class TopicBusyError extends HttpError {
  override name = 'TopicBusyError'

  constructor(topic: string) {
    const advice = `The journal of the topic ${topic} does not keep up: await each publish(), or send less`
    super(503, 'Too much is being published: try again later', passing('ERR_TOPIC_BUSY', 1, advice))
  }
}

/** 503: the topic, or the whole app, closes. Comes with `Retry-After`: a topic may be used anew once it has closed. */
export class TopicClosedError extends HttpError {
  override name = 'TopicClosedError'

  constructor(topic: string) {
    super(503, 'The topic is closing', passing('ERR_TOPIC_CLOSED', 2, `The topic ${topic} is closing`))
  }
}

/** 410: what the client has missed is gone, and the subscription refuses to go on without it (`onGap: 'refuse'`). */
export class GapError extends HttpError {
  override name = 'GapError'
  readonly gap: Gap

  constructor(gap: Gap) {
    super(410, `The events after the last event ID are gone (${gap.reason}): begin anew, without it`, {
      code: 'ERR_GAP',
    })
    this.gap = gap
  }
}

/** A reader of a subscription with `onLag: 'disconnect'` has fallen too far behind. Only code that reads it by itself sees this. */
export class LagError extends Error {
  override name = 'LagError'
  readonly code = 'ERR_LAG'

  constructor(topic: string) {
    super(`This reader of the topic ${topic} has fallen behind: read faster, or subscribe with another onLag`)
  }
}

/** An event that a topic cannot take: one with an id of its own, or one that stands in a topic already. */
export class TopicEventError extends Error {
  override name = 'TopicEventError'
  readonly code = 'ERR_TOPIC_EVENT'

  constructor(id: string | undefined) {
    const shown = id === undefined ? '' : `: ${JSON.stringify(id.slice(0, 80))}`
    super(`An event of a topic has no id of its own, its position is the id; put yours in the data${shown}`)
  }
}

/** A journal cannot be opened, or does not take an event: the disk is full, the file is damaged, somebody else has it. */
export class JournalError extends Error {
  override name = 'JournalError'
  readonly code = 'ERR_JOURNAL'
}
