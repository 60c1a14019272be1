import { expect } from 'chai'
import fc from 'fast-check'
import { formatPosition, isEpoch, MAX_POSITIONS, type Position, parsePositions } from '../../src/topics/position.js'
import { anyText } from '../support/any-text.js'

const letters = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
const epochs = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 16 })
const positions = fc.record({ epoch: epochs, sequence: fc.maxSafeNat() })

function format(all: readonly Position[]): string {
  return all.map(({ epoch, sequence }) => formatPosition(epoch, sequence)).join(',')
}

describe('A position', () => {
  it('is written as its epoch, a point, and its sequence', () => {
    expect(formatPosition('k3x', 12)).to.equal('k3x.12')
  })

  it('is read back as it was written, alone and with others', () => {
    fc.assert(
      fc.property(fc.array(positions, { minLength: 1, maxLength: MAX_POSITIONS }), all => {
        const id = format(all)

        expect(parsePositions(id)).to.deep.equal(all)
        expect(id).to.match(/^[\x21-\x7e]{1,1024}$/)
        for (const part of id.split(',')) expect(part.length).to.be.at.most(40)
      }),
    )
  })

  it('is known from any other text: what is read is what would be written', () => {
    const near = fc.string({ unit: fc.constantFrom('.', ',', '0', '1', '9', 'a', 'Z', '-', '+', 'e', ' ', '\n') })
    const pieces = fc.array(
      fc.oneof(
        positions.map(position => format([position])),
        near,
      ),
      { maxLength: 40 },
    )

    fc.assert(
      fc.property(
        fc.oneof(
          anyText(),
          near,
          pieces.map(all => all.join(',')),
        ),
        text => {
          const read = parsePositions(text)

          if (read) expect(format(read)).to.equal(text)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  for (const text of [
    ...['', '.', 'a', 'a.', '.1', 'a.01', 'a.-1', 'a.1.1', 'a.1 ', ' a.1', 'a.1\n', 'a.1e3', 'a.0x1', 'ä.1', 'a-b.1'],
    ...['a.1,', ',a.1', 'a.1,,b.1', 'a.1, b.1', 'a.1;b.1', 'stream.end', '__proto__.1', 'a.9007199254740992'],
    'abcdefghijklmnopq.1',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(parsePositions(text)).to.equal(undefined)
    })
  }

  it('may be that of 30 topics together, and of no more', () => {
    const longest = { epoch: 'z'.repeat(16), sequence: Number.MAX_SAFE_INTEGER }
    const id = format(Array(MAX_POSITIONS).fill(longest))

    expect(id).to.have.lengthOf(1_019)
    expect(parsePositions(id)).to.have.lengthOf(30)
    expect(parsePositions(`${id},a.1`)).to.equal(undefined)
    expect(parsePositions(Array(31).fill('a.1').join(','))).to.equal(undefined)
  })

  it('is given up early where a text is too long to be one', () => {
    expect(parsePositions(`a.1${','.repeat(1_022)}`)).to.equal(undefined)
    expect(parsePositions('a.1,'.repeat(1_000_000))).to.equal(undefined)
  })

  it('has an epoch of 1 to 16 letters and digits', () => {
    fc.assert(fc.property(epochs, isEpoch))
    for (const text of [undefined, 1, '', 'a.b', 'a,b', 'a\n', 'é', 'a'.repeat(17)])
      expect(isEpoch(text), `${text}`).to.equal(false)
  })
})
