import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { project, run, runBin } from './support/run.js'

/** What somebody writes who has installed the package: in ESM and, with the same words, in CommonJS. */
const consumer = `
import { createServer } from 'node:http'
import { Controller, createApp, event, Get, Param, SSE } from 'okapi'
import type { Journal } from 'okapi'
import { journalContract } from 'okapi/journal-contract'
import { LmdbJournal } from 'okapi/journal-lmdb'
import { streamEvents } from 'okapi/sse'

export const checks = journalContract({ open: (): Journal => new LmdbJournal('journal'), durable: true })

@Controller('/prices')
class Prices {
  @Get('/:symbol')
  price(@Param('symbol') symbol: string): { symbol: string } {
    return { symbol }
  }

  @SSE('/ticks', { pingInterval: 30_000 })
  async *ticks(): AsyncGenerator {
    yield event('tick', 1)
  }
}

export const server = createServer((request, response) => streamEvents(request, response, [1, 2, 3]))
export const answer = createApp({ controllers: [Prices], fastify: { logger: false } })
  .then(app => app.inject('/prices/OKP'))
  .then(({ body }) => console.log(body))
`

const settings = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  },
  files: ['esm.mts', 'commonjs.cts'],
}

describe('The package', function () {
  this.timeout(120_000)

  let folder: string
  let tarball: string
  let packed: string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'okapi-package-'))
    // Without its scripts: prepack would build anew, under the feet of the specs that run from what is built.
    const told = await run(project, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder)
    const [{ filename, files }] = JSON.parse(told) as [{ filename: string; files: { path: string }[] }]
    tarball = join(folder, filename)
    packed = files.map(file => file.path)
    const { devDependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Manifest
    const types = `@types/node@${devDependencies['@types/node']}`
    await writeFile(join(folder, 'package.json'), '{ "private": true }')
    const lmdb = `lmdb@${devDependencies.lmdb}`
    await run(
      folder,
      'npm',
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      tarball,
      types,
      lmdb,
    )
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('holds what is built, its source, the guides and the papers, and nothing else', () => {
    const names = new Set(packed.map(path => path.match(/^(dist\/src|src|docs)\//)?.[1] ?? path))

    expect([...names]).to.have.members([
      'dist/src',
      'src',
      'docs',
      'package.json',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
    ])
  })

  it('is without fault for publint', () => runBin(folder, 'publint/src/cli.js', 'run', tarball, '--strict'))

  // The one rule left out is older than require() of ES modules, which every Node from 20.19 on has: it would have
  // CommonJS import dynamically. Everything else about CommonJS is looked at, which the profile esm-only would not do.
  it('has types that are right for every way to import it', async () => {
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm']

    await runBin(folder, '@arethetypeswrong/cli/dist/index.js', tarball, ...rules)
  })

  it('is compiled against and run, from ES modules and from CommonJS', async () => {
    for (const name of settings.files) await writeFile(join(folder, name), consumer)
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))

    await runBin(folder, 'typescript/bin/tsc', '-p', '.')

    expect(await run(folder, process.execPath, 'esm.mjs')).to.equal('{"symbol":"OKP"}\n')
    expect(await run(folder, process.execPath, 'commonjs.cjs')).to.equal('{"symbol":"OKP"}\n')
  })

  it('is one and the same for import and require', async () => {
    const script = `import('okapi').then(({ HttpError }) => console.log(HttpError === require('okapi').HttpError))`

    expect(await run(folder, process.execPath, '-e', script)).to.equal('true\n')
  })

  it('has a file journal whose binaries are there without any script of an install', async () => {
    const script = `
      const { LmdbJournal } = require('okapi/journal-lmdb')
      const { journalContract } = require('okapi/journal-contract')
      const checks = journalContract({ open: () => new LmdbJournal('journal'), durable: true })
      checks[2].run().then(() => console.log('kept'))
    `

    expect(await run(folder, process.execPath, '-e', script)).to.equal('kept\n')
  })

  it('names the package that the file journal needs, where it is not installed', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'okapi-alone-'))
    await cp(join(folder, 'node_modules/okapi'), join(alone, 'node_modules/okapi'), { recursive: true })

    const told = await run(alone, process.execPath, '-e', `import('okapi/journal-lmdb').catch(console.log)`)

    expect(told).to.contain(`Cannot find package 'lmdb'`)
    await rm(alone, { recursive: true })
  })

  it('offers okapi/sse and okapi/journal-contract to those who have nothing else installed', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'okapi-alone-'))
    await cp(join(folder, 'node_modules/okapi'), join(alone, 'node_modules/okapi'), { recursive: true })

    const text = await run(alone, process.execPath, '-p', `require('okapi/sse').encode('hello')`)
    const checks = await run(
      alone,
      process.execPath,
      '-p',
      `require('okapi/journal-contract').journalContract({}).length > 9`,
    )

    expect(text).to.equal('data: hello\n\n\n')
    expect(checks).to.equal('true\n')
    await rm(alone, { recursive: true })
  })
})

interface Manifest {
  devDependencies: Record<string, string>
}
