import { expect } from 'chai'
import fc from 'fast-check'
import { Conflation } from '../../src/topics/conflation.js'

describe('Conflation', () => {
  it('knows the newest event of each key, whatever came between', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', undefined, Number.NaN, 0)), keys => {
        const conflation = new Conflation(0)
        for (const [index, key] of keys.entries()) conflation.note(index + 1, key)
        const newest = keys.map((key, index) => !keys.slice(index + 1).some(later => Object.is(later, key)))

        expect(conflation.size).to.equal(newest.filter(Boolean).length)
        expect(keys.map((_, index) => conflation.take(index + 1))).to.deep.equal(newest)
      }),
    )
  })

  it('holds nothing of an event that was shown', () => {
    const conflation = new Conflation(0)
    conflation.note(1, 'a')
    expect(conflation.take(1)).to.equal(true)

    expect(conflation.take(1)).to.equal(false)
    expect(conflation.size).to.equal(0)
    conflation.note(2, 'a')
    expect(conflation.take(2)).to.equal(true)
  })

  it('begins anew where its reader does', () => {
    const conflation = new Conflation(3)
    expect(conflation.latest).to.equal(3)
    conflation.note(4, 'a')

    conflation.reset(10)

    expect(conflation.latest).to.equal(10)
    expect(conflation.size).to.equal(0)
    expect(conflation.take(4)).to.equal(false)
  })
})
