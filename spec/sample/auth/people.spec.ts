import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { mock } from 'node:test'
import { expect } from 'chai'
import { People } from '../../../sample/auth/people.js'

describe('People', () => {
  afterEach(() => {
    mock.reset()
    syncBuiltinESMExports()
  })

  it('are known by name and password', async () => {
    const people = new People()
    await people.add('ada', 'analytical engine')

    expect(await people.knows('ada', 'analytical engine')).to.equal(true)
    for (const [name, password] of [
      ['ada', 'analytical engines'],
      ['ada', ''],
      ['bob', 'analytical engine'],
      ['__proto__', ''],
    ] as const) {
      expect(await people.knows(name, password), name).to.equal(false)
    }
  })

  it('are asked for a password of the same cost whether they are known or not, which is compared in constant time', async () => {
    const people = new People()
    await people.add('ada', 'analytical engine')
    const compare = mock.method(crypto, 'timingSafeEqual')
    syncBuiltinESMExports()

    await people.knows('ada', 'wrong')
    await people.knows('nobody', 'wrong')
    await people.knows('ada', 'analytical engine')

    const lengths = compare.mock.calls.map(({ arguments: [a, b] }) => [a.byteLength, b.byteLength])
    expect(lengths).to.deep.equal([
      [64, 64],
      [64, 64],
      [64, 64],
    ])
  })
})
