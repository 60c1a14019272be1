import { expect } from 'chai'
import { DefinitionError } from 'okapi'
import { checkMilliseconds } from '../src/milliseconds.js'

describe('checkMilliseconds', () => {
  const check = (value: unknown) => () => checkMilliseconds('option health', 'timeout', value)

  it('lets times pass that a timer knows, and none', () => {
    for (const value of [undefined, 0, 1, 2 ** 31 - 1]) expect(check(value), String(value)).not.to.throw()
  })

  it('refuses what is no time, or one that is too long for a timer', () => {
    for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 31, '5', null, Symbol('soon')]) {
      expect(check(value)).to.throw(
        DefinitionError,
        `option health: timeout is a whole number of milliseconds, not ${String(value)}`,
      )
    }
  })
})
