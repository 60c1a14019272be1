import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { ClosingError, HttpError, StreamLimitError, TopicBusyError, TopicClosedError, TopicLimitError } from 'okapi'
import { headersOf, problemOf } from '../src/problem.js'
import { goodbyeTo } from '../src/refusal.js'
import { parse } from './support/parse.js'

describe('goodbyeTo', () => {
  const request = (accept?: string, method = 'GET') => ({ method, headers: { accept } }) as unknown as IncomingMessage
  const eventSource = request('text/event-stream')
  const goodbye = (error: HttpError, asked = eventSource) =>
    goodbyeTo(asked, problemOf(error), headersOf(error)['retry-after'])
  const later = (status: number) => new HttpError(status, 'Later', { headers: { 'retry-after': '7' } })

  for (const [error, reason] of [
    [new StreamLimitError('perAddress', 7), 'limit'],
    [new StreamLimitError('total', 7), 'busy'],
    [new ClosingError(7), 'closing'],
    [later(503), 'busy'],
    [later(429), 'limit'],
  ] as const) {
    it(`tells an EventSource ${reason} for ${error.name} ${error.statusCode}, and when to come back`, () => {
      const { events, retries } = parse(goodbye(error) as string)

      expect(events).to.deep.equal([{ id: undefined, event: 'stream:end', data: `{"reason":"${reason}"}` }])
      expect(retries).to.have.length(1)
      expect(retries[0]).to.be.within(8_000, 12_000)
    })
  }

  for (const [error, reason, from, to] of [
    [new TopicLimitError(7), 'busy', 11_000, 15_000],
    [new TopicBusyError('a'), 'busy', 2_000, 6_000],
    [new TopicClosedError('a'), 'closing', 3_000, 7_000],
  ] as const) {
    it(`tells an EventSource ${reason} for ${error.name}, which passes sooner or later`, () => {
      const { events, retries } = parse(goodbye(error) as string)

      expect(events).to.deep.equal([{ id: undefined, event: 'stream:end', data: `{"reason":"${reason}"}` }])
      expect(retries[0]).to.be.within(from, to)
    })
  }

  for (const seconds of ['2592000', '1e300', 'Infinity']) {
    it(`asks a client to come back within what a reconnection time may be, after ${seconds} seconds`, () => {
      const error = new HttpError(503, 'Later', { headers: { 'retry-after': seconds } })

      expect(goodbye(error)).to.contain(`\nretry: ${2 ** 31 - 1}\n`)
    })
  }

  it('asks each client to come back at a moment of its own', () => {
    const texts = Array.from({ length: 100 }, () => goodbye(later(503)))

    expect(new Set(texts).size).to.be.above(50)
  })

  it('asks an EventSource back soon for an error that may have passed already', () => {
    const now = new HttpError(503, 'Now', { headers: { 'retry-after': '0' } })

    expect(parse(goodbye(now) as string).retries[0]).to.be.within(1_000, 5_000)
  })

  it('is for the Accept of an EventSource, in any case', () => {
    expect(goodbye(later(503), request(' Text/Event-Stream '))).to.be.a('string')
  })

  for (const [what, asked] of [
    ['says nothing of what it accepts', request()],
    ['accepts anything', request('*/*')],
    ['accepts problem details too', request('text/event-stream, application/problem+json')],
    ['asks by POST', request('text/event-stream', 'POST')],
    ['asks by HEAD', request('text/event-stream', 'HEAD')],
  ] as const) {
    it(`leaves the error to a client that ${what}`, () => {
      expect(goodbye(later(503), asked)).to.equal(undefined)
    })
  }

  it('leaves an error that will not pass', () => {
    for (const status of [400, 401, 403, 404, 410, 500, 502]) expect(goodbye(later(status))).to.equal(undefined)
  })

  it('leaves an error that does not say when it will pass, or says it as a date', () => {
    const dated = new HttpError(503, 'Later', { headers: { 'retry-after': 'Wed, 25 Nov 2026 08:00:00 GMT' } })

    for (const error of [new HttpError(503), new HttpError(429), dated]) expect(goodbye(error)).to.equal(undefined)
  })
})
