import { expect } from 'chai'
import { isExpired } from '../src/principal.js'

describe('isExpired', () => {
  const ann = (expiresAt: number) => ({ id: 'ann', expiresAt })

  it('is true from the time on that the credential ends', () => {
    expect(isExpired(ann(Date.now() + 60_000))).to.equal(false)
    expect(isExpired(ann(Date.now()))).to.equal(true)
    expect(isExpired(ann(0))).to.equal(true)
  })

  it('is never true of a credential without an end', () => {
    expect(isExpired({ id: 'ann' })).to.equal(false)
    expect(isExpired(ann(Infinity))).to.equal(false)
  })

  it('is true where the end is no time, such as one that could not be parsed', () => {
    expect(isExpired(ann(Number.NaN))).to.equal(true)
    expect(isExpired(ann('soon' as unknown as number))).to.equal(true)
  })
})
