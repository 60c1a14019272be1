import { constants, createGunzip, gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { GZIP_HEAD, pieceOf, Tally } from '../../src/sse/gzip.js'

const texts = ['data: 1\n\n', '', 'data: größe 😀\n\n', 'x'.repeat(100_000), '\n']

describe('pieceOf', () => {
  it('makes pieces that stand in any stream, in any order, before an end with its checksum', () => {
    const pieces = texts.map(pieceOf)
    for (const order of [pieces, [...pieces].reverse(), [], [...pieces, ...pieces]]) {
      const tally = new Tally()
      for (const piece of order) tally.add(piece)

      const whole = Buffer.concat([GZIP_HEAD, ...order.map(({ bytes }) => bytes), tally.end()])

      const text = order.map(piece => texts[pieces.indexOf(piece)]).join('')
      expect(gunzipSync(whole).toString()).to.equal(text)
    }
  })

  it('can be read before anything follows', async () => {
    const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH }).setEncoding('utf8')
    const read: string[] = []
    gunzip.on('data', text => read.push(text))

    gunzip.write(GZIP_HEAD)
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      await new Promise(resolve => gunzip.write(pieceOf(text).bytes, resolve))
      expect(read.at(-1)).to.equal(text)
    }
    gunzip.destroy()
  })

  it('takes bytes as it takes text', () => {
    expect(pieceOf(Buffer.from('data'))).to.deep.equal(pieceOf('data'))
  })
})
