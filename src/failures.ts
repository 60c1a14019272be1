import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ClosingError, HttpError, StreamLimitError, TicketLimitError } from './errors.js'
import { isGone } from './gone.js'
import { type Log, withoutTicket } from './log.js'
import { headersOf, PROBLEM_TYPE, type Problem, problemOf } from './problem.js'
import { goodbyeTo } from './refusal.js'
import { CONNECTION_HEADERS, dropUnsendable } from './sendable.js'
import { isAbort } from './sse/errors.js'
import { STREAM_HEADERS } from './sse/headers.js'
import { TopicClosedError } from './topics/errors.js'

/** From an error to what it is answered as. Never throws. */
export type Translate = (error: unknown, request: FastifyRequest) => unknown

/** Answers every error as problem details, and logs those that are the server's fault. */
export function problemHandler(log: Log, translate: Translate = itself) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const { status } = answerProblem(reply, translate(error, request))
    if (status < 500 || passing.some(type => error instanceof type)) return
    // What was called off because the client has left has not failed.
    if (isAbort(error) && isGone(reply.raw)) return
    log.error(
      { err: error, reqId: request.id, method: request.method, url: withoutTicket(request.url) },
      'A request failed',
    )
  }
}

/** Errors above 500 that are nobody's fault. */
const passing = [StreamLimitError, TicketLimitError, ClosingError, TopicClosedError]

function itself(error: unknown): unknown {
  return error
}

/** Answers an error as problem details; if it will pass, an EventSource is asked to come back instead. */
export function answerProblem(reply: FastifyReply, error: unknown): Problem {
  const problem = problemOf(error)
  reply.code(problem.status).headers(headersOf(error))
  // They may be what has failed, and would fail again.
  dropUnsendable(reply)
  if (reply.request.raw.httpVersionMajor > 1) for (const name of CONNECTION_HEADERS) reply.removeHeader(name)
  const goodbye = goodbyeTo(reply.request.raw, problem, reply.getHeader('retry-after'))
  if (goodbye === undefined) reply.type(PROBLEM_TYPE).send(JSON.stringify(problem))
  else reply.code(200).removeHeader('retry-after').headers(STREAM_HEADERS).send(goodbye)
  return problem
}

/**
 * Answers what is no request that Node.js could read, and cuts the connection. Says nothing where an answer is under way:
 * nobody could tell the two apart.
 */
export function answerGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  const answered = (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
  if (error.code !== 'ECONNRESET' && socket.writable && !answered) {
    const problem = problemOf(garbage[error.code as string] ?? unreadable)
    const body = JSON.stringify(problem)
    const lines = [`HTTP/1.1 ${problem.status} ${problem.title}`, 'connection: close', `content-type: ${PROBLEM_TYPE}`]
    socket.write(`${lines.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  socket.destroy()
}

const unreadable = new HttpError(400, 'The request is not written as HTTP/1.1 has it')

const garbage: Record<string, HttpError> = {
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(408, 'The request did not arrive in time'),
  HPE_HEADER_OVERFLOW: new HttpError(431, 'The head of the request is too large'),
}
