import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { DefinitionError, InvalidRequestError } from 'okapi'
import { type Declared, valueCheck } from '../../src/validation/value.js'

class Point {
  @IsInt()
  x!: number
}

describe('valueCheck', () => {
  const body = (declared: Declared, type: unknown, value: unknown): unknown =>
    valueCheck('here', 'body', declared, type, {})(value, declared.name ?? '', false)

  it('makes a DTO', () => {
    expect(body({}, Point, { x: 1 })).to.be.instanceOf(Point)
  })

  it('makes an array of DTOs', () => {
    const [point] = body({ items: Point }, Array, [{ x: 1 }]) as unknown[]

    expect(point).to.be.instanceOf(Point)
  })

  it('takes an optional value that is missing for undefined', () => {
    for (const declared of [{ name: 'a' }, { name: 'a', items: Point }, { name: 'a', validate: false } as const]) {
      expect(body(declared, declared.items ? Array : Point, undefined)).to.equal(undefined)
    }
  })

  it('refuses a required value that is missing', () => {
    for (const declared of [{ name: 'a' }, { name: 'a', items: Point }, { name: 'a', validate: false } as const]) {
      expect(() => body({ ...declared, required: true }, declared.items ? Array : Number, undefined))
        .to.throw(InvalidRequestError)
        .with.nested.property('issues[0].detail', 'The property "a" of the body is missing')
    }
  })

  it('takes a value as it is if it must not be checked', () => {
    const value = { y: 'anything' }

    expect(body({ validate: false }, Point, value)).to.equal(value)
  })

  it('lays the options of the parameter over those of the app', () => {
    const check = valueCheck('here', 'body', { validate: { whitelist: false } }, Point, { whitelist: true })

    expect(check({ x: 1, y: 2 }, '', false)).to.be.a('promise')
    expect(valueCheck('here', 'body', {}, Point, { whitelist: true })({ x: 1, y: 2 }, '', false)).to.deep.equal({
      x: 1,
    })
  })

  it('refuses items of what is no array', () => {
    expect(() => valueCheck('Prices.add, parameter 0', 'body', { items: Point }, Point, {})).to.throw(
      DefinitionError,
      'Prices.add, parameter 0: the option items is for an array: declare the parameter as one',
    )
  })

  it('refuses items of a type that nothing is converted to', () => {
    expect(() => valueCheck('Prices.add, parameter 0', 'body', { items: Map }, Array, {})).to.throw(
      DefinitionError,
      'Prices.add, parameter 0: the option items is a DTO class, String, Number, Boolean, BigInt or Date',
    )
  })
})
