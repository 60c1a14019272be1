import { tmpdir } from 'node:os'
import { expect } from 'chai'
import { resolveUploads } from '../../src/bodies/uploads.js'

describe('resolveUploads', () => {
  it('has a limit for everything', () => {
    expect(resolveUploads()).to.deep.equal({
      ...{ to: 'disk', directory: tmpdir() },
      ...{ fileSize: 10_485_760, files: 10, fieldSize: 65_536, fields: 100 },
    })
  })

  it('takes the nearest of each option', () => {
    const { files, fields, to } = resolveUploads({ files: 1 }, undefined, { files: 2, fields: 3, to: 'stream' })

    expect({ files, fields, to }).to.deep.equal({ files: 1, fields: 3, to: 'stream' })
  })
})
