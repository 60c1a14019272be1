import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { blocksOf, codesIn, proseOf } from '../support/papers.js'
import { project } from '../support/run.js'

const paper = 'docs/architecture.md'
const files = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => name.replaceAll('\\', '/'))

describe(paper, () => {
  it('draws the tree of src as it is, and says what each file is for', () => {
    const tree = blocksOf(paper).find(({ name }) => name === 'tree')?.code ?? ''
    let folder = ''
    const drawn = tree.split('\n').flatMap(line => {
      const [, indent = '', name = '', what = ''] = line.match(/^( *)(\S+)(?: +(\S.*))?/) ?? []
      if (indent === '  ') folder = name.endsWith('/') ? name : ''
      return name.endsWith('.ts') ? [{ file: folder + name, what }] : []
    })

    expect(drawn.map(({ file }) => file)).to.have.members(files)
    expect(drawn.filter(({ what }) => what === '')).to.deep.equal([])
  })

  it('leads only through what there is', () => {
    const names = codesIn(proseOf(paper).join('\n')).filter(code => /^[\w/-]+$/.test(code) && !/^on[A-Z]/.test(code))

    expect(names).to.include.members(['handler', 'sse/stream'])
    for (const name of names)
      expect(
        files.some(file => file === `${name}.ts` || file.startsWith(`${name}/`)),
        name,
      ).to.equal(true)
  })
})
