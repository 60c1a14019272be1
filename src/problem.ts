import { STATUS_CODES } from 'node:http'
import { HttpError, InvalidRequestError, type Issue } from './errors.js'

/** Problem details: how every error is answered. See RFC 9457. */
export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  code?: string
  instance?: string
  errors?: readonly Issue[]
  /** Members that the error has brought (RFC 9457, section 3.2). */
  [member: string]: unknown
}

/** The media type of problem details. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/**
 * What a client may know of an error.
 *
 * Told with status and message: an `HttpError`; an error of Fastify or one of its plugins; an error that says
 * `expose: true` (http-errors); a plain `Error` that was given a `statusCode` below 500, as is the custom in Fastify.
 * Told with its status alone: `expose: false`. Anything else is an Internal Server Error without a word.
 */
export function problemOf(error: unknown): Problem {
  const { statusCode, message, code } = known(error)
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[statusCode] ?? 'Unknown Error',
    status: statusCode,
  }
  if (message !== undefined && message !== problem.title) problem.detail = message
  if (code !== undefined) problem.code = code
  if (error instanceof InvalidRequestError) problem.errors = error.issues
  return error instanceof HttpError ? { ...problem, ...error.problem } : problem
}

/** The headers that an error brings for its answer. */
export function headersOf(error: unknown): Record<string, string> {
  if (error instanceof HttpError) return error.headers
  // As http-errors has it: a range that there is not names the size of the file.
  const { expose, headers } = (error ?? {}) as { expose?: unknown; headers?: Record<string, string> }
  return expose === true && typeof headers === 'object' && headers !== null ? headers : {}
}

interface Known {
  statusCode: number
  message?: string
  code?: string | undefined
}

const unknownError: Known = { statusCode: 500 }

function known(error: unknown): Known {
  if (error instanceof HttpError) return error
  if (!(error instanceof Error)) return unknownError
  const { statusCode, code, message, expose } = error as Error & Partial<Known> & { expose?: unknown }
  if (!isErrorStatus(statusCode)) return unknownError
  if (typeof code === 'string' && code.startsWith('FST_')) {
    return statusCode === 500 ? unknownError : { statusCode, code, message }
  }
  if (typeof expose === 'boolean') return expose ? { statusCode, message } : { statusCode }
  return statusCode < 500 && isPlain(error) ? { statusCode, message } : unknownError
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) <= 599
}

// Not the errors of other libraries: their status is that of a request of ours to somebody else.
function isPlain(error: Error): boolean {
  const made = error.constructor
  return (made === Error || made === SyntaxError) && error.name === made.name
}
