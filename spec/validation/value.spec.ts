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

  it('refuses a body that is nested too deeply for code that looks into it, unless it must not be checked', () => {
    const deep = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)

    for (const value of [deep, { deep }, Object.assign(Object.create(null), { deep })]) {
      expect(() => body({}, Object, value))
        .to.throw(InvalidRequestError)
        .with.nested.property('issues[0].detail', 'The body is nested too deeply')
    }
    expect(() => body({ name: 'a' }, Array, deep)).to.throw(InvalidRequestError)
    expect(body({ validate: false }, Object, deep)).to.equal(deep)
    expect(body({}, Object, [[[1]]])).to.deep.equal([[[1]]])
  })

  it('takes what a parser of your own has read as it is', () => {
    class Tree {
      parts = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)
    }
    const tree = new Tree()

    expect(body({}, Object, tree)).to.equal(tree)
    expect(body({}, Buffer, Buffer.alloc(9))).to.deep.equal(Buffer.alloc(9))
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
