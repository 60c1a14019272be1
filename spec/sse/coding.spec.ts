import * as zlib from 'node:zlib'
import { expect } from 'chai'
import { CODINGS, type Coding, codingFor, compressorFor } from '../../src/sse/coding.js'

const decoders: Record<Coding, string> = {
  br: 'createBrotliDecompress',
  gzip: 'createGunzip',
  zstd: 'createZstdDecompress',
}

describe('codingFor', () => {
  const offered: Coding[] = ['br', 'gzip']

  for (const [accept, coding] of [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP;Q=0.5', 'gzip'],
    ['br;q=0.5, gzip', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['gzip;q=0', undefined],
    ['gzip;q=none', undefined],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.1', undefined],
    ['identity;q=0.5, gzip', 'gzip'],
    ['identity, gzip', 'gzip'],
    ['deflate', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    it(`answers ${accept} with ${coding}`, () => {
      expect(codingFor(accept, offered)).to.equal(coding)
    })
  }

  it('answers by the order of the server where the client has none', () => {
    expect(codingFor('br, gzip', ['gzip', 'br'])).to.equal('gzip')
    expect(codingFor('br, gzip', [])).to.equal(undefined)
  })
})

describe('compressorFor', () => {
  it('knows what this Node.js has', () => {
    expect(CODINGS.includes('zstd')).to.equal('createZstdCompress' in zlib)
  })

  for (const coding of CODINGS) {
    it(`gives with each write of ${coding} all that was written`, async () => {
      const compressor = compressorFor(coding)
      const make = (zlib as unknown as Record<string, () => zlib.Gunzip>)[decoders[coding]] as () => zlib.Gunzip
      const decoder = make().setEncoding('utf8')
      compressor.pipe(decoder)

      for (const text of ['data: 1\n\n', 'data: größe\n\n']) {
        const read = new Promise(resolve => decoder.once('data', resolve))
        compressor.write(text)
        expect(await read).to.equal(text)
      }
      const end = new Promise(resolve => decoder.once('end', resolve))
      compressor.end()
      await end
    })
  }
})
