import type { IncomingMessage } from 'node:http'
import { LONGEST } from './milliseconds.js'
import type { Problem } from './problem.js'
import { type CutReason, closingFrame } from './sse/frames.js'
import { comeBack } from './sse/retry.js'

/**
 * What an EventSource is sent in place of an error that will pass: a reconnection time and `stream:end`. Any status but
 * 200 would end it for good.
 *
 * An error passes if it is a 429 or 503 that says when to come back. A client is taken for an EventSource if it asks by
 * GET for `text/event-stream` and nothing else, as the standard has it. A fetch client that wants the error itself names
 * another media type beside it: `Accept: text/event-stream, application/problem+json`.
 *
 * @param retryAfter the header of the answer, in seconds
 * @returns the body of the answer, or nothing if the client is to get the error
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
 */
export function goodbyeTo(
  request: IncomingMessage,
  { status, code }: Problem,
  retryAfter: unknown,
): string | undefined {
  if (status !== 429 && status !== 503) return undefined
  const seconds = Number(retryAfter ?? Number.NaN)
  if (!(seconds >= 0) || !isEventSource(request)) return undefined
  return closingFrame(Math.min(comeBack(seconds * 1_000), LONGEST), reasonOf(status, code))
}

function reasonOf(status: number, code: string | undefined): CutReason {
  if (code === 'ERR_CLOSING' || code === 'ERR_TOPIC_CLOSED') return 'closing'
  return status === 429 ? 'limit' : 'busy'
}

function isEventSource({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.accept?.trim().toLowerCase() === 'text/event-stream'
}
