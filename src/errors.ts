import { STATUS_CODES } from 'node:http'

/** What an `HttpError` may carry beside its status and message. */
export interface HttpErrorOptions extends ErrorOptions {
  /** Tells the error apart for programs: sent as `code` in the problem details. */
  code?: string
  /** Headers for the answer, such as `www-authenticate` or `retry-after`. */
  headers?: Record<string, string>
  /** More for the problem details: `type`, `title` and `instance`, and members of your own (RFC 9457, section 3.2). */
  problem?: ProblemMembers
}

/** What problem details may say beside the status, the detail and the code. */
export interface ProblemMembers {
  /** A URI that tells the kind of problem apart; best one that documents it. Default `about:blank`. */
  type?: string
  /** The kind of problem in a few words, the same each time. Default the name of the status. */
  title?: string
  /** A URI of this one occurrence. */
  instance?: string
  /** Members of your own, sent as JSON. A client that does not know them ignores them. */
  [member: string]: unknown
}

/** The members of problem details that an `HttpError` fills in by itself. */
const ownMembers = ['status', 'detail', 'code', 'errors']

/**
 * A failure that is also an answer: its status and message reach the client, as problem details (RFC 9457). Any other
 * error is answered 500, and nothing of it leaves the server.
 *
 * @example
 * ```ts
 * throw new HttpError(409, 'The symbol exists already')
 * ```
 */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly statusCode: number
  readonly code: string | undefined
  readonly headers: Record<string, string>
  readonly problem: ProblemMembers

  /**
   * @throws {RangeError} if the status is no 4xx or 5xx
   * @throws {TypeError} if the option `problem` is no JSON, or has a member that the error fills in itself
   */
  constructor(statusCode: number, message?: string, options: HttpErrorOptions = {}) {
    super(message ?? STATUS_CODES[statusCode] ?? 'Unknown Error', options)
    if (!Number.isInteger(statusCode) || statusCode < 400 || statusCode > 599) {
      throw new RangeError(`The status of an HttpError is from 400 to 599, not ${statusCode}`)
    }
    this.statusCode = statusCode
    this.code = options.code
    this.headers = options.headers ?? {}
    // As JSON at once: what cannot be sent is told where the error is made.
    this.problem = options.problem ? JSON.parse(JSON.stringify(options.problem)) : {}
    const own = ownMembers.find(member => Object.hasOwn(this.problem, member))
    if (own) throw new TypeError(`The member ${own} of a problem is filled in by the HttpError; name yours otherwise`)
  }
}

/** 400: the request makes no sense. */
export class BadRequestError extends HttpError {
  override name = 'BadRequestError'

  constructor(message?: string, options?: HttpErrorOptions) {
    super(400, message, options)
  }
}

/** 401: who is it? Give the scheme in the option `headers: { 'www-authenticate': … }`. */
export class UnauthorizedError extends HttpError {
  override name = 'UnauthorizedError'

  constructor(message?: string, options?: HttpErrorOptions) {
    super(401, message, options)
  }
}

/** 403: known, and not allowed. */
export class ForbiddenError extends HttpError {
  override name = 'ForbiddenError'

  constructor(message?: string, options?: HttpErrorOptions) {
    super(403, message, options)
  }
}

/** 404: not here. An EventSource that is answered so does not come back. */
export class NotFoundError extends HttpError {
  override name = 'NotFoundError'

  constructor(message?: string, options?: HttpErrorOptions) {
    super(404, message, options)
  }
}

/** 409: it would contradict what is there. */
export class ConflictError extends HttpError {
  override name = 'ConflictError'

  constructor(message?: string, options?: HttpErrorOptions) {
    super(409, message, options)
  }
}

/** The limit that a stream was refused by. */
export type StreamLimit = 'perPrincipal' | 'perAddress' | 'total'

const refusedBy = {
  perPrincipal: [429, 'You have too many event streams open: close one, or try again later'],
  perAddress: [429, 'Too many event streams are open from your address: close one, or try again later'],
  total: [503, 'Too many event streams are open: try again later'],
} as const

