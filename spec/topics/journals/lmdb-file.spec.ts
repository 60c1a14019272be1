import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { JournalError } from 'okapi'
import { type Author, type Change, LmdbFile } from '../../../src/topics/journals/lmdb-file.js'
import { keyOf, prefixOf } from '../../../src/topics/journals/lmdb-key.js'
import { makeFolder, removeFolders } from '../../support/folder.js'
import { latch } from '../../support/latch.js'
import { project } from '../../support/run.js'

const record = { epoch: 'a', earliest: 1, latest: 1, bytes: 1, at: 0, retention: { count: 1, bytes: 1, age: 1 } }

/** Writes one event of a topic. */
function author(topic: string, text = 'a', compose?: () => Change) {
  const { promise, open, fail } = latch()
  const change = { record, puts: [{ key: keyOf(prefixOf(topic), 1), text }], removes: [] }
  const one: Author = { topic, compose: compose ?? (() => change), written: open, refused: fail }
  return { author: one, promise }
}

async function refusalOf(promise: Promise<unknown>): Promise<JournalError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).to.be.an.instanceOf(JournalError).with.property('code', 'ERR_JOURNAL')
  return error as JournalError
}

function refusalToOpen(folder: string): JournalError {
  try {
    new LmdbFile(folder)
  } catch (error) {
    expect(error).to.be.an.instanceOf(JournalError)
    return error as JournalError
  }
  throw new Error('It was opened')
}

