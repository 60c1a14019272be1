import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Takes out of a reply the headers that cannot be sent, such as one with a line break, so that an answer that tells of
 * them can be.
 *
 * @returns what is wrong with one of them; nothing if all can be sent
 */
export function dropUnsendable(reply: FastifyReply): Error | undefined {
  let failure: Error | undefined
  for (const [name, value] of Object.entries(reply.getHeaders())) {
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
