import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import type { FastifyInstance } from 'fastify'
import { ask, posting } from '../support/ask.js'
import { examplesOf, runScript } from '../support/examples.js'
import { blocksOf, guides, linksOf, read } from '../support/papers.js'
import { closeAll } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'README.md'

describe(paper, () => {
  const { find, load, serve } = examplesOf(paper)

  afterEach(closeAll)

  it('shows code, the browser and the two commands on its first screen', () => {
    const [first, browser, commands] = blocksOf(paper)

    expect([first?.language, browser?.language, commands?.language]).to.deep.equal(['ts', 'js', 'sh'])
    expect(commands?.code).to.match(/^npm ci && npm start +# .*\nnpm ci && npm test +# .*\n$/)
    expect(commands?.line).to.be.below(45)
  })

  it('names the versions of Node.js that the specs run on', () => {
    const [, told = ''] = read(paper).match(/The specs\s+(?:> )?run on Node\.js ([\d, and]+) all the same/) ?? []
    const [, others = ''] = read('.ci/run').match(/^for version in ([\d ]+); do$/m) ?? []
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }

    expect(told.match(/\d+/g)).to.deep.equal([engines.node.match(/\d+/)?.[0], ...others.split(' ')])
  })

  it('clock: reads the time once, and as a stream in the browser', async () => {
    const { app } = await load<{ app: FastifyInstance }>('clock')
    const { port } = app.server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    const sources: EventSource[] = []
    class Browser extends EventSource {
      constructor(path: string) {
        super(url + path)
        sources.push(this)
      }
    }

    const { now } = (await (await fetch(`${url}/clock`)).json()) as { now: string }
    const lines = await new Promise<string[]>(resolve => {
      const lines: string[] = []
      const log = (line: string): void => {
        if (lines.push(line) === 3) resolve(lines)
      }
      runScript(find('clock in the browser'), { EventSource: Browser, console: { log } })
    })
    for (const source of sources) source.close()
    await app.close()

    expect(new Date(now).toJSON()).to.equal(now)
    expect(lines[0]).to.equal('connected')
    for (const line of lines.slice(1)) expect(new Date(line).toJSON()).to.equal(line)
  })

  it('orders: takes what follows the rules, and answers what does not as it is shown', async () => {
    const url = `${(await serve('orders')).url}/orders`
    const ordering = (count: number) => posting({ items: [{ symbol: 'OKP', count, price: 5 }] })

    expect(await ask(url, posting({}))).to.match(/^400 /)
    expect(await ask(url, ordering(1))).to.equal('200 {"number":1}')
    expect(await ask(`${url}/1`)).to.equal('200 {"items":[{"symbol":"OKP","count":1}]}')
    expect(await ask(`${url}/2`)).to.match(/^404 .*There is no order 2/)
    expect(await ask(`${url}/one`)).to.match(/^400 /)
    expect(await (await fetch(url, ordering(0))).json()).to.deep.equal(JSON.parse(find('orders', 'answer').code))
  })

  it('jobs: streams as it is shown, refuses with 404, and goes on behind the last event ID', async () => {
    const url = `${(await serve('jobs')).url}/jobs`
    const behind = (id: string) => ask(`${url}/7`, { headers: { 'last-event-id': id } })

    expect(await ask(`${url}/7`)).to.equal(`200 ${find('jobs', 'answer').code}`)
    expect(await behind('built')).to.match(/^200 id: tested\nevent: step\ndata: tested\n\nid: stream\.end\n/)
    for (const id of ['-2', 'abc', '9']) expect(await behind(id), id).to.equal(await ask(`${url}/7`))
    expect(await ask(`${url}/8`)).to.match(/^404 .*There is no job 8/)
    expect(await behind('stream.end')).to.equal('204 ')
  })

  it('topics: tells everybody who listens', async () => {
    const url = `${(await serve('topics')).url}/talks/a`
    const streams = await Promise.all([subscribe(url), subscribe(url)])

    expect(await ask(url, posting({ text: 'hello' }))).to.equal('204 ')

    const heard = await Promise.all(streams.map(stream => stream.take(1)))
    expect(heard.flat().map(({ event, data }) => [event, data])).to.deep.equal([
      ['said', 'hello'],
      ['said', 'hello'],
    ])
    for (const stream of streams) stream.leave()
  })

  it('is short, and leads to every guide', () => {
    expect(read(paper).split('\n')).to.have.length.below(380)
    expect(linksOf(paper).map(({ path }) => path)).to.include.members(guides())
  })

  it('installs what the package asks for, of the version that it has', () => {
    const { version, peerDependencies, peerDependenciesMeta } = JSON.parse(read('package.json')) as {
      version: string
      peerDependencies: Record<string, string>
      peerDependenciesMeta: Record<string, unknown>
    }
    const needed = Object.keys(peerDependencies).filter(name => !(name in peerDependenciesMeta))
    const [, tarball, names = ''] = read(paper).match(/npm install \.\/(\S+) (.*)/) ?? []

    expect(tarball).to.equal(`okapi-${version}.tgz`)
    expect(names.split(' ')).to.have.members(needed)
  })

  it('makes modules of what npm init leaves as CommonJS, where the first example could not await', () => {
    const { code = '' } = blocksOf(paper).find(({ code }) => code.includes('npm install ./')) ?? {}

    expect(code).to.match(/^npm pkg set type=module\nnpm install \.\//)
    expect(find('clock').code).to.match(/^const app = await /m)
  })

  it('names the versions of Node.js that the package takes', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
    const [, first, second] = read(paper).match(/Node\.js (\S+), (\S+) or later/) ?? []

    expect(engines.node).to.equal(`^${first}.0 || >=${second}.0`)
  })

  it('shows the settings of the compiler that its own code is built with', () => {
    const { compilerOptions } = JSON.parse(read('tsconfig.json')) as { compilerOptions: Record<string, unknown> }
    const shown = JSON.parse(blocksOf(paper).find(({ language }) => language === 'json')?.code ?? '{}')

    expect(shown.compilerOptions).to.include({ experimentalDecorators: true, emitDecoratorMetadata: true })
    expect(compilerOptions).to.include({ experimentalDecorators: true, emitDecoratorMetadata: true })
  })
})
