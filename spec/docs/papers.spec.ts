import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { blocksOf, fragmentsOf, guides, linksOf, read, tableAfter } from '../support/papers.js'
import { project } from '../support/run.js'

const papers = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', ...guides()]

describe('The papers', () => {
  for (const paper of papers) {
    it(`lead somewhere by every link: ${paper}`, () => {
      const lost = linksOf(paper).filter(({ path, fragment }) => {
        if (!existsSync(join(project, path))) return true
        return fragment !== '' && !fragmentsOf(path).includes(fragment)
      })

      expect(lost).to.deep.equal([])
    })
  }

  it('have links, within them and from one to another', () => {
    const links = papers.flatMap(linksOf)

    expect(links.filter(({ fragment }) => fragment !== '')).to.have.length.above(10)
    expect(fragmentsOf('docs/node-http.md')[0]).to.equal('plain-nodehttp')
  })

  for (const paper of ['README.md', 'CONTRIBUTING.md']) {
    it(`name only scripts that there are: ${paper}`, () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      const named = [...read(paper).matchAll(/npm (?:run |(?=start|test))(\w+)/g)].map(match => match[1] as string)

      expect(named).to.be.an('array').that.is.not.empty
      expect(scripts).to.include.keys(named)
    })
  }
})

describe('The guides', () => {
  it('are listed in the README, each once, with what it tells', () => {
    const rows = tableAfter('README.md', '## Guides')
    const listed = rows.map(([link]) => link?.match(/^\[.+\]\((.+)\)$/)?.[1])

    expect(listed).to.have.members(guides())
    expect(rows.filter(([, tells = '']) => tells.length < 20)).to.deep.equal([])
  })

  for (const guide of guides()) {
    it(`begin with a title and what they are for: ${guide}`, () => {
      expect(read(guide)).to.match(/^# \S.*\n\n[A-Z`][^\n]*\n/)
    })

    it(`have a spec, which runs what they show: ${guide}`, () => {
      const spec = join(project, 'spec', guide.replace(/\.md$/, '.spec.ts'))
      const text = readFileSync(spec, 'utf8')

      expect(text).to.contain(`'${guide}'`)
      if (blocksOf(guide).some(({ language }) => /^[jt]s$/.test(language))) expect(text).to.contain('examplesOf(')
    })
  }
})
