import { expect } from 'chai'
import { isArrayType, nameOf, wrongType } from '../src/value-type.js'

class Price {}

describe('A value type', () => {
  it('is named as it is declared', () => {
    expect([Price, String, [Price] as const].map(nameOf)).to.deep.equal(['Price', 'String', '[Price]'])
  })

  it('is one value, or an array of them', () => {
    expect([Price, [Price] as const].map(isArrayType)).to.deep.equal([false, true])
  })

  it('is a class, or one class in brackets; anything else is told with its cure', () => {
    expect([Price, [Price], Uint8Array].map(wrongType)).to.deep.equal([undefined, undefined, undefined])
    expect(wrongType(undefined)).to.equal('is no class but undefined. Is its class imported around in a circle?')
    expect(wrongType([undefined])).to.match(/imported around in a circle/)
    expect(wrongType(null)).to.equal('is no class but null: give Price, or [Price] for an array')
    expect(wrongType({})).to.match(/^is no class but object/)
    expect(wrongType([])).to.match(/^is no class but an array of 0/)
    expect(wrongType([Price, String])).to.match(/^is no class but an array of 2/)
  })
})
