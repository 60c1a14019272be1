import { expect } from 'chai'
import { examplesOf, pathOf } from '../support/examples.js'
import { blocksOf, read } from '../support/papers.js'
import { project, runBin } from '../support/run.js'

const paper = 'docs/testing.md'

describe(paper, () => {
  const { find } = examplesOf(paper)
  /** What mocha says of an example. It ends only if the example has left nothing open. */
  const run = (name: string): Promise<string> =>
    runBin(project, 'mocha/bin/mocha.js', '--no-config', '--no-package', pathOf(find(name)))

  it('installs what its examples import, beside what an app has, and names the types that they are compiled with', () => {
    const { code = '' } = blocksOf(paper).find(({ language }) => language === 'sh') ?? {}
    const installed = code.trim().split(' ').slice(3)
    const imported = blocksOf(paper).flatMap(({ code }) =>
      [...code.matchAll(/ from '(?!node:)([\w-]+)/g)].map(([, name]) => name),
    )
    const ofTheApp = ['okapi', 'tsyringe']
    const { compilerOptions } = JSON.parse(read('tsconfig.json')) as { compilerOptions: { types: string[] } }

    expect(code).to.match(/^npm install --save-dev /)
    expect([...installed, ...ofTheApp]).to.include.members(imported)
    expect(read(paper)).to.contain(`"types": ${JSON.stringify(compilerOptions.types).replace(',', ', ')}`)
  })

  it('testing: is a spec that passes', async () => {
    expect(await run('testing'))
      .to.match(/2 passing/)
      .and.not.match(/failing|pending/)
  })

  it('endless: is a spec that passes', async () => {
    expect(await run('endless'))
      .to.match(/2 passing/)
      .and.not.match(/failing|pending/)
  })

  it('fakes: is a spec that passes', async () => {
    expect(await run('fakes'))
      .to.match(/1 passing/)
      .and.not.match(/failing|pending/)
  })
})
