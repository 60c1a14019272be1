import { expect } from 'chai'
import { Exclude, Type } from 'class-transformer'
import { unsure } from '../../src/validation/plain.js'
import { isPlainlyMade, type Read, typeOf } from '../../src/validation/types.js'

class Point {}

class Typed {
  @Type(() => Number)
  one: unknown

  @Type(() => Date)
  days!: Date[]

  @Type(() => Point)
  point!: Point

  @Type(() => Point)
  points!: Point[]

  @Type(() => Point)
  byName!: Map<string, Point>

  other: unknown
}

describe('typeOf', () => {
  const readPoint: Read = value => ({ point: value })
  const of = (property: string) => typeOf(Typed, property, type => (type === Point ? readPoint : undefined))

  it('converts to the types of the language, in arrays too', () => {
    const { read, nested } = of('one') ?? {}

    expect([read?.('5', 0), read?.(null, 0), read?.(['1', [2]], 0)]).to.deep.equal([5, null, [1, [2]]])
    expect(read?.({ valueOf: 1 }, 0)).to.equal(unsure)
    expect(of('days')?.read(['2026-01-31'], 0)).to.deep.equal([new Date('2026-01-31')])
    expect(nested).to.equal(undefined)
  })

  it('reads objects by the reader of their class', () => {
    expect(of('points')?.nested).to.equal(Point)
    expect(of('points')?.read([{ x: 1 }, undefined], 0)).to.deep.equal([{ point: { x: 1 } }, undefined])
    expect(of('point')?.read({ x: 1 }, 0)).to.deep.equal({ point: { x: 1 } })
    expect(of('point')?.read('a text', 0)).to.equal(unsure)
  })

  it('is unsure of an array where the compiler has noted another class', () => {
    expect(of('point')?.read([{ x: 1 }], 0)).to.equal(unsure)
  })

  it('takes what has no type as it is', () => {
    expect(of('other')?.read({ a: [1] }, 0)).to.deep.equal({ a: [1] })
  })

  it('knows no reader of maps, nor of a class that has none', () => {
    expect(of('byName')).to.equal(undefined)
    expect(typeOf(Typed, 'point', () => undefined)).to.equal(undefined)
  })
})

describe('isPlainlyMade', () => {
  class Secret {
    @Exclude()
    word!: string
  }

  it('is true of classes that class-transformer fills, and no more', () => {
    expect(isPlainlyMade(Typed)).to.equal(true)
    expect(isPlainlyMade(Secret)).to.equal(false)
    expect(isPlainlyMade(class extends Secret {})).to.equal(false)
  })
})
