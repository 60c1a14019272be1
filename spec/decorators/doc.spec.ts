import { expect } from 'chai'
import { Doc } from 'okapi'
import { docOf } from '../../src/docs.js'
import { protest } from '../support/refusal.js'

describe('@Doc', () => {
  it('speaks of a class, of a method, or of a property', () => {
    @Doc({ description: 'A class' })
    class Some {
      @Doc({ description: 'A property' })
      property = 1
      @Doc({ summary: 'A method' })
      method() {}
    }

    expect([docOf(Some), docOf(Some, 'property'), docOf(Some, 'method')]).to.deep.equal([
      { description: 'A class' },
      { description: 'A property' },
      { summary: 'A method' },
    ])
  })

  it('refuses what is static, or has a symbol for a name', () => {
    const name = Symbol('hidden')

    expect(
      protest(() => {
        class Some {
          @Doc({})
          static method() {}
          other() {}
        }
        return Some
      }),
    ).to.equal('Some.method: @Doc stands on a class, or on a method or property of its instances')
    expect(
      protest(() => {
        class Some {
          @Doc({})
          [name]() {}
        }
        return Some
      }),
    ).to.match(/^Some\.Symbol\(hidden\): @Doc stands on/)
  })
})
