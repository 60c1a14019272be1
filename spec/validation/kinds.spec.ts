import { expect } from 'chai'
import { Type } from 'class-transformer'
import { IsArray, IsDefined, IsEnum, IsOptional, ValidateNested } from 'class-validator'
import { kindOf, mistypedIn } from '../../src/validation/kinds.js'

/** What the compiler makes of an enum of numbers. */
const Size = { 0: 'Small', 1: 'Large', Small: 0, Large: 1 }
type Size = 0 | 1

class Lamp {
  @IsEnum(Size)
  size!: Size
}

class House {
  @IsEnum(Size)
  size!: Size

  @ValidateNested()
  @Type(() => Lamp)
  lamp?: Lamp | undefined

  @ValidateNested()
  @Type(() => Lamp)
  porch!: Lamp

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Lamp)
  lamps!: Lamp[]

  @IsDefined()
  name!: string

  @IsDefined()
  sold!: boolean

  @IsDefined()
  built!: Date

  @IsDefined()
  area!: bigint

  @IsOptional()
  either?: string | number

  @IsOptional()
  tags!: Set<string>

  unruled!: number
}

const lamp = (size: unknown): Lamp => Object.assign(new Lamp(), { size })

describe('kindOf', () => {
  it('knows what the compiler notes, and nothing of a union, of what the language brings, and of what has no type', () => {
    const words = (property: string): string | undefined => kindOf(House.prototype, property)?.words

    expect(words('size')).to.equal('a number')
    expect(words('porch')).to.equal('an object')
    expect(words('lamps')).to.equal('an array')
    expect(words('name')).to.equal('a string')
    expect(words('sold')).to.equal('a boolean')
    expect(words('built')).to.equal('a date')
    expect(words('area')).to.equal('a bigint')
    for (const property of ['either', 'tags', 'unruled', 'other']) expect(words(property)).to.equal(undefined)
  })
})

describe('mistypedIn', () => {
  const house = (values: object): object => Object.assign(new House(), values)
  const issues = (values: object): [string, string, string][] =>
    [...mistypedIn('body', house(values), 'house')].map(({ property, constraint, detail }) => [
      property,
      constraint,
      detail,
    ])

  it('finds nothing in what is as it is declared', () => {
    const right = { size: 1, porch: lamp(0), lamps: [lamp(1)], name: 'x', sold: false, built: new Date(), area: 1n }

    expect(issues(right)).to.deep.equal([])
    expect(issues({ ...right, either: 1, tags: 'x', unruled: 'x' })).to.deep.equal([])
  })

  it('leaves what is missing, or null, to the rules', () => {
    expect(issues({})).to.deep.equal([])
    expect(issues({ size: null, porch: null, lamps: [null, undefined], name: undefined })).to.deep.equal([])
  })

  it('names what is of another kind, by its path', () => {
    expect(
      issues({ size: 'Small', porch: [lamp(1)], lamps: lamp(1), name: 1, sold: 'x', built: 'x', area: 1 }),
    ).to.deep.equal([
      ['house.size', 'number', 'size must be a number'],
      ['house.porch', 'object', 'porch must be an object'],
      ['house.lamps', 'array', 'lamps must be an array'],
      ['house.name', 'string', 'name must be a string'],
      ['house.sold', 'boolean', 'sold must be a boolean'],
      ['house.built', 'date', 'built must be a date'],
      ['house.area', 'bigint', 'area must be a bigint'],
    ])
    expect(issues({ porch: lamp('Small'), lamps: [lamp(1), [lamp('Large')]] })).to.deep.equal([
      ['house.porch.size', 'number', 'size must be a number'],
      ['house.lamps.1.0.size', 'number', 'size must be a number'],
    ])
  })

  it('looks no further than the rules do, so that it comes to an end', () => {
    const circle: { self?: object } = new (class Circle {
      self?: object
    })()
    circle.self = circle

    expect(issues({ either: circle, unruled: circle })).to.deep.equal([])
  })
})
