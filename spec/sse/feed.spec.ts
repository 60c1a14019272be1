import { expect } from 'chai'
import { FEED, isFeed } from '../../src/sse/feed.js'
import { HandFeed } from '../support/hand-feed.js'

describe('isFeed', () => {
  it('knows a feed by its symbol, whatever else the object is', () => {
    expect(isFeed(new HandFeed())).to.equal(true)
    expect(isFeed({ [FEED]: () => new HandFeed() })).to.equal(true)
  })

  for (const value of [undefined, null, 1, 'feed', () => {}, {}, [], { feed: () => {} }]) {
    it(`takes nothing else for one: ${typeof value} ${JSON.stringify(value)}`, () => {
      expect(isFeed(value)).to.equal(false)
    })
  }

  it('knows a feed of another copy of the library', () => {
    expect(isFeed({ [Symbol.for('okapi.feed')]: () => {} })).to.equal(true)
  })
})
