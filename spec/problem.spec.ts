import { expect } from 'chai'
import { HttpError, InvalidRequestError } from 'okapi'
import { headersOf, problemOf } from '../src/problem.js'

const blank = { type: 'about:blank', title: 'Internal Server Error', status: 500 }

/** An error with the fields that other libraries give theirs. */
function errorWith(fields: object, error = new Error('Told to nobody else')): Error {
  return Object.assign(error, fields)
}

class ResponseError extends Error {
  statusCode = 404
}

describe('problemOf', () => {
  it('tells an HttpError with its message and code', () => {
    const problem = problemOf(new HttpError(409, 'The symbol exists already', { code: 'SYMBOL_EXISTS' }))

    expect(problem).to.deep.equal({
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      detail: 'The symbol exists already',
      code: 'SYMBOL_EXISTS',
    })
  })

  it('leaves out a message that only repeats the title', () => {
    expect(problemOf(new HttpError(404))).to.deep.equal({ type: 'about:blank', title: 'Not Found', status: 404 })
  })

  it('has a title for a status without a name', () => {
    expect(problemOf(new HttpError(499))).to.deep.equal({ type: 'about:blank', title: 'Unknown Error', status: 499 })
  })

  it('lists the issues of an invalid request', () => {
    const issues = [{ in: 'query', property: 'page', constraint: 'number', detail: 'It is no number' }] as const

    expect(problemOf(new InvalidRequestError(issues))).to.deep.equal({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The query of the request is invalid',
      code: 'ERR_INVALID_REQUEST',
      errors: issues,
    })
  })

  it('tells the members that an HttpError brings', () => {
    const problem = { type: 'https://example.com/sold-out', title: 'Sold out', instance: '/orders/7', left: 0 }

    expect(problemOf(new HttpError(409, 'No more tea', { problem }))).to.deep.equal({
      type: 'https://example.com/sold-out',
      title: 'Sold out',
      status: 409,
      detail: 'No more tea',
      instance: '/orders/7',
      left: 0,
    })
  })

  it('tells a member with a name of the language as one like any other', () => {
    const problem = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')

    const told = problemOf(new HttpError(409, 'No', { problem }))

    expect(JSON.stringify(told)).to.match(/,"__proto__":{"polluted":true},"constructor":1}$/)
    expect(told).not.to.have.property('polluted')
    expect({}).not.to.have.property('polluted')
  })

  it('tells an error of Fastify, or of a plugin of its own', () => {
    const error = errorWith({ statusCode: 503, code: 'FST_UNDER_PRESSURE' }, new Error('Too busy'))

    expect(problemOf(error)).to.deep.equal({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'Too busy',
      code: 'FST_UNDER_PRESSURE',
    })
  })

  it('tells an error that exposes itself', () => {
    const error = errorWith({ statusCode: 410, expose: true, code: 'INTERNAL' }, new ResponseError('It is gone'))

    expect(problemOf(error)).to.deep.equal({ type: 'about:blank', title: 'Gone', status: 410, detail: 'It is gone' })
  })

  it('tells the status alone of an error that does not expose itself', () => {
    const error = errorWith({ statusCode: 502, expose: false })

    expect(problemOf(error)).to.deep.equal({ type: 'about:blank', title: 'Bad Gateway', status: 502 })
  })

  it('tells a plain error that was given a status', () => {
    const error = errorWith({ statusCode: 429 }, new Error('Rate limit exceeded, retry in 1 minute'))

    expect(problemOf(error)).to.deep.equal({
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      detail: 'Rate limit exceeded, retry in 1 minute',
    })
  })

  it('tells what a parser says of its text, given a status', () => {
    const error = errorWith({ statusCode: 400 }, new SyntaxError('Unexpected end of JSON input'))

    expect(problemOf(error)).to.include({ status: 400, detail: 'Unexpected end of JSON input' })
  })

  const masked: [what: string, error: unknown][] = [
    ['an unknown error', new Error('password=hunter2')],
    ['an error of another library, whose status is that of its own request', new ResponseError('GET /secret')],
    ['a plain error that renamed itself', errorWith({ statusCode: 403, name: 'AccessDenied' })],
    ['a plain error with a 5xx status', errorWith({ statusCode: 503 })],
    [
      'an error of Fastify with the status 500',
      errorWith({ statusCode: 500, code: 'FST_ERR_REP_INVALID_PAYLOAD_TYPE' }),
    ],
    ['an error with a status that is none', errorWith({ statusCode: '404', expose: true })],
    ['an error with the status of a success', errorWith({ statusCode: 200, expose: true })],
    ['an object that looks like an error', { statusCode: 404, message: 'secret', expose: true }],
    ['a string', 'secret'],
    ['nothing', undefined],
  ]
  for (const [what, error] of masked) {
    it(`says not a word of ${what}`, () => {
      expect(problemOf(error)).to.deep.equal(blank)
    })
  }
})

describe('headersOf', () => {
  it('is what an HttpError brings, and nothing for other errors', () => {
    const headers = { 'retry-after': '5' }

    expect(headersOf(new HttpError(503, 'Later', { headers }))).to.deep.equal(headers)
    expect(headersOf(errorWith({ headers }))).to.deep.equal({})
  })
})
