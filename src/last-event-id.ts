import type { FastifyRequest } from 'fastify'
import { BadRequestError } from './errors.js'

/** What a query may say in place of the header, as a pattern of JSON Schema: all that a header could. */
export const SENDABLE = '^[^\\x00\\r\\n]*$'

/**
 * Lets a new EventSource go on where another has left off: it cannot send `Last-Event-ID` before it has one, and says it
 * in the query, as `?lastEventId=…`. The header, where there is one, is newer and wins.
 *
 * @throws {BadRequestError} for what no header could say
 */
export function heedQuery({ method, query, raw: { headers } }: FastifyRequest): void {
  if (method !== 'GET' || headers['last-event-id'] !== undefined) return
  const { lastEventId } = query as { lastEventId?: unknown }
  if (lastEventId === undefined || lastEventId === '') return
  if (typeof lastEventId !== 'string' || !sendable.test(lastEventId)) {
    throw new BadRequestError('The query "lastEventId" is no last event ID')
  }
  // As Node reads a header that was sent as UTF-8.
  headers['last-event-id'] = Buffer.from(lastEventId).toString('latin1')
}

const sendable = new RegExp(SENDABLE)
