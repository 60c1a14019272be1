import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { type Journal, MemoryJournal } from 'okapi'
import { journalContract } from 'okapi/journal-contract'
import { examplesOf, pathOf } from '../support/examples.js'
import { makeFolder, removeFolders } from '../support/folder.js'
import { codesIn, read, tableAfter } from '../support/papers.js'
import { project, run } from '../support/run.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'docs/journals.md'

describe(paper, function () {
  this.timeout(60_000)

  const { find, load } = examplesOf('docs/journals.md')

  afterEach(removeFolders)

  it('rooms: keeps what is said, and lets clients continue', async () => {
    const folder = await makeFolder()
    const before = process.cwd()
    process.chdir(folder)
    const { app } = await load<{ app: FastifyInstance }>('rooms').finally(() => process.chdir(before))
    const { port } = app.server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/rooms/a`
    const say = async (text: string): Promise<string> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) }
      return ((await (await fetch(url, init)).json()) as { id: string }).id
    }
    const first = await say('one')
    const second = await say('two')

    const stream = await subscribe(url, { headers: { 'last-event-id': first } })

    expect(await stream.take(1)).to.deep.equal([{ id: second, event: undefined, data: 'two' }])
    stream.leave()
    await app.close()
  })

  it('lines: keeps the contract', async () => {
    const { LinesJournal } = await load<{ LinesJournal: new (directory: string) => Journal }>('lines')
    const folder = await makeFolder()
    const failed: string[] = []
    for (const { name, run } of journalContract({ open: () => new LinesJournal(folder), durable: true })) {
      await run().catch(() => failed.push(name))
    }

    expect(failed).to.deep.equal([])
  })

  it('contract: is a spec that passes', async () => {
    const told = await run(project, process.execPath, '--test', '--test-reporter=tap', pathOf(find('contract')))

    expect(told)
      .to.match(/^# pass (3\d)$/m)
      .and.match(/^# fail 0$/m)
  })

  it('is right about the check that is left out where nothing can be lost', () => {
    const open = () => new MemoryJournal()
    const [all, others, forMemory] = [{ durable: true, lose() {} }, { durable: true }, { lose() {} }].map(options =>
      journalContract({ open, ...options }).map(({ name }) => name),
    ) as [string[], string[], string[]]

    expect(all.filter(name => !others.includes(name))).to.have.length(1)
    expect(forMemory).to.deep.equal(journalContract({ open }).map(({ name }) => name))
  })

  it('tells every option of the contract', () => {
    const declared = read('src/topics/journal-contract.ts').match(/interface JournalUnderTest \{.*?^\}/ms)?.[0] ?? ''
    const told = tableAfter(paper, '| option | default | |').map(([name]) => codesIn(name)[0])

    expect(told).to.have.members(declared.match(/(?<=^ {2})\w+(?=\??[:(])/gm) ?? [])
  })
})
