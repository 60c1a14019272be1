import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { DefinitionError } from 'okapi'
import { dtoOf, isNative } from '../../src/validation/dto.js'

class Point {
  @IsInt()
  x!: number
}

class Named extends Point {
  name!: string
}

class Unruly {}

describe('dtoOf', () => {
  it('takes a class with rules, its own or those of a class that it extends', () => {
    expect(dtoOf('here', Point)).to.equal(Point)
    expect(dtoOf('here', Named)).to.equal(Named)
  })

  it('takes what the language or Node.js brings for no DTO, nor an enum, which swc gives for its type', () => {
    for (const type of [String, Object, Array, Map, Buffer, undefined, { A: 1 }]) {
      expect(dtoOf('here', type)).to.equal(undefined)
    }
  })

  it('refuses a class without rules', () => {
    expect(() => dtoOf('Prices.add, parameter 0', Unruly))
      .to.throw(DefinitionError)
      .with.property('message')
      .that.matches(/^Prices\.add, parameter 0: its type Unruly has no rules/)
  })
})

describe('isNative', () => {
  it('tells the classes of the language and of Node.js from those of the user', () => {
    for (const type of [Object, Array, Buffer]) expect(isNative(type)).to.equal(true)
    for (const type of [Point, class {}]) expect(isNative(type)).to.equal(false)
  })
})
