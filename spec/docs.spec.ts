import { expect } from 'chai'
import { docOf, recordDoc } from '../src/docs.js'

describe('docOf', () => {
  it('gives what is said of a class itself: its base does not answer for it', () => {
    class Base {}
    class Sub extends Base {}
    recordDoc(Base, undefined, { description: 'The base' })

    expect(docOf(Base)).to.deep.equal({ description: 'The base' })
    expect(docOf(Sub)).to.deep.equal({})
  })

  it('gives what is said of a property, and where a class is silent, what its base says', () => {
    class Base {}
    class Sub extends Base {}
    recordDoc(Base, 'price', { description: 'In euro', deprecated: true })
    recordDoc(Sub, 'price', { description: 'In dollars' })

    expect(docOf(Sub, 'price')).to.deep.equal({ description: 'In dollars', deprecated: true })
    expect(docOf(Sub, 'name')).to.deep.equal({})
  })

  it('adds up what is said at several times, the upper decorator last', () => {
    class Price {}
    recordDoc(Price, 'price', { summary: 'lower', deprecated: true })
    recordDoc(Price, 'price', { summary: 'upper', tags: ['a'] })

    expect(docOf(Price, 'price')).to.deep.equal({ summary: 'upper', deprecated: true, tags: ['a'] })
  })
})
