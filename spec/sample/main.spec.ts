import { expect } from 'chai'
import { killMains, startMain } from '../support/main.js'
import { subscribe } from '../support/subscribe.js'

describe('The program of the sample', () => {
  afterEach(killMains)

  it('prints its address on one line, and ends at once and cleanly on Ctrl-C with streams open', async () => {
    const main = await startMain()
    const streams = await Promise.all(['/events', '/counter', '/channel'].map(path => subscribe(`${main.url}${path}`)))

    const code = await main.stop('SIGINT')

    const ends = await Promise.all(streams.map(stream => stream.rest()))
    expect(main.line).to.match(/^The sample is served at http:\/\/127\.0\.0\.1:\d+$/)
    expect(code).to.equal(0)
    expect(ends.map(events => events.at(-1)?.data)).to.deep.equal(Array(3).fill('{"reason":"closing"}'))
  })
})
