import { STATUS_CODES } from 'node:http'
import { HttpError, InvalidRequestError, type Issue } from './errors.js'

/** Problem details: how every error is answered. See RFC 9457. */
export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  code?: string
  errors?: readonly Issue[]
}

/** The media type of problem details. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/**
 * What a client may know of an error. An `HttpError`, an error of Fastify or one of its plugins, and an error that says
 * `expose: true` (http-errors) are told with their message; anything else is an Internal Server Error without a word.
 */
export function problemOf(error: unknown): Problem {
  const known = knownError(error)
  if (known === undefined) return blank(500)
  const { statusCode, message, code } = known
  const problem = blank(statusCode)
  if (message !== problem.title) problem.detail = message
  if (code !== undefined) problem.code = code
  if (error instanceof InvalidRequestError) problem.errors = error.issues
  return problem
}

/** The headers that an error brings for its answer. */
export function headersOf(error: unknown): Record<string, string> {
  return error instanceof HttpError ? error.headers : {}
}

interface KnownError {
  statusCode: number
  message: string
  code?: string | undefined
}

function knownError(error: unknown): KnownError | undefined {
  if (error instanceof HttpError) return error
  if (!(error instanceof Error)) return undefined
  const { statusCode, code, message, expose } = error as Error & Partial<KnownError> & { expose?: unknown }
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined
  if (typeof code === 'string' && code.startsWith('FST_')) return { statusCode, code, message }
  return expose === true ? { statusCode, message } : undefined
}

function blank(status: number): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Unknown Error', status }
}
