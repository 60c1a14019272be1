import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Block, blocksOf } from './papers.js'
import { project, runBin } from './run.js'

/** Within `dist`, and so within the package: `okapi` is the project itself. */
const folder = join(project, 'dist/docs')

const settings = {
  extends: '../../tsconfig.json',
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

/** Compiles the TypeScript of papers, every block a module of its own. Rejects with what the compiler says. */
export async function compile(papers: string[]): Promise<Block[]> {
  const blocks = papers.flatMap(blocksOf)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  for (const block of blocks) {
    if (block.language === 'ts') await writeFile(join(folder, `${nameOf(block)}.ts`), moduleOf(block.code))
  }
  await runBin(folder, 'typescript/bin/tsc', '-p', '.')
  return blocks
}

/** Where the JavaScript of a block lies. */
export function pathOf(block: Block): string {
  return join(folder, 'out', `${nameOf(block)}.js`)
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

/** Leads back to the line, in what the compiler says. */
function nameOf({ paper, line }: Block): string {
  return `${paper.replaceAll('/', '-')}-line-${line}`
}

/** On a free port, and a hundred times as fast. */
function moduleOf(code: string): string {
  const names = [...code.matchAll(declaration)].map(match => match[1])
  return `${code.replace(/\b8080\b/g, '0').replace(/\b1000\b/g, '10')}\nexport { ${names.join(', ')} }\n`
}
