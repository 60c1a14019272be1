import { expect } from 'chai'
import { STREAM_HEADERS } from '../../src/sse/headers.js'

describe('STREAM_HEADERS', () => {
  it('name the media type of the standard, without a charset, and keep proxies from holding events back', () => {
    expect(STREAM_HEADERS).to.deep.equal({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })
})
