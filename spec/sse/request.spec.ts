import { expect } from 'chai'
import fc from 'fast-check'
import { lastEventId, ServerSentEvent } from 'okapi/sse'
import { isDone } from '../../src/sse/request.js'
import { anyText } from '../support/any-text.js'
import { unlessRefused } from '../support/unless-refused.js'

/** A header as Node reads it: each byte a character. */
function asHeader(id: string): { 'last-event-id': string } {
  return { 'last-event-id': Buffer.from(id).toString('latin1') }
}

describe('lastEventId', () => {
  it('is undefined on the first visit', () => {
    expect(lastEventId({})).to.equal(undefined)
  })

  it('is undefined for a header that is no text', () => {
    expect(lastEventId({ 'last-event-id': ['1', '2'] })).to.equal(undefined)
  })

  it('is the empty string for an empty header, an id of its own', () => {
    expect(lastEventId({ 'last-event-id': '' })).to.equal('')
  })

  it('is the id the client was sent', () => {
    expect(lastEventId({ 'last-event-id': '42.7' })).to.equal('42.7')
  })

  it('reads UTF-8, which is what browsers send', () => {
    expect(lastEventId(asHeader('größe-😀'))).to.equal('größe-😀')
  })

  it('reads the replacement character where it was really sent', () => {
    expect(lastEventId(asHeader('a\uFFFDb'))).to.equal('a\uFFFDb')
  })

  it('leaves bytes alone that are no UTF-8: a client that sends Latin-1', () => {
    expect(lastEventId({ 'last-event-id': 'gr\xF6\xDFe' })).to.equal('größe')
  })

  it('gives back every id that an event may have', () => {
    fc.assert(
      fc.property(anyText(), id => {
        const event = unlessRefused(() => new ServerSentEvent({ id }))

        if (event) expect(lastEventId(asHeader(id))).to.equal(id)
      }),
    )
  })
})

describe('isDone', () => {
  it('knows a client that comes back to a finished stream', () => {
    expect(isDone({ 'last-event-id': 'stream.end' })).to.equal(true)
  })

  it('is false for any other id, and on the first visit', () => {
    expect(isDone({ 'last-event-id': '1' })).to.equal(false)
    expect(isDone({})).to.equal(false)
  })
})