describe('LmdbFile', () => {
  afterEach(removeFolders)

  it('makes its directory, and is there again when it is opened anew', async () => {
    const folder = join(await makeFolder(), 'data/topics')
    const file = new LmdbFile(folder)
    const { author: one, promise } = author('a')
    file.write(one)
    await promise
    await file.close()

    const again = new LmdbFile(folder)

    expect(again.events.get(keyOf(prefixOf('a'), 1))).to.equal('a')
    expect(again.records.get('a')).to.deep.equal(record)
    await again.close()
  })

  it('writes all that waits in one commit, and tells each when it is done', async () => {
    const file = new LmdbFile(await makeFolder())
    const before = commitsOf(file)
    const all = Array.from({ length: 500 }, (_, index) => author(`topic/${index}`))

    for (const { author } of all) file.write(author)
    await Promise.all(all.map(({ promise }) => promise))

    expect(commitsOf(file) - before).to.equal(1)
    await file.close()
  })

  it('writes what comes during a commit with the next one', async () => {
    const file = new LmdbFile(await makeFolder())
    const before = commitsOf(file)
    const late = author('late')
    const first = author('first', 'a', () => {
      setImmediate(() => file.write(late.author))
      return { record, puts: [], removes: [] }
    })

    file.write(first.author)
    await first.promise
    await late.promise

    expect(commitsOf(file) - before).to.equal(2)
    await file.close()
  })

  it('refuses only the one that cannot say what it writes', async () => {
    const file = new LmdbFile(await makeFolder())
    const [good, bad] = [author('good'), author('bad', 'a', () => expect.fail('no keys'))]

    file.write(bad.author)
    file.write(good.author)

    expect((await refusalOf(bad.promise)).message).to.match(/cannot be written: no keys$/)
    await good.promise
    await file.close()
  })

  it('gives a log that has nothing yet the same epoch each time, and another to each topic and each file', async () => {
    const folders = [await makeFolder(), await makeFolder()]
    const epochs: string[] = []
    for (const folder of [...folders, ...folders]) {
      const file = new LmdbFile(folder)
      epochs.push(file.epochOf('a'), file.epochOf('b'))
      await file.close()
    }

    for (const epoch of epochs) expect(epoch).to.match(/^[0-9a-z]{10}$/)
    expect(epochs.slice(0, 4)).to.deep.equal(epochs.slice(4))
    expect(new Set(epochs).size).to.equal(4)
  })

  it('finishes what it was asked to write before it closes', async () => {
    const folder = await makeFolder()
    const file = new LmdbFile(folder)
    const { author: one, promise } = author('a')

    file.write(one)
    await file.close()

    await promise
  })

  it('belongs to the one that opened it last: the one before is refused, and changes nothing', async () => {
    const folder = await makeFolder()
    const [first, second] = [new LmdbFile(folder), new LmdbFile(folder)]
    const [early, ours, late] = [author('a', 'early'), author('a', 'ours'), author('a', 'late')]

    first.write(early.author)
    const { message } = await refusalOf(early.promise)
    second.write(ours.author)
    await ours.promise
    first.write(late.author)

    expect(message).to.equal(
      `${folder} was opened by another journal since (process ${process.pid}): each needs a directory of its own`,
    )
    expect((await refusalOf(late.promise)).message).to.equal(message)
    expect(second.events.get(keyOf(prefixOf('a'), 1))).to.equal('ours')
    await first.close()
    await second.close()
  })

  it('belongs to the process that opened it last, too', async () => {
    const folder = await makeFolder()
    const file = new LmdbFile(folder)
    const { author: one, promise } = author('a')

    const [line] = await linesOf(`
      const { LmdbJournal } = await import('okapi/journal-lmdb')
      const log = await new LmdbJournal(${JSON.stringify(folder)}).open('a', { count: 9, bytes: 9, age: 1e6 })
      console.log(process.pid, await log.append(['a']))
    `)
    file.write(one)

    const [pid, first] = (line as string).split(' ')
    expect(first).to.equal('1')
    expect((await refusalOf(promise)).message).to.contain(`(process ${pid})`)
    await file.close()
  })

  it('refuses a file that is none of LMDB, and leaves it as it is', async () => {
    const folder = await makeFolder()
    const path = join(folder, 'data.mdb')
    for (const content of ['x', 'not a journal, but a text that somebody keeps here'.repeat(1000)]) {
      await writeFile(path, content)

      expect(refusalToOpen(folder).message).to.equal(
        `${path} is no file of LMDB: move it away, or give the journal another directory`,
      )
      expect(readFileSync(path, 'utf8')).to.equal(content)
    }
  })

  it('takes an empty file for a new one', async () => {
    const folder = await makeFolder()
    await writeFile(join(folder, 'data.mdb'), '')

    const file = new LmdbFile(folder)

    await file.close()
    expect((await stat(join(folder, 'data.mdb'))).size).to.be.above(0)
  })

  it('lies beside whatever else is in its directory', async () => {
    const folder = await makeFolder()
    await writeFile(join(folder, 'notes.txt'), 'x')

    await new LmdbFile(folder).close()

    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).to.equal('x')
  })

  it('refuses a path that is a file', async () => {
    const path = join(await makeFolder(), 'journal')
    await writeFile(path, 'x')

    expect(refusalToOpen(path).message).to.match(/journal cannot be opened \(.*\): is it a directory of a journal\?$/)
  })

  it('refuses a file that was cut off, and does not end the process over it', async () => {
    const folder = await makeFolder()
    const file = new LmdbFile(folder)
    for (let event = 0; event < 200; event++) {
      const { author: one, promise } = author(`topic/${event}`, 'x'.repeat(5000))
      file.write(one)
      await promise
    }
    await file.close()
    const whole = readFileSync(join(folder, 'data.mdb'))

    truncateSync(join(folder, 'data.mdb'), 8192)

    expect(refusalToOpen(folder).message).to.match(/cannot be opened \(MDB_CORRUPTED/)
    writeFileSync(join(folder, 'data.mdb'), whole)
    await new LmdbFile(folder).close()
  })

  it('refuses what the disk has no room for, and goes on when there is room again', async function () {
    if (process.platform === 'win32') this.skip()
    const folder = await makeFolder()

    const lines = await linesOf(
      `
      const { LmdbJournal } = await import('okapi/journal-lmdb')
      const journal = new LmdbJournal(${JSON.stringify(folder)})
      const log = await journal.open('a', { count: 1e9, bytes: 1e9, age: 1e9 })
      const text = 'x'.repeat(100_000)
      for (let first = 0; first !== undefined; ) {
        first = await log.append([text]).catch(({ name, code, message }) => console.log(name, code, message))
      }
      const { latest } = log.bounds()
      await log.append([text]).catch(() => console.log('again'))
      const other = await journal.open('b', { count: 9, bytes: 9, age: 1e9 })
      await log.close()
      const smaller = await journal.open('a', { count: 2, bytes: 1e9, age: 1e9 })
      console.log((await smaller.append(['y'])) === latest + 1, await other.append(['small']))
      console.log(smaller.bounds().latest - latest, smaller.read(latest, 1).map(({ text }) => text).join())
      await Promise.all([smaller.close(), other.close()])
      await journal.close()
    `,
      'ulimit -f 2000; exec "$0" "$@"',
    )

    expect(lines[0]).to.match(/^JournalError ERR_JOURNAL .* cannot be written: /)
    expect(lines.slice(1)).to.deep.equal(['again', 'true 1', '1 y'])
  })
})

function commitsOf(file: LmdbFile): number {
  return (file.events.getStats() as unknown as { lastTxnId: number }).lastTxnId
}

/** Runs a module in a process of its own, which may be run by a shell, and gives what it says. */
async function linesOf(code: string, shell?: string): Promise<string[]> {
  const args = ['--input-type=module', '-e', code]
  const child = shell
    ? spawn('bash', ['-c', shell, process.execPath, ...args], { cwd: project, stdio: ['ignore', 'pipe', 'ignore'] })
    : spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface(child.stdout).on('line', line => lines.push(line))
  await once(child, 'close')
  return lines
}
