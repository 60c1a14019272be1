import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { resolveOptions } from '../../src/sse/options.js'
import { blocksOf, codesIn, read, tableAfter } from '../support/papers.js'
import { project } from '../support/run.js'

const paper = 'README.md'

describe(paper, () => {
  it('shows code, the browser and the two commands on its first screen', () => {
    const [first, browser, commands] = blocksOf(paper)

    expect([first?.language, browser?.language, commands?.language]).to.deep.equal(['ts', 'js', 'sh'])
    expect(commands?.code).to.match(/^npm ci && npm start +# .*\nnpm ci && npm test +# .*\n$/)
    expect(commands?.line).to.be.below(45)
  })

  it('tells every stream option with its default', () => {
    const told = tableAfter(paper, '<!-- check: stream options -->').map(([name, , value]) => [codesIn(name)[0], value])

    expect(told).to.have.deep.members([
      ...Object.entries(resolveOptions('GET')).map(([name, value]) => [name, inWords(name, value)]),
    ])
    expect(resolveOptions('POST').end).to.equal(false)
  })

  it('tells every option of an app', () => {
    const declared = [
      bodyOf('src/plugin.ts', 'OkapiOptions'),
      bodyOf('src/app.ts', 'AppOptions'),
      bodyOf('src/protection.ts', 'ProtectionOptions'),
      bodyOf('src/folders.ts', 'FolderOptions'),
    ].flatMap(body => body.match(/(?<=^ {2})\w+(?=\??:)/gm) ?? [])
    const told = tableAfter(paper, '<!-- check: app options -->')

    expect(told.map(([name]) => codesIn(name)[0])).to.have.members(
      declared.filter(name => name !== 'streams' && name !== 'log'),
    )
    expect(told.find(([name]) => name === '`closeGrace`')?.[1]).to.equal('2,000')
    expect(read('src/plugin.ts')).to.contain('closeGrace = 2_000')
  })

  it('draws the tree of src as it is', () => {
    const tree = blocksOf(paper).find(({ name }) => name === 'tree')?.code ?? ''
    let folder = ''
    const drawn = tree.split('\n').flatMap(line => {
      const [, indent = '', name = ''] = line.match(/^( *)(\S+)/) ?? []
      if (indent === '  ') folder = name.endsWith('/') ? name : ''
      return name.endsWith('.ts') ? [folder + name] : []
    })

    const files = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
    expect(drawn).to.have.members(files.filter(name => name.endsWith('.ts')).map(name => name.replaceAll('\\', '/')))
  })

  for (const other of [paper, 'CONTRIBUTING.md']) {
    it(`names only scripts that there are, in ${other}`, () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      const named = [...read(other).matchAll(/npm (?:run |(?=start|test))(\w+)/g)].map(match => match[1] as string)

      expect(named).to.be.an('array').that.is.not.empty
      expect(scripts).to.include.keys(named)
    })

    it(`links only to files that there are, in ${other}`, () => {
      const links = [...read(other).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(match => match[1] as string)

      expect(links.filter(link => !existsSync(join(project, link)))).to.deep.equal([])
    })
  }
})

/** A default as the table has it. */
function inWords(name: string, value: unknown): string {
  if (name === 'end') return `\`'${value}'\` for GET, else \`false\``
  if (typeof value === 'number') return value.toLocaleString('en')
  if (typeof value === 'object' && value !== null) return `\`${value.constructor.name}\``
  return value === undefined ? 'none' : `\`${value}\``
}

function bodyOf(file: string, name: string): string {
  return read(file).match(new RegExp(`^export interface ${name}\\b.*?^}`, 'ms'))?.[0] ?? ''
}
