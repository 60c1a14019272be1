import { expect } from 'chai'
import { unknownName } from '../../src/sse/known.js'

describe('unknownName', () => {
  const known = { pingInterval: true, retry: true, end: true }

  it('is nothing where all names are known, or there are none', () => {
    expect(unknownName({ retry: 1, end: undefined }, known)).to.equal(undefined)
    expect(unknownName({}, known)).to.equal(undefined)
  })

  it('says which one was meant', () => {
    expect(unknownName({ pingIntervall: 1 }, known)).to.equal('no pingIntervall: is it pingInterval?')
    expect(unknownName({ ping_interval: 1 }, known)).to.equal('no ping_interval: is it pingInterval?')
    expect(unknownName({ ENDS: 1 }, known)).to.equal('no ENDS: is it end?')
    expect(unknownName({ retyr: 1 }, known)).to.equal('no retyr: is it retry?')
  })

  it('says which ones there are, where none is near', () => {
    expect(unknownName({ retry: 1, heartbeat: 1 }, known)).to.equal('no heartbeat, but pingInterval, retry, end')
  })

  it('does not take what every object has for a name', () => {
    expect(unknownName({ toString: 1 }, known)).to.match(/^no toString, /)
  })
})