/**
 * A stream more would exceed a limit of `admission`: 429 if the limit is that of the client itself, by its principal or
 * its address; 503 if it is that of a route, a controller or the app.
 */
export class StreamLimitError extends HttpError {
  override name = 'StreamLimitError'
  readonly limit: StreamLimit

  /** @param retryAfter seconds */
  constructor(limit: StreamLimit, retryAfter: number) {
    const [status, message] = refusedBy[limit]
    super(status, message, { code: 'ERR_STREAM_LIMIT', headers: { 'retry-after': `${retryAfter}` } })
    this.limit = limit
  }
}

/** 429: more requests than `rateLimit` allows; 403 if the client is banned for it. */
export class RateLimitError extends HttpError {
  override name = 'RateLimitError'

  /** @param after how long it lasts, in words: `1 minute` */
  constructor(statusCode: number, after: string) {
    super(statusCode, `Too many requests: try again in ${after}`, { code: 'ERR_RATE_LIMIT' })
  }
}

/** A ticket more would exceed a limit of `tickets`: 429 if it is that of the principal, 503 if it is that of the app. */
export class TicketLimitError extends HttpError {
  override name = 'TicketLimitError'

  /** @param retryAfter seconds */
  constructor(statusCode: 429 | 503, retryAfter: number) {
    const whose = statusCode === 429 ? 'of yours ' : ''
    super(statusCode, `Too many tickets ${whose}are unused: use one, or try again later`, {
      code: 'ERR_TICKET_LIMIT',
      headers: { 'retry-after': `${retryAfter}` },
    })
  }
}

/** 503: a stream is asked for while the app closes. */
export class ClosingError extends HttpError {
  override name = 'ClosingError'

  /** @param retryAfter seconds */
  constructor(retryAfter: number) {
    super(503, 'The server is closing', { code: 'ERR_CLOSING', headers: { 'retry-after': `${retryAfter}` } })
  }
}

/** See `RequestPart`. */
export const REQUEST_PARTS = ['body', 'path', 'query', 'header', 'cookie'] as const

/** The part of a request that a value came from. */
export type RequestPart = (typeof REQUEST_PARTS)[number]

/** One thing that is wrong with a request. */
export interface Issue {
  /** The part of the request. */
  in: RequestPart
  /** The name of the parameter, or the path to the property in the body: `items.0.price`. Empty for the whole. */
  property: string
  /** The rule that was broken: the class-validator constraint, or the type. */
  constraint: string
  /** One sentence for people. */
  detail: string
}

/** 400: the request does not fit the parameters of the method. The answer lists every issue under `errors`. */
export class InvalidRequestError extends HttpError {
  override name = 'InvalidRequestError'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    const [part, ...more] = new Set(issues.map(issue => issue.in))
    const what = part === undefined || more.length > 0 ? 'request' : `${part} of the request`
    super(400, `The ${what} is invalid`, { code: 'ERR_INVALID_REQUEST' })
    this.issues = issues
  }
}

/** A controller, route or parameter is declared wrongly. Stops the boot; no client ever sees it. */
export class DefinitionError extends Error {
  override name = 'DefinitionError'
  readonly code = 'ERR_DEFINITION'

  /**
   * @param where the class, the method, the parameter: `Prices.watch, parameter 0`
   * @param what what is wrong there, and the likely cure
   */
  constructor(where: string, what: string, options?: ErrorOptions) {
    super(`${where}: ${what}`, options)
  }
}

/** A stream has yielded an event that its method does not declare, or whose data is not what is declared. */
export class EventMismatchError extends Error {
  override name = 'EventMismatchError'
  readonly code = 'ERR_EVENT_MISMATCH'

  /**
   * @param where the class and the method: `Prices.watch`
   * @param what what is wrong with the event
   */
  constructor(where: string, what: string) {
    super(`${where}: ${what}`)
  }
}
