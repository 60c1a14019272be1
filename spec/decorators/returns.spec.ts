import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { Returns } from 'okapi'
import { methodRecords } from '../../src/metadata.js'
import { protest } from '../support/refusal.js'

class Price {
  @IsInt()
  cents!: number
}

describe('@Returns', () => {
  it('notes each answer, in the order in which it stands', () => {
    class Prices {
      @Returns(Price)
      @Returns([Price], { status: 203, contentType: 'application/vnd.prices+json', description: 'All' })
      @Returns(null, { status: 202 })
      @Returns()
      price() {}
    }

    expect(methodRecords(Prices).get('price')?.returns).to.deep.equal([
      { body: Price },
      { body: [Price], status: 203, contentType: 'application/vnd.prices+json', description: 'All' },
      { status: 202 },
      {},
    ])
  })

  const AnyReturns = Returns as (...shape: unknown[]) => MethodDecorator
  const declared = (...shape: unknown[]) =>
    protest(() => {
      class Prices {
        @AnyReturns(...shape)
        price() {}
      }
      return Prices
    })

  it('refuses what is no value type', () => {
    expect(declared(undefined)).to.match(/^Prices.price: the body of @Returns is no class but undefined/)
    expect(declared('Price')).to.match(/^Prices.price: the body of @Returns is no class but string/)
  })

  it('refuses an option that nobody reads', () => {
    expect(declared(Price, { stauts: 201 })).to.equal('Prices.price, @Returns: knows no stauts: is it status?')
  })

  it('refuses what is no status', () => {
    for (const status of [100, 600, 200.5, '200']) {
      expect(declared(Price, { status })).to.equal(
        `Prices.price: the status ${status} of @Returns is none from 200 to 599`,
      )
    }
  })
})
