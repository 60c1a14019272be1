import { expect } from 'chai'
import {
  controllerRecord,
  methodRecords,
  policiesOf,
  recordController,
  recordMethod,
  recordPolicy,
} from '../src/metadata.js'

describe('the ledger', () => {
  class Base {}
  class Derived extends Base {}
  class Other extends Base {}

  recordController(Base, { prefix: '/base' })
  recordMethod(Base, 'list').routes.push({ method: 'GET', path: '/list' })
  recordMethod(Base, 'list').headers.push(['x-base', '1'])
  recordMethod(Base, 'list').status = 203
  recordMethod(Base, 'find').parameters.set(0, { kind: 'path', decorator: "@Param('id')", name: 'id' })
  recordMethod(Derived, 'list').headers.push(['x-derived', '2'])
  recordMethod(Derived, 'find').routes.push({ method: 'PUT', path: '/find' })
  recordMethod(Derived, 'own').routes.push({ method: 'GET', path: '/own' })

  it('keeps one record for each method', () => {
    expect(recordMethod(Base, 'list')).to.equal(recordMethod(Base, 'list'))
  })

  it('knows as a controller only what was recorded as one', () => {
    expect(controllerRecord(Base)).to.deep.equal({ prefix: '/base' })
    expect(controllerRecord(Derived)).to.equal(undefined)
    expect(controllerRecord(class {})).to.equal(undefined)
  })

  it('gives a class the methods of its base, with what it declares anew', () => {
    const methods = methodRecords(Derived)

    expect([...methods.keys()]).to.deep.equal(['list', 'find', 'own'])
    expect(methods.get('list')).to.deep.equal({
      routes: [{ method: 'GET', path: '/list' }],
      parameters: new Map(),
      headers: [
        ['x-base', '1'],
        ['x-derived', '2'],
      ],
      status: 203,
    })
    expect(methods.get('find')?.routes).to.deep.equal([{ method: 'PUT', path: '/find' }])
    expect([...(methods.get('find')?.parameters.values() ?? [])]).to.deep.equal([
      { kind: 'path', decorator: "@Param('id')", name: 'id' },
    ])
  })

  it('leaves the base, and its other heirs, as they were', () => {
    expect(methodRecords(Base).get('list')?.headers).to.deep.equal([['x-base', '1']])
    expect(methodRecords(Other).get('find')?.routes).to.deep.equal([])
    expect(methodRecords(class {})).to.deep.equal(new Map())
  })

  describe('of policies', () => {
    class Guarded {}
    class Stricter extends Guarded {}

    recordPolicy(Stricter, 'list').guards.push('method of Stricter')
    recordPolicy(Stricter).guards.push('Stricter')
    recordPolicy(Guarded, 'list').guards.push('method of Guarded')
    recordPolicy(Guarded, 'find').guards.push('another method')
    recordPolicy(Guarded).guards.push('Guarded')

    it('keeps one for a class, and one for each of its methods', () => {
      expect(recordPolicy(Guarded)).to.equal(recordPolicy(Guarded))
      expect(recordPolicy(Guarded, 'list')).to.equal(recordPolicy(Guarded, 'list'))
      expect(recordPolicy(Guarded)).not.to.equal(recordPolicy(Guarded, 'list'))
    })

    it('gives those of a method the widest first, and leaves out none of a base class', () => {
      const guards = policiesOf(Stricter, 'list').flatMap(policy => policy.guards)

      expect(guards).to.deep.equal(['Guarded', 'Stricter', 'method of Guarded', 'method of Stricter'])
    })

    it('gives a base class nothing of those that extend it', () => {
      expect(policiesOf(Guarded, 'list').flatMap(policy => policy.guards)).to.deep.equal([
        'Guarded',
        'method of Guarded',
      ])
      expect(policiesOf(class {}, 'list')).to.deep.equal([])
    })

    it('notes the method, so that a policy without a route is found', () => {
      expect(methodRecords(Guarded).get('find')?.routes).to.deep.equal([])
    })
  })
})
