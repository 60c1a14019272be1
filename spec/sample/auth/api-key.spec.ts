import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { mock } from 'node:test'
import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import { container } from 'tsyringe'
import { ApiKeys, createApiKeySample } from '../../../sample/auth/api-key.js'
import { closeAll, start } from '../../support/serve.js'

describe('The sample of API keys', () => {
  const begin = async () => {
    const keys = new ApiKeys()
    const child = container.createChildContainer().registerInstance(ApiKeys, keys)
    const { url } = await start(await createApiKeySample({ container: child, fastify: { logger: false } }))
    const ask = async (key?: string, path = '') => {
      const response = await fetch(`${url}/quotes${path}`, key === undefined ? {} : { headers: { 'x-api-key': key } })
      return `${response.status} ${await response.text()}`
    }
    return { keys, ask }
  }

  afterEach(async () => {
    mock.reset()
    syncBuiltinESMExports()
    await closeAll()
  })

  it('knows the owner of a key, and is open to those without one where it says so', async () => {
    const { keys, ask } = await begin()
    const key = keys.issue('ada')

    expect(await ask(key)).to.equal('200 {"reader":"ada"}')
    expect(await ask(key, '/live')).to.match(/^200 data: To be, or not to be\n\n/)
    expect(await ask()).to.equal('200 {"reader":"anybody"}')
    expect(await ask(undefined, '/live')).to.match(/^401 /)
  })

  it('takes nobody for anybody whose key is wrong', async () => {
    const { keys, ask } = await begin()
    const former = keys.issue('ada')
    const key = keys.issue('ada')

    for (const wrong of [
      former,
      '',
      '.',
      'ada',
      'ada.',
      `${key}x`,
      `${key}.x`,
      key.slice(0, -1),
      key.replace('ada', 'eve'),
    ]) {
      expect(await ask(wrong), wrong).to.match(/^401 /)
    }
    expect(await ask(key)).to.match(/^200 /)
  })

  it('compares every key in constant time, also of an owner that there is not', () => {
    const keys = new ApiKeys()
    const key = keys.issue('ada')
    const compare = mock.method(crypto, 'timingSafeEqual')
    syncBuiltinESMExports()
    const asked = [key, 'ada.wrong', 'eve.wrong', 'none']

    const known = asked.map(key => keys.verify({ headers: { 'x-api-key': key } } as unknown as FastifyRequest))

    expect(known).to.deep.equal([{ id: 'ada' }, undefined, undefined, undefined])
    expect(compare.mock.callCount()).to.equal(asked.length)
  })
})
