import { expect } from 'chai'
import { withDefaults } from '../../src/validation/options.js'

describe('withDefaults', () => {
  it('removes what has no rule, unless told otherwise', () => {
    expect(withDefaults({})).to.deep.equal({ whitelist: true })
    expect(withDefaults({ whitelist: false, groups: ['a'] })).to.deep.equal({ whitelist: false, groups: ['a'] })
  })
})
