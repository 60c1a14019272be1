import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { FastifyReply } from 'fastify'
import { STREAM_HEADERS } from './sse/headers.js'

/** The headers of one connection, of which HTTP/2 has none: see RFC 9113, section 8.2.2. */
export const CONNECTION_HEADERS = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
] as const

/**
 * Takes out of a reply the headers that cannot be sent, such as one with a line break, so that an answer that tells of
 * them can be.
 *
 * @returns what is wrong with one of them; nothing if all can be sent
 */
export function dropUnsendable(reply: FastifyReply, headers = reply.getHeaders()): Error | undefined {
  let failure: Error | undefined
  for (const name in headers) {
    const value = headers[name]
    // Those of a stream are on the way of each, and known to be whole.
    if (value === (STREAM_HEADERS as Record<string, unknown>)[name]) continue
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value as string)
    } catch (error) {
      failure = error as Error
      reply.removeHeader(name)
    }
  }
  return failure
}
