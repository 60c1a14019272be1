import { expect } from 'chai'
import { contextOf } from '../src/context.js'
import { metadata } from '../src/decorators/metadata.js'

describe('RouteContext', () => {
  class Prices {}
  const Roles = metadata<string[]>('roles')
  const route = { controller: Prices, method: 'list', name: 'Prices.list GET /prices', stream: false }
  const context = contextOf(
    route,
    new Map<unknown, unknown>([
      [Roles, ['admin']],
      ['cost', 2],
    ]),
  )

  it('names the route', () => {
    expect(context).to.include(route)
  })

  it('has the metadata of a key', () => {
    expect(context.get(Roles)).to.deep.equal(['admin'])
    expect(context.get('cost')).to.equal(2)
  })

  it('has nothing of a key that nobody has set, also if another is called so', () => {
    expect(context.get(metadata<string[]>('roles'))).to.equal(undefined)
    expect(context.get('roles')).to.equal(undefined)
    expect(context.get('constructor')).to.equal(undefined)
  })

  it('refuses a key that is undefined, since no metadata would mean no condition', () => {
    expect(() => context.get(undefined as never)).to.throw(
      TypeError,
      'Prices.list GET /prices: the key of metadata is undefined',
    )
  })
})
