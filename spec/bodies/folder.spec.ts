import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Folder } from '../../src/bodies/folder.js'

describe('Folder', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'okapi-spec-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('comes with its first file, for the eyes of this user only', async () => {
    const folder = new Folder(directory)
    expect(readdirSync(directory)).to.deep.equal([])

    const paths = [await folder.add(), await folder.add()]

    const [made = ''] = readdirSync(directory)
    expect(paths).to.deep.equal([join(directory, made, '0'), join(directory, made, '1')])
    expect(statSync(join(directory, made)).mode & 0o077).to.equal(0)
  })

  it('goes with all that is in it', async () => {
    const folder = new Folder(directory)
    writeFileSync(await folder.add(), 'tea')

    await folder.remove()
    await folder.remove()

    expect(readdirSync(directory)).to.deep.equal([])
  })

  it('leaves nothing of what is added after its end', async () => {
    const folder = new Folder(directory)
    await folder.remove()

    const path = await folder.add()

    expect(folder.removed).to.equal(true)
    expect(existsSync(path)).to.equal(false)
    expect(readdirSync(directory)).to.deep.equal([])
  })
})
