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

  it('refuses an option that nobody reads', () => {
    const AnyDoc = Doc as (doc: object) => ClassDecorator & MethodDecorator

    expect(
      protest(() => {
        class Some {
          @AnyDoc({ sumary: 'A method', hidden: true })
          method() {}
        }
        return Some
      }),
    ).to.equal('Some.method, @Doc: knows no sumary: is it summary?')
    expect(
      protest(() => {
        @AnyDoc({ hiden: true })
        class Some {}
        return Some
      }),
    ).to.equal('Some, @Doc: knows no hiden: is it hidden?')
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
