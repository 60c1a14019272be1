import { expect } from 'chai'
import { examplesOf, pathOf } from '../support/examples.js'
import { project, runBin } from '../support/run.js'

const paper = 'docs/testing.md'

describe(paper, () => {
  const { find } = examplesOf(paper)
  /** What mocha says of an example. It ends only if the example has left nothing open. */
  const run = (name: string): Promise<string> =>
    runBin(project, 'mocha/bin/mocha.js', '--no-config', '--no-package', pathOf(find(name)))

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
