import { expect } from 'chai'
import { closingFrame, doneFrame, errorFrame, OPEN, PING, retryFrame } from '../../src/sse/frames.js'
import { parse } from '../support/parse.js'

describe('doneFrame', () => {
  it('is an event with the id of the end, which every client notes', () => {
    expect(doneFrame('event')).to.equal('id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n')
  })

  it('is the id alone where no event is wanted', () => {
    expect(doneFrame('id')).to.equal('id: stream.end\n\n')
  })

  it('is nothing where the client is to come back', () => {
    expect(doneFrame(false)).to.equal('')
  })
})

describe('closingFrame', () => {
  it('says that the server closes and when to come back, and leaves the last event ID alone', () => {
    expect(closingFrame(1234)).to.equal('event: stream:end\nretry: 1234\ndata: {"reason":"closing"}\n\n')
  })

  it('tells another reason', () => {
    expect(closingFrame(0, 'expired')).to.equal('event: stream:end\nretry: 0\ndata: {"reason":"expired"}\n\n')
  })
})

describe('errorFrame', () => {
  it('carries what the client may know, as JSON', () => {
    expect(errorFrame({ title: 'Internal\nError', status: 500 })).to.equal(
      'event: stream:error\ndata: {"title":"Internal\\nError","status":500}\n\n',
    )
  })
})

describe('retryFrame', () => {
  it('sets the reconnection time without an event', () => {
    expect(retryFrame(3000)).to.equal('retry: 3000\n\n')
  })
})

describe('The comments of a stream', () => {
  it('are exact', () => {
    expect(PING).to.equal(': ping\n\n')
    expect(OPEN).to.equal(': open\n\n')
  })

  it('are no events for a client', () => {
    expect(parse(PING, OPEN)).to.deep.equal({ events: [], comments: ['ping', 'open'], retries: [], errors: [] })
  })
})
