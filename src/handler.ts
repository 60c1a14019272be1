import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, onSendHookHandler, RouteHandlerMethod } from 'fastify'
import type { Admission, Place } from './admission.js'
import { Html, render, View } from './answers.js'
import type { ArgumentReader, Exchange } from './arguments.js'
import { ClosingError, UnauthorizedError } from './errors.js'
import type { Translate } from './failures.js'
import { FileAnswer, sendFile } from './files.js'
import { heedQuery } from './last-event-id.js'
import type { Log } from './log.js'
import type { MethodRecord } from './metadata.js'
import { isExpired, type Principal } from './principal.js'
import { problemOf } from './problem.js'
import { dropUnsendable } from './sendable.js'
import { isFeed } from './sse/feed.js'
import { STREAM_HEADERS } from './sse/headers.js'
import { StreamClosedError } from './sse/index.js'
import type { ResolvedOptions, StreamErrorContext } from './sse/options.js'
import type { Orphan } from './sse/orphan.js'
import { isDone } from './sse/request.js'
import { isThenable, toSource } from './sse/source.js'
import { EventStream, type StreamHost } from './sse/stream.js'
import type { Streams } from './streams.js'

/** One method of one controller, ready to be called. */
export interface Target {
  /** For messages: `Prices.watch GET /prices/:symbol`. */
  readonly name: string
  readonly method: string
  readonly record: MethodRecord
  /** The controller for this request. */
  readonly controller: () => object
  readonly argumentsOf: ArgumentReader | undefined
  /** The folder of `file()` and `download()`. */
  readonly files?: string | undefined
}

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

type Method = (...args: unknown[]) => unknown

/** The Fastify handler of a route that answers once. */
export function plainHandler(target: Target): RouteHandlerMethod {
  const finish = answerer(target)
  return (request, reply) => {
    const result = call(target, { request, reply })
    return isThenable(result) ? result.then(value => finish(value, reply)) : finish(result, reply)
  }
}

/** Calls the method of the controller with its arguments. */
function call({ controller, method, argumentsOf }: Target, exchange: Exchange): unknown {
  const instance = controller() as Record<string, Method>
  if (argumentsOf === undefined) return instance[method]?.()
  const args = argumentsOf(exchange)
  return isThenable(args) ? args.then(ready => instance[method]?.(...ready)) : instance[method]?.(...args)
}

function answerer({ name, record, files }: Target): (value: unknown, reply: FastifyReply) => unknown {
  const { status, headers, redirect } = record
  const sendsItself = [...record.parameters.values()].some(({ kind }) => kind === 'reply')
  return (value, reply) => {
    if (value === reply || reply.sent) return reply
    if (status !== undefined) reply.code(status)
    for (const [header, text] of headers) reply.header(header, text)
    if (redirect) return reply.redirect(typeof value === 'string' ? locationOf(value) : redirect.url, redirect.status)
    if (typeof value === 'object' && value !== null) return answer(value, reply, name, files)
    if (value !== undefined) return value
    if (sendsItself) return reply
    if (status === undefined) reply.code(204)
    return reply.send()
  }
}

/** A URL as a header can have it, whatever its text came from: what no URL is written with is percent-encoded. */
function locationOf(url: string): string {
  return url.replace(/[^\x21-\x7e]+/g, part => encodeURIComponent(part.toWellFormed()))
}

function answer(value: object, reply: FastifyReply, name: string, files: string | undefined): unknown {
  if (value instanceof FileAnswer) return sendFile(reply, value, files)
  if (value instanceof Html) {
    reply.type('text/html; charset=utf-8')
    return value.text
  }
  if (value instanceof View) {
    reply.type('text/html; charset=utf-8')
    return render(reply, value)
  }
  if (isSource(value)) {
    throw new TypeError(`${name} returned an iterator, which only a stream can send: declare the method with @SSE`)
  }
  return value
}

/** Whether a value is for a stream of events: a generator, a Channel. The streams of Node and of the web are bodies. */
function isSource(value: object): boolean {
  if (typeof (value as { next?: unknown }).next === 'function') return true
  return Symbol.asyncIterator in value && !('pipe' in value) && !('getReader' in value)
}

/** The Fastify handler of a route that streams. Its last `onSend` hook must be `openStream`. */
export function streamHandler(target: StreamTarget): RouteHandlerMethod {
  const { options, streams, record, admission } = target
  const calls = [...record.parameters.values()].some(({ kind }) => kind === 'stream')
  return async (request, reply) => {
    heedQuery(request)
    if (options.end !== false && isDone(request.headers)) return reply.code(204).send()
    if (streams.closing) throw closingError(streams)
    checkExpiry(request.principal)
    const place = admission?.admit(request.principal?.id, request.ip)
    const stream = new EventStream(reply.raw, options, new Host(target, request, reply.raw, place))
    streams.add(stream)
    try {
      await begin(target, stream, { request, reply, stream }, calls)
    } catch (error) {
      stream.abandon()
      if (stream.left) return reply.hijack()
      throw refusal(error, streams)
    }
    if (record.status !== undefined) reply.code(record.status)
    for (const [header, value] of OWN_HEADERS) if (!reply.hasHeader(header)) reply.header(header, value)
    for (const [header, value] of record.headers) reply.header(header, value)
    return reply.send(new StreamPayload(stream, streams))
  }
}

/** Calls the method and waits for the first event: until then, an error is an ordinary HTTP error. */
async function begin(target: StreamTarget, stream: EventStream, exchange: Exchange, calls: boolean): Promise<void> {
  let result = call(target, exchange)
  if (calls) stream.follow(Promise.resolve(result))
  else {
    if (isThenable(result)) result = await stream.settle(result)
    if (isFeed(result)) await stream.feed(result)
    else {
      const source = toSource(result)
      if (source === undefined)
        throw new TypeError(`${target.name} returned ${kindOf(result)}; a stream needs ${SOURCES}`)
      stream.from(source)
    }
  }
  const ready = stream.ready()
  if (ready) await ready
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
    stream.open(sendable(reply))
    if (principal?.expiresAt) stream.endAt(principal.expiresAt, 'expired')
    reply.hijack()
  } catch (error) {
    stream.abandon()
    if (stream.left) reply.hijack()
    else done(refusal(error, streams) as Error)
  }
}

/** The headers of a reply, checked while somebody can still catch what is wrong with them. */
function sendable(reply: FastifyReply): OutgoingHttpHeaders {
  const failure = dropUnsendable(reply)
  if (failure) throw failure
  return reply.getHeaders() as OutgoingHttpHeaders
}

/** What a stream asks of the app around it. */
class Host implements StreamHost {
  readonly #target: StreamTarget
  readonly #response: ServerResponse
  readonly #place: Place | undefined
  readonly request: FastifyRequest

  constructor(target: StreamTarget, request: FastifyRequest, response: ServerResponse, place: Place | undefined) {
    this.#target = target
    this.#response = response
    this.#place = place
    this.request = request
  }

  get name(): string {
    return this.#target.name
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

  closed(stream: EventStream): void {
    this.#place?.release()
    this.#target.streams.delete(stream)
    tellEnd(this.#response)
  }
}

/**
 * Tells whoever listens for the end of a response in either way, 'finish' or 'error', that it is over: neither comes
 * when the client leaves. Fastify listens so, to run its `onResponse` hooks and to log the request.
 */
function tellEnd(response: ServerResponse): void {
  if (!response.destroyed || response.writableFinished) return
  const onError = response.listeners('error')
  for (const listener of response.listeners('finish')) {
    if (onError.includes(listener)) listener.call(response)
  }
}
