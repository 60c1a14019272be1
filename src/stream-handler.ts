import { type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { FastifyReply, FastifyRequest, onSendHookHandler, RouteHandlerMethod } from 'fastify'
import type { Admission, Place } from './admission.js'
import { ClosingError, UnauthorizedError } from './errors.js'
import type { Translate } from './failures.js'
import { isGone } from './gone.js'
import { call, type Target } from './handler.js'
import { heedQuery } from './last-event-id.js'
import type { Log } from './log.js'
import { isExpired, type Principal } from './principal.js'
import { problemOf } from './problem.js'
import { CONNECTION_HEADERS, dropUnsendable } from './sendable.js'
import { isFeed } from './sse/feed.js'
import { isBodiless, STREAM_HEADERS } from './sse/headers.js'
import { StreamClosedError } from './sse/index.js'
import type { ResolvedOptions, StreamErrorContext } from './sse/options.js'
import type { Orphan } from './sse/orphan.js'
import { isDone } from './sse/request.js'
import { isThenable, toSource } from './sse/source.js'
import { EventStream, type Gate, type StreamHost } from './sse/stream.js'
import type { Streams } from './streams.js'

/** What the streams of a route need beside the method. */
export interface StreamTarget extends Target {
  readonly options: ResolvedOptions
  readonly streams: Streams
  readonly log: Log
  readonly admission: Admission | undefined
  /** Asks the filters of the route. */
  readonly translate: Translate | undefined
  /** Looks at everything before it is sent, and throws if it is not what was declared. */
  readonly check?: ((value: unknown) => void) | undefined
}

const OWN_HEADERS = Object.entries(STREAM_HEADERS)

/** The Fastify handler of a route that streams. Its last `onSend` hook must be `openStream`. */
export function streamHandler(target: StreamTarget): RouteHandlerMethod {
  const { options, streams, record, admission } = target
  const calls = [...record.parameters.values()].some(({ kind }) => kind === 'stream')
  return (request, reply) => {
    heedQuery(request)
    if (options.end !== false && isDone(request.headers)) {
      reply.code(204).send()
      return
    }
    if (streams.closing) throw closingError(streams)
    checkExpiry(request.principal)
    const place = admission?.admit(request.principal?.id, request.ip)
    const answer = new StreamAnswer(target, reply, place)
    answer.begin(calls)
    return answer
  }
}

/**
 * One answer that is a stream: what the stream asks of the app around it, and the promise of a payload that Fastify
 * waits for. Of a promise it has only what Fastify asks for, its `then`: every connection comes by here, and would make
 * four of the engine's own.
 */
class StreamAnswer implements StreamHost, Gate {
  readonly #target: StreamTarget
  readonly #reply: FastifyReply
  readonly #place: Place | undefined
  #stream: EventStream | undefined
  #fulfilled: ((payload: StreamPayload) => void) | undefined
  #rejected: ((error: unknown) => void) | undefined
  #payload: StreamPayload | undefined
  #failure: { error: unknown } | undefined

  constructor(target: StreamTarget, reply: FastifyReply, place: Place | undefined) {
    this.#target = target
    this.#reply = reply
    this.#place = place
  }

  /** Calls the method and waits for the first event: until then, an error is an ordinary HTTP error. */
  begin(calls: boolean): void {
    const target = this.#target
    const reply = this.#reply
    const stream = new EventStream(reply.raw, target.options, this)
    this.#stream = stream
    target.streams.add(stream)
    try {
      const result = call(target, { request: reply.request, reply, stream })
      const setUp = calls ? stream.follow(Promise.resolve(result)) : setUpOf(target, stream, result)
      if (setUp === undefined) stream.whenReady(this)
      else
        setUp.then(
          () => stream.whenReady(this),
          error => this.reject(error),
        )
    } catch (error) {
      this.reject(error)
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: Fastify waits for it as for a promise
  then(fulfilled: (payload: StreamPayload) => void, rejected: (error: unknown) => void): void {
    this.#fulfilled = fulfilled
    this.#rejected = rejected
    this.#tell()
  }

  resolve(): void {
    const { record, streams } = this.#target
    const reply = this.#reply
    if (record.status !== undefined) reply.code(record.status)
    for (const [header, value] of OWN_HEADERS) if (!reply.hasHeader(header)) reply.header(header, value)
    for (const [header, value] of record.headers) reply.header(header, value)
    this.#payload = new StreamPayload(this.#stream as EventStream, streams)
    this.#tell()
  }

  reject(error: unknown): void {
    const stream = this.#stream as EventStream
    stream.abandon()
    this.#failure = { error: refusal(error, this.#target.streams) }
    if (stream.left) this.#reply.hijack()
    else this.#tell()
  }

  #tell(): void {
    const fulfilled = this.#fulfilled
    if (fulfilled === undefined) return
    if (this.#payload) fulfilled(this.#payload)
    else if (this.#failure) this.#rejected?.(this.#failure.error)
    else return
    this.#fulfilled = undefined
    this.#rejected = undefined
    this.#payload = undefined
  }

  get name(): string {
    return this.#target.name
  }

  get request(): FastifyRequest {
    return this.#reply.request
  }

  get check(): ((value: unknown) => void) | undefined {
    return this.#target.check
  }

  problem(error: unknown): object {
    const { translate } = this.#target
    return problemOf(translate ? translate(error, this.request) : error)
  }

  log(err: unknown, { phase }: StreamErrorContext): void {
    this.#target.log.error({ err, stream: this.name, phase, reqId: this.request.id }, 'An event stream failed')
  }

  orphan(orphan: Orphan): void {
    const { streams, log } = this.#target
    streams.addOrphan(orphan)
    log.warn(
      { stream: this.name, age: orphan.age, reqId: this.request.id },
      'A generator has outlived its client: give @Signal() to whatever it awaits',
    )
  }

  late(): void {
    this.#target.log.warn(
      { stream: this.name, reqId: this.request.id },
      'A stream was written to after its method had returned, which ended it: await what it waits for, or return a Channel',
    )
  }

  closed(stream: EventStream): void {
    this.#place?.release()
    this.#target.streams.delete(stream)
    tellEnd(this.#reply.raw)
  }
}

/** Gives a stream its source, out of what the method has returned. The promise, if any, tells when it has it. */
function setUpOf(target: StreamTarget, stream: EventStream, result: unknown): Promise<void> | undefined {
  if (isThenable(result)) return stream.settle(result).then(value => sourceFor(target, stream, value))
  return sourceFor(target, stream, result)
}

function sourceFor({ name }: StreamTarget, stream: EventStream, value: unknown): Promise<void> | undefined {
  if (isFeed(value)) return stream.feed(value)
  const source = toSource(value)
  if (source === undefined) throw new TypeError(`${name} returned ${kindOf(value)}; a stream needs ${SOURCES}`)
  stream.from(source)
  return undefined
}

const SOURCES = 'a generator, another iterable, a Channel, a subscription, a ReadableStream or an Observable'

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  return typeof value === 'object' ? `an object of class ${value.constructor?.name}` : `a ${typeof value}`
}

/** What a client is told of a stream that has failed before it began. */
function refusal(error: unknown, streams: Streams): unknown {
  return streams.closing && error instanceof StreamClosedError ? closingError(streams) : error
}

function closingError({ closesIn }: Streams): ClosingError {
  return new ClosingError(Math.ceil(closesIn / 1_000) + 1)
}

/** A credential that ends while a stream is set up is no better than one that had ended before. */
function checkExpiry(principal: Principal | undefined): void {
  if (principal && isExpired(principal)) throw new UnauthorizedError('The credential has expired')
}

/**
 * What goes through Fastify's `onSend` hooks in place of the stream. It has a `pipe` so that Fastify takes it for a
 * stream and does not serialize it; nobody but `openStream` may use it.
 */
class StreamPayload {
  readonly stream: EventStream
  readonly streams: Streams

  constructor(stream: EventStream, streams: Streams) {
    this.stream = stream
    this.streams = streams
  }

  pipe(): never {
    throw new TypeError('An onSend hook replaced the payload of an event stream. Let it pass text/event-stream by')
  }
}

/**
 * The last `onSend` hook of a stream route: all other hooks have run, their headers stand, and the stream takes over
 * from Fastify, which is not told that the hook is done. Its `onResponse` hooks still run when the response is over.
 */
export const openStream: onSendHookHandler = ({ principal }, reply, payload, done) => {
  if (!(payload instanceof StreamPayload)) {
    done(null, payload)
    return
  }
  const { stream, streams } = payload
  try {
    checkExpiry(principal)
    checkStatus(reply.statusCode)
    stream.open(sendable(reply))
    if (principal?.expiresAt) stream.endAt(principal.expiresAt, 'expired')
    reply.hijack()
  } catch (error) {
    stream.abandon()
    if (stream.left) reply.hijack()
    else done(refusal(error, streams) as Error)
  }
}

function checkStatus(status: number): void {
  if (!isBodiless(status)) return
  throw new TypeError(
    `A stream cannot be sent in an answer of status ${status}, which has no body: leave the status out`,
  )
}

/** The headers of a reply, checked while somebody can still catch what is wrong with them. */
function sendable(reply: FastifyReply): OutgoingHttpHeaders {
  const headers = reply.getHeaders()
  const failure = dropUnsendable(reply, headers)
  if (failure) throw failure
  if (reply.request.raw.httpVersionMajor > 1) for (const name of CONNECTION_HEADERS) delete headers[name]
  return headers as OutgoingHttpHeaders
}

/**
 * Tells whoever listens for the end of a response in either way, 'finish' or 'error', that it is over: neither comes
 * when the client leaves. Fastify listens so, to run its `onResponse` hooks and to log the request.
 */
function tellEnd(response: ServerResponse | Http2ServerResponse): void {
  // Of HTTP/2, Node tells it in every case.
  if (!(response instanceof ServerResponse) || !isGone(response) || isFinished(response)) return
  const onError = response.listeners('error')
  for (const listener of response.listeners('finish')) {
    if (onError.includes(listener)) listener.call(response)
  }
}

/** Whether 'finish' came. Node 20 says of a response to a dead connection, too, that it is finished. */
function isFinished(response: ServerResponse): boolean {
  return response.writableFinished && response.socket === null
}
