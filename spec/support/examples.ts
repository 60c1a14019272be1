import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { AppOptions, ControllerClass } from 'okapi'
import { type Block, blocksOf } from './papers.js'
import { project, runBin } from './run.js'
import { type Served, serve } from './serve.js'

const settings = {
  extends: '../../../tsconfig.json',
  compilerOptions: {
    rootDir: '.',
    outDir: 'out',
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    noUnusedLocals: false,
  },
  include: ['*.ts'],
}

const declaration = /^(?:abstract )?(?:class|const|function\*?|async function\*?) (\w+)/gm

/** The examples of a paper, by name. What is asked for counts as run. */
export interface Examples {
  readonly blocks: readonly Block[]
  find(name: string, role?: 'check' | 'answer'): Block
  /** Imports a block: what it declares is what its module exports. */
  load<Names>(name: string): Promise<Names>
  /** Serves the controllers that a block declares, as long as `closeAll` is not called. */
  serve(name: string, options?: Omit<AppOptions, 'controllers'>): Promise<Served>
}

/**
 * For `describe`: compiles the examples of a paper before its specs run, each a module of its own, and checks behind them
 * that none was left out.
 *
 * @param drawings the blocks that nothing runs
 */
export function examplesOf(paper: string, drawings: readonly string[] = []): Examples {
  const blocks = blocksOf(paper)
  const seen = new Set<Block>()
  const find: Examples['find'] = (name, role = 'check') => {
    const block = blocks.find(one => one.name === name && one.role === role)
    if (block === undefined) throw new Error(`No ${role} of ${paper} is called ${name}`)
    seen.add(block)
    return block
  }

  before(async function () {
    this.timeout(60_000)
    await compile(paper, blocks)
  })

  after(`all examples of ${paper} were run`, () => {
    const left = blocks.filter(block => !seen.has(block) && !drawings.includes(block.name))
    const unchecked = left.filter(({ role, language }) => role !== undefined || /^[jt]s$/.test(language))
    expect(unchecked.map(({ line, name }) => `${paper}:${line} ${name}`)).to.deep.equal([])
  })

  return {
    blocks,
    find,
    load: name => load(find(name)),
    serve: async (name, options) => {
      const declared = await load<Record<string, ControllerClass>>(find(name))
      return serve(Object.values(declared).filter(isController), options)
    },
  }
}

/** Rejects with what the compiler says. */
async function compile(paper: string, blocks: readonly Block[]): Promise<void> {
  const folder = folderOf(paper)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  for (const block of blocks) {
    if (block.language === 'ts') await writeFile(join(folder, `${nameOf(block)}.ts`), moduleOf(block.code))
  }
  await runBin(folder, 'typescript/bin/tsc', '-p', '.')
}

/** Where the JavaScript of a block lies. */
export function pathOf(block: Block): string {
  return join(folderOf(block.paper), 'out', `${nameOf(block)}.js`)
}

/** Runs a block: what it declares is what its module exports. */
export function load<Names>(block: Block): Promise<Names> {
  return import(pathToFileURL(pathOf(block)).href) as Promise<Names>
}

/** Runs a script of the browser, with what is global there given by name. Resolves when it has run to its end. */
export async function runScript(block: Block, given: Record<string, unknown>): Promise<void> {
  const path = pathOf(block)
  const statements = block.code.split('\n')
  const imports = statements.filter(line => line.startsWith('import '))
  const body = statements.filter(line => !line.startsWith('import ')).join('\n')
  const names = Object.keys(given).join(', ')
  await writeFile(path, `${imports.join('\n')}\nexport const run = async ({ ${names} }) => {\n${body}\n}\n`)
  const { run } = (await import(pathToFileURL(path).href)) as { run: (given: object) => Promise<void> }
  await run(given)
}

/** Within `dist`, and so within the package: `okapi` is the project itself. */
function folderOf(paper: string): string {
  return join(project, 'dist/papers', paper.replaceAll('/', '-'))
}

/** Leads back to the line, in what the compiler says. */
function nameOf({ line }: Block): string {
  return `line-${line}`
}

/** On a free port, and a hundred times as fast. */
function moduleOf(code: string): string {
  const names = [...code.matchAll(declaration)].map(match => match[1])
  return `${code.replace(/\b8080\b/g, '0').replace(/\b1000\b/g, '10')}\nexport { ${names.join(', ')} }\n`
}

/** A class with routes: the decorators of its methods left types behind. */
export function isController(value: unknown): value is ControllerClass {
  if (typeof value !== 'function') return false
  const { prototype } = value
  return Object.getOwnPropertyNames(prototype ?? {}).some(name =>
    Reflect.hasMetadata('design:paramtypes', prototype, name),
  )
}
