import { type IncomingMessage, type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { type Feed, isFeed } from './feed.js'
import { INTERNAL } from './frames.js'
import { isBodiless, STREAM_HEADERS } from './headers.js'
import { type ResolvedOptions, resolveOptions, type StreamErrorContext, type StreamOptions } from './options.js'
import type { Orphan } from './orphan.js'
import { isDone } from './request.js'
import type { StreamResponse } from './sink.js'
import { dismiss, type EventSourceLike, type Source, toSource } from './source.js'
import { EventStream } from './stream.js'

/** The options of `streamEvents`. */
export interface StreamEventsOptions extends StreamOptions {
  /** More headers for the response; they win over those of the stream, as those do that the response has already. */
  headers?: OutgoingHttpHeaders
  /** What the stream is called in errors and logs. Default: the method and URL of the request. */
  name?: string
}

/**
 * Answers a request of plain `node:http` (or `node:http2`) with an event stream: no framework, no decorators.
 *
 * A client that comes back to a finished stream is answered 204, and HEAD gets the head alone; the source is told then
 * that nobody reads it. A client that leaves ends the source. Resolves when the response is over, for whatever reason.
 *
 * @example
 * ```ts
 * createServer((request, response) => streamEvents(request, response, clock()).catch(next)).listen(8080)
 * ```
 * @throws what the source threw before its first event, while nothing was sent: answer with an error of your own
 * @throws {TypeError} if there is no source in the value, or an option, a header or the status makes no sense
 */
export async function streamEvents(
  request: IncomingMessage | Http2ServerRequest,
  response: StreamResponse,
  values: EventSourceLike,
  options: StreamEventsOptions = {},
): Promise<void> {
  const { headers, name, ...streamOptions } = options
  const resolved = resolveOptions(String(request.method), streamOptions)
  const all = headersFor(response, headers)
  if (isBodiless(response.statusCode)) {
    throw new TypeError(
      `streamEvents() cannot stream in a response of status ${response.statusCode}, which has no body`,
    )
  }
  const isOver = resolved.end !== false && isDone(request.headers)
  if (isOver || request.method === 'HEAD') {
    if (!isFeed(values)) dismiss(values)
    return isOver ? end(response, 204) : end(response, 200, all)
  }
  const source = isFeed(values) ? values : toSource(values)
  if (source === undefined) throw new TypeError('streamEvents() takes a generator, a channel, or another iterable')
  await run(response, source, resolved, all, name ?? `${request.method} ${request.url}`, request)
}

async function run(
  response: StreamResponse,
  source: Source | Feed,
  options: ResolvedOptions,
  headers: OutgoingHttpHeaders,
  name: string,
  request: unknown,
): Promise<void> {
  let closed: (() => void) | undefined
  const over = new Promise<void>(resolve => {
    closed = resolve
  })
  const stream = new EventStream(response, options, { name, request, problem, log, orphan, closed: () => closed?.() })
  try {
    if (isFeed(source)) await stream.feed(source)
    else stream.from(source)
    await new Promise<void>((resolve, reject) => stream.whenReady({ resolve, reject }))
  } catch (error) {
    stream.abandon()
    if (stream.left) return
    throw error
  }
  stream.open(headers)
  await over
}

// Names in lower case, or a header of the stream and one that replaces it would both be sent. Checked here, because the
// head leaves later, where nobody could catch what `writeHead()` throws.
function headersFor(response: StreamResponse, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(STREAM_HEADERS)) if (!response.hasHeader(name)) headers[name] = value
  for (const [name, value] of Object.entries(more)) {
    if (value === undefined) continue
    validateHeaderName(name)
    validateHeaderValue(name, String(value))
    headers[name.toLowerCase()] = value
  }
  return headers
}

function end(response: StreamResponse, status: number, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, headers)
  response.end()
}

function problem(): object {
  return INTERNAL
}

function log(error: unknown, context: StreamErrorContext): void {
  console.error(`Event stream ${context.name} failed (${context.phase}):`, error)
}

function orphan({ name, age }: Orphan): void {
  console.warn(`Event stream ${name}: its source still waits ${age} ms after the start, though its client has left`)
}
