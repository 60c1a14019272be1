import { expect } from 'chai'
import {
  BadRequestError,
  ClosingError,
  ConflictError,
  DefinitionError,
  ForbiddenError,
  HttpError,
  InvalidRequestError,
  type Issue,
  NotFoundError,
  RateLimitError,
  StreamLimitError,
  UnauthorizedError,
} from 'okapi'

describe('HttpError', () => {
  it('takes its message from the status', () => {
    const error = new HttpError(418)

    expect(error).to.include({ name: 'HttpError', statusCode: 418, message: "I'm a Teapot", code: undefined })
    expect(error.headers).to.deep.equal({})
  })

  it('has a message for a status without a name', () => {
    expect(new HttpError(499).message).to.equal('Unknown Error')
  })

  it('carries a code, headers and a cause', () => {
    const cause = new Error('refused')

    const error = new HttpError(503, 'Come back later', { code: 'BUSY', headers: { 'retry-after': '5' }, cause })

    expect(error).to.include({ message: 'Come back later', code: 'BUSY', cause })
    expect(error.headers).to.deep.equal({ 'retry-after': '5' })
  })

  it('takes members for its problem details, as the JSON that they are at that moment', () => {
    const problem = { type: 'https://example.com/sold-out', since: new Date(0), left: [] as number[] }

    const error = new HttpError(409, 'No more tea', { problem })
    problem.left.push(1)

    expect(error.problem).to.deep.equal({
      type: 'https://example.com/sold-out',
      since: '1970-01-01T00:00:00.000Z',
      left: [],
    })
  })

  it('refuses members that are no JSON where it is made, and those that it has itself', () => {
    expect(() => new HttpError(409, 'No', { problem: { left: 1n } })).to.throw(TypeError, 'BigInt')
    for (const member of ['status', 'detail', 'code', 'errors']) {
      expect(() => new HttpError(409, 'No', { problem: { [member]: 'x' } })).to.throw(
        TypeError,
        `The member ${member} of a problem is filled in by the HttpError; name yours otherwise`,
      )
    }
  })

  for (const status of [200, 399, 600, 404.5, Number.NaN]) {
    it(`is not for the status ${status}`, () => {
      expect(() => new HttpError(status)).to.throw(
        RangeError,
        `The status of an HttpError is from 400 to 599, not ${status}`,
      )
    })
  }
})

const family = [
  [BadRequestError, 400, 'Bad Request'],
  [UnauthorizedError, 401, 'Unauthorized'],
  [ForbiddenError, 403, 'Forbidden'],
  [NotFoundError, 404, 'Not Found'],
  [ConflictError, 409, 'Conflict'],
] as const

for (const [Type, status, title] of family) {
  describe(Type.name, () => {
    it(`is an HttpError ${status}`, () => {
      const error = new Type()

      expect(error).to.be.instanceOf(HttpError)
      expect(error).to.include({ name: Type.name, statusCode: status, message: title })
    })

    it('takes a message and options', () => {
      const error = new Type('Because', { code: 'WHY', headers: { 'x-why': 'because' } })

      expect(error).to.include({ message: 'Because', code: 'WHY' })
      expect(error.headers).to.deep.equal({ 'x-why': 'because' })
    })
  })
}

describe('InvalidRequestError', () => {
  const issue = (part: Issue['in']): Issue => ({ in: part, property: 'n', constraint: 'isInt', detail: 'no' })

  it('names the part of the request that is wrong', () => {
    const error = new InvalidRequestError([issue('body'), issue('body')])

    expect(error).to.include({
      name: 'InvalidRequestError',
      statusCode: 400,
      code: 'ERR_INVALID_REQUEST',
      message: 'The body of the request is invalid',
    })
    expect(error.issues).to.have.length(2)
  })

  it('speaks of the whole request if several parts are wrong, or none is named', () => {
    expect(new InvalidRequestError([issue('body'), issue('query')]).message).to.equal('The request is invalid')
    expect(new InvalidRequestError([]).message).to.equal('The request is invalid')
  })
})

describe('StreamLimitError', () => {
  it('is the fault of the client where the limit is its own, and says when to come back', () => {
    const errors = (['perPrincipal', 'perAddress', 'total'] as const).map(limit => new StreamLimitError(limit, 5))

    expect(errors.map(({ statusCode, limit }) => [statusCode, limit])).to.deep.equal([
      [429, 'perPrincipal'],
      [429, 'perAddress'],
      [503, 'total'],
    ])
    for (const error of errors) {
      expect(error).to.include({ name: 'StreamLimitError', code: 'ERR_STREAM_LIMIT' })
      expect(error.headers).to.deep.equal({ 'retry-after': '5' })
    }
  })
})

describe('ClosingError', () => {
  it('is a 503 that says when to come back', () => {
    const error = new ClosingError(3)

    expect(error).to.include({
      name: 'ClosingError',
      statusCode: 503,
      code: 'ERR_CLOSING',
      message: 'The server is closing',
    })
    expect(error.headers).to.deep.equal({ 'retry-after': '3' })
  })
})

describe('RateLimitError', () => {
  it('says how long it lasts', () => {
    expect(new RateLimitError(429, '1 minute')).to.include({
      name: 'RateLimitError',
      statusCode: 429,
      code: 'ERR_RATE_LIMIT',
      message: 'Too many requests: try again in 1 minute',
    })
    expect(new RateLimitError(403, '1 minute').statusCode).to.equal(403)
  })
})

describe('DefinitionError', () => {
  it('says where and what, and carries a cause', () => {
    const cause = new Error('deep')

    const error = new DefinitionError('Prices.watch, parameter 0', 'is wrong', { cause })

    expect(error).to.include({
      name: 'DefinitionError',
      code: 'ERR_DEFINITION',
      message: 'Prices.watch, parameter 0: is wrong',
      cause,
    })
  })
})
