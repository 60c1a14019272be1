import { expect } from 'chai'
import { DefinitionError } from 'okapi'
import { checkNames } from '../src/known.js'

describe('checkNames', () => {
  const known = { ttl: true, max: true }
  const check = (options: unknown) => () => checkNames('Tickets', options, known)

  it('lets options pass whose names are known', () => {
    expect(check({})).not.to.throw()
    expect(check({ ttl: 1, max: undefined })).not.to.throw()
  })

  it('refuses one that nobody reads', () => {
    expect(check({ tttl: 1 })).to.throw(DefinitionError, 'Tickets: knows no tttl: is it ttl?')
  })

  it('refuses what are no options', () => {
    for (const [options, what] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [[], 'an array'],
      [true, 'a boolean'],
      ['ttl', 'a string'],
      [() => 1, 'a function'],
    ]) {
      expect(check(options)).to.throw(DefinitionError, `Tickets: takes an object with ttl, max; not ${what}`)
    }
  })
})
