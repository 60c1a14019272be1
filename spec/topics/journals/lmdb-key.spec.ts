import { expect } from 'chai'
import fc from 'fast-check'
import { keyOf, prefixOf, readKey } from '../../../src/topics/journals/lmdb-key.js'

describe('The key of a stored event', () => {
  it('gives back what it is made of', () => {
    const key = keyOf(prefixOf('prices/OKP'), 7, 1_700_000_000_000, 2 ** 29)

    expect(readKey(key)).to.deep.equal({ key, sequence: 7, at: 1_700_000_000_000, length: 2 ** 29 })
  })

  it('orders the events of a topic by sequence, whatever their time and length', () => {
    const prefix = prefixOf('a')
    const field = fc.nat({ max: 2 ** 31 })

    fc.assert(
      fc.property(fc.maxSafeNat(), field, field, field, (sequence, at, length, other) => {
        const place = sequence % (2 ** 48 - 2)
        const key = keyOf(prefix, place, at, length)

        expect(Buffer.compare(keyOf(prefix, place), key)).to.be.at.most(0)
        expect(Buffer.compare(key, keyOf(prefix, place + 1, other))).to.equal(-1)
      }),
    )
  })

  it('lays no event of a topic between those of another, though one name begins with the other', () => {
    const names = ['a', 'a!', 'a/b', 'aa', 'b', '~']
    const keys = names.flatMap(name => [0, 255, 2 ** 48 - 1].map(sequence => keyOf(prefixOf(name), sequence)))

    const ordered = [...keys].sort(Buffer.compare).map(key => key.toString('latin1').split('\0')[0])

    expect(new Set(ordered).size).to.equal(names.length)
    expect(ordered.filter((name, index) => name !== ordered[index - 1])).to.have.length(names.length)
  })
})
