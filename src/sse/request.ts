import type { IncomingHttpHeaders } from 'node:http'
import { DONE_ID } from './event.js'

/**
 * The last event ID that a client sends when it comes back, or `undefined` on its first visit. The empty string is an
 * id of its own.
 *
 * Browsers send it as UTF-8, and Node reads headers as Latin-1; here it is what it was when it was sent. It comes from
 * the client: check it before you use it.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header
 */
export function lastEventId(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['last-event-id']
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : value
}

/** Whether the client comes back to a stream that has said all: it is to be answered 204, which ends its EventSource. */
export function isDone(headers: IncomingHttpHeaders): boolean {
  return headers['last-event-id'] === DONE_ID
}
