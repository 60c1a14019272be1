import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import { project } from '../support/run.js'

const settings = {
  compilerOptions: { module: 'NodeNext', target: 'ES2022', rootDir: '.', outDir: 'dist', types: ['node'] },
  include: ['src', 'sample'],
}

describe('npm run dev', function () {
  this.timeout(30_000)

  let folder: string
  let dev: ChildProcessByStdio<null, Readable, null>
  let lines: AsyncIterator<string>

  /** An app that tells its version and its process, and lives until it is ended, or the spec is long over. */
  const write = (version: string): Promise<void> =>
    writeFile(join(folder, 'sample/main.ts'), `console.log('${version}', process.pid)\nsetTimeout(() => {}, 30_000)\n`)

  const told = async (version: string): Promise<number> => {
    for (;;) {
      const { value = '', done } = await lines.next()
      if (done) throw new Error(`It ended before it said ${version}`)
      if (value.startsWith(version)) return Number(value.split(' ')[1])
    }
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'okapi-dev-'))
    await Promise.all([mkdir(join(folder, 'src')), mkdir(join(folder, 'sample'))])
    await symlink(join(project, 'node_modules'), join(folder, 'node_modules'), 'junction')
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    await write('one')
    dev = spawn(process.execPath, [join(project, 'scripts/dev.mjs')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    lines = createInterface({ input: dev.stdout })[Symbol.asyncIterator]()
  })

  afterEach(async () => {
    dev.kill('SIGKILL')
    await rm(folder, { recursive: true })
  })

  it('builds and restarts the app when a file changes, and ends it with itself', async () => {
    const first = await told('one')

    await write('two')
    const second = await told('two')

    expect(alive(first)).to.equal(false)
    expect(alive(second)).to.equal(true)

    dev.kill('SIGINT')
    await once(dev, 'exit')

    expect(alive(second)).to.equal(false)
  })
})

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
