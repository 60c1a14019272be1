import { expect } from 'chai'
import { convert } from '../src/convert.js'

const taken: [type: { name: string }, given: unknown, value: unknown][] = [
  [String, '12', '12'],
  [String, '', ''],
  [Number, '12', 12],
  [Number, '-1.5e3', -1500],
  [Number, '.5', 0.5],
  [Number, 7, 7],
  [Boolean, 'true', true],
  [Boolean, '1', true],
  [Boolean, 'false', false],
  [Boolean, '0', false],
  [Boolean, false, false],
  [BigInt, '-9007199254740993', -9007199254740993n],
  [BigInt, 5, 5n],
  [Date, '2026-01-31', new Date('2026-01-31')],
  [Date, '2024-02-29T12:30:00.5+02:00', new Date('2024-02-29T10:30:00.500Z')],
  [Array, 'a', ['a']],
  [Array, ['a', 'b'], ['a', 'b']],
  [Object, 'text', 'text'],
  [Object, ['a'], ['a']],
  [Object, { a: 1 }, { a: 1 }],
]

const refused: [type: { name: string }, given: unknown, expected: string][] = [
  [Number, '12px', 'a number'],
  [Number, '', 'a number'],
  [Number, ' 1', 'a number'],
  [Number, '0x10', 'a number'],
  [Number, 'Infinity', 'a number'],
  [Number, '1e999', 'a number'],
  [Number, true, 'a number'],
  [Number, ['1', '2'], 'a single value'],
  [String, ['a', 'b'], 'a single value'],
  [Boolean, ['true'], 'a single value'],
  [Date, ['2026-01-31'], 'a single value'],
  [BigInt, ['1'], 'a single value'],
  [String, 5, 'a string'],
  [Boolean, 'yes', 'true or false'],
  [Boolean, '', 'true or false'],
  [Boolean, 1, 'true or false'],
  [BigInt, '1.5', 'a whole number'],
  [BigInt, 1.5, 'a whole number'],
  [BigInt, {}, 'a whole number'],
  [Date, 'tomorrow', 'a date such as 2026-01-31T12:00:00Z'],
  [Date, '2026-13-01', 'a date such as 2026-01-31T12:00:00Z'],
  [Date, '2026-02-30', 'a date such as 2026-01-31T12:00:00Z'],
  [Date, '1', 'a date such as 2026-01-31T12:00:00Z'],
  [Date, 5, 'a date'],
]

describe('convert', () => {
  for (const [type, given, value] of taken) {
    it(`takes ${show(given)} for a ${type.name}`, () => {
      expect(convert(given, type)).to.deep.equal({ value })
    })
  }

  for (const [type, given, expected] of refused) {
    it(`does not take ${show(given)} for a ${type.name}`, () => {
      expect(convert(given, type)).to.deep.equal({ expected })
    })
  }

  it('reads a long text once, though it is no number but for its last character', () => {
    expect(convert(`${'1'.repeat(200_000)}x`, Number)).to.deep.equal({ expected: 'a number' })
    expect(convert(`.${'1'.repeat(200_000)}.`, Number)).to.deep.equal({ expected: 'a number' })
  })
})

function show(value: unknown): string {
  return typeof value === 'number' ? `the number ${value}` : JSON.stringify(value)
}
