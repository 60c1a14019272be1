import { expect } from 'chai'
import { Type } from 'class-transformer'
import { IsOptional, IsString, Min, registerDecorator, ValidateNested } from 'class-validator'
import { propertiesOf } from '../../src/openapi/rules.js'

function IsLucky(): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      target: target.constructor,
      propertyName: String(propertyName),
      validator: { validate: () => true },
    })
}

class Seat {
  @IsString()
  row!: string
}

class Booking {
  @Min(1, { each: true })
  numbers!: number[]

  @ValidateNested()
  @Type(() => Seat)
  seat!: Seat

  @IsOptional()
  @IsLucky()
  code?: string

  @IsLucky()
  luck!: string

  @IsString()
  name = 'somebody'
}

describe('propertiesOf', () => {
  const of = (key: string) => propertiesOf(Booking).find(property => property.key === key)

  it('gives each rule with its constraints, and whether it is for each item', () => {
    expect(of('numbers')?.rules).to.deep.equal([{ name: 'min', constraints: [1], each: true }])
    expect(of('numbers')?.array).to.equal(true)
  })

  it('gives the class behind a property, by class-transformer or by the compiler', () => {
    expect([of('seat'), of('name'), of('luck'), of('numbers')].map(one => one?.type)).to.deep.equal([
      Seat,
      String,
      String,
      undefined,
    ])
  })

  it('tells what may be missing, and what may be null', () => {
    const told = propertiesOf(Booking).map(({ key, optional, nullable }) => [key, optional, nullable])

    expect(told).to.deep.equal([
      ['numbers', false, false],
      ['seat', true, true],
      ['code', true, true],
      ['luck', false, false],
      ['name', true, false],
    ])
  })

  it('takes rules of the user for some that have no name', () => {
    expect(of('luck')?.rules).to.deep.equal([{ name: '', constraints: [], each: false }])
  })

  it('gives the value that a property begins with', () => {
    expect(of('name')?.initial).to.equal('somebody')
  })
})
