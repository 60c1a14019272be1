import { expect } from 'chai'
import { comeBack } from '../../src/sse/retry.js'

describe('comeBack', () => {
  const times = (after?: number) => Array.from({ length: 100 }, () => comeBack(after))

  it('is a whole number of milliseconds, from 1 to 5 seconds', () => {
    for (const time of times()) expect(time).to.be.within(1_000, 5_000).and.satisfy(Number.isInteger)
  })

  it('is another one for each client', () => {
    expect(new Set(times()).size).to.be.above(50)
  })

  it('is later where coming back is in vain for a while', () => {
    for (const time of times(7_000.5)) expect(time).to.be.within(8_000, 12_001).and.satisfy(Number.isInteger)
  })
})
