import { expect } from 'chai'
import { copy, DEEPEST, excessOf, inheritedKey, unsure } from '../../src/validation/plain.js'

/** Arrays within each other, so many. */
function nested(depth: number): unknown {
  let value: unknown = 1
  for (let n = 0; n < depth; n++) value = [value]
  return value
}

describe('copy', () => {
  it('copies plain values with all that is in them', () => {
    const value = { a: [1, 'b', null, { c: true }], d: undefined }

    const copied = copy(value, 0) as typeof value

    expect(copied).to.deep.equal(value)
    expect(copied).to.not.equal(value)
    expect(copied.a[3]).to.not.equal(value.a[3])
  })

  it('is unsure of instances, and of keys that every object has', () => {
    const odd = [
      new Date(),
      new Map(),
      Object.create(null),
      Buffer.of(),
      JSON.parse('{"__proto__":{}}'),
      { toString: 1 },
    ]

    for (const value of odd) {
      expect(copy(value, 0)).to.equal(unsure)
      expect(copy([{ value }], 0)).to.equal(unsure)
    }
  })

  it('is unsure of what stands too deep', () => {
    expect(copy(nested(DEEPEST), 0)).to.deep.equal(nested(DEEPEST))
    expect(copy(nested(DEEPEST + 1), 0)).to.equal(unsure)
    expect(copy({ a: 1 }, DEEPEST)).to.equal(unsure)
  })
})

/** An object with so many properties. */
function wide(properties: number): object {
  return Object.fromEntries(Array.from({ length: properties }, (_, n) => [`k${n}`, n]))
}

describe('excessOf', () => {
  it('looks no deeper than it must', () => {
    expect(excessOf(nested(DEEPEST))).to.equal(undefined)
    expect(excessOf({ a: { b: nested(DEEPEST) } })).to.equal('depth')
    expect(excessOf(nested(200_000))).to.equal('depth')
  })

  it('finds objects with too many properties, one or several together', () => {
    expect(excessOf(wide(10_000))).to.equal(undefined)
    expect(excessOf(wide(10_001))).to.equal('properties')
    expect(excessOf([wide(7_000), { more: wide(7_000) }])).to.equal(undefined)
    expect(excessOf([wide(7_100), { more: wide(7_100) }])).to.equal('properties')
  })

  it('lets many small objects pass, and a long array', () => {
    expect(excessOf(Array.from({ length: 100_000 }, () => ({ a: 1, b: 2 })))).to.equal(undefined)
  })
})

describe('inheritedKey', () => {
  it('finds the first key that every object has', () => {
    expect(inheritedKey({ a: [{ b: 1 }, 'constructor'] })).to.equal(undefined)
    expect(inheritedKey({ a: [{ constructor: 1 }] })).to.equal('constructor')
    expect(inheritedKey(JSON.parse('{"a":{"__proto__":1}}'))).to.equal('__proto__')
  })
})
