import { statSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { expect } from 'chai'
import { open } from 'lmdb'
import { JournalError, type Retention } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'
import { LmdbFile, type LogRecord } from '../../../src/topics/journals/lmdb-file.js'
import { keyOf, prefixOf } from '../../../src/topics/journals/lmdb-key.js'
import { LmdbLog } from '../../../src/topics/journals/lmdb-log.js'
import { makeFolder, removeFolders } from '../../support/folder.js'
import { until } from '../../support/until.js'

const ALL: Retention = { count: 1000, bytes: 1 << 20, age: 3_600_000 }
const DAY = 86_400_000

// What it promises as a journal is in ../journal-contract.spec.ts.
describe('LmdbJournal', () => {
  let folder: string

  beforeEach(async () => {
    folder = await makeFolder()
  })

  afterEach(removeFolders)

  it('refuses to open a topic that is open', async () => {
    const journal = new LmdbJournal(folder)
    await journal.open('a', ALL)

    expect(() => journal.open('a', ALL)).to.throw(JournalError, 'The topic a is open already')
    await journal.close()
  })

  it('opens a topic that is closing when it has closed', async () => {
    const journal = new LmdbJournal(folder)
    const log = await journal.open('a', ALL)
    const answer = log.append(['a'])

    log.close()
    const again = await journal.open('a', ALL)

    expect(again.bounds()).to.deep.equal({ earliest: 1, latest: 1, bytes: 1 })
    expect(await answer).to.equal(1)
    await journal.close()
  })

  it('answers what is under way when it closes', async () => {
    const journal = new LmdbJournal(folder)
    const log = await journal.open('a', ALL)
    const answer = log.append(['a'])

    await journal.close()

    expect(await answer).to.equal(1)
  })

  it('uses again what retention frees: its file does not grow', async () => {
    const journal = new LmdbJournal(folder)
    const log = await journal.open('a', { ...ALL, count: 20 })
    const sizes: number[] = []
    for (let round = 0; round < 3; round++) {
      for (let event = 0; event < 60; event++) await log.append(['x'.repeat(5_000)])
      sizes.push(statSync(join(folder, 'data.mdb')).size)
    }
    await journal.close()

    expect(sizes[2]).to.be.below(1.5 * (sizes[0] as number))
  })

  it('frees at its start what is too old, though nobody asks for it any more', async () => {
    const now = Date.now()
    await store({ 'room/1': now - 2 * ALL.age, 'room/2': now - 2 * ALL.age, 'room/3': now })
    const { events, records, root } = look()

    const journal = new LmdbJournal(folder)
    await until(() => events().length === 1)
    await journal.close()

    expect(events()).to.deep.equal(['room/3'])
    expect(records()).to.deep.equal({ 'room/1': [2, 1], 'room/2': [2, 1], 'room/3': [1, 1] })
    await root.close()
  })

  it('forgets at its start the topics that had no event for 30 days', async () => {
    const now = Date.now()
    await store({ 'room/1': now - 31 * DAY, 'room/2': now - 29 * DAY })
    const { events, records, root } = look()

    const journal = new LmdbJournal(folder)
    await until(() => events().length === 0 && Object.keys(records()).length === 1)
    await journal.close()

    expect(records()).to.deep.equal({ 'room/2': [2, 1] })
    await root.close()
  })

  it('starts though the events of a topic are damaged, and tells whoever opens it', async () => {
    await store({ 'room/1': 0, 'room/2': 0 })
    const { events, root } = look()
    await root.openDB({ name: 'events', keyEncoding: 'binary' }).remove(keyOf(prefixOf('room/1'), 1, 0, 6))

    const journal = new LmdbJournal(folder)
    await until(() => events().length === 0)

    expect(() => journal.open('room/1', ALL)).to.throw(JournalError, 'are damaged')
    await journal.close()
    await root.close()
  })

  for (const [what, bytes] of [
    ['cannot be read', [0x92]],
    ['says too little', [0x80]],
    ['is no record', [0xc0]],
  ] as const) {
    it(`starts, frees what is too old, and closes, though what it knows of a topic ${what}`, async () => {
      await store({ 'room/1': 0, 'room/2': 0 })
      const { events, root } = look()
      await root.openDB({ name: 'logs', encoding: 'binary' }).put('room/1', Buffer.from(bytes))

      const journal = new LmdbJournal(folder)
      await until(() => events().length === 1)

      expect(events()).to.deep.equal(['room/1'])
      await journal.close()
      await root.close()
    })
  }

  it('lets its file go also when a log cannot be closed', async () => {
    const failure = new Error('disk')
    const closeFile = mock.method(LmdbFile.prototype, 'close')
    const closeLog = mock.method(LmdbLog.prototype, 'close', () => Promise.reject(failure))
    const journal = new LmdbJournal(folder)
    await journal.open('a', ALL)

    const error = await journal.close().catch((error: unknown) => error)
    closeLog.mock.restore()
    closeFile.mock.restore()

    expect(error).to.equal(failure)
    expect(closeFile.mock.callCount()).to.equal(1)
  })

  /** Topics as another process left them, each with one event of a time. */
  async function store(topics: Record<string, number>): Promise<void> {
    const file = new LmdbFile(folder)
    for (const [topic, at] of Object.entries(topics)) {
      const record = { epoch: 'a', earliest: 1, latest: 1, bytes: topic.length, at, retention: ALL }
      await file.records.put(topic, record)
      await file.events.put(keyOf(prefixOf(topic), 1, at, topic.length), topic)
    }
    await file.close()
  }

  /** What is in the file, whoever has it. */
  function look() {
    const root = open({ path: folder, noSubdir: false, maxDbs: 3, overlappingSync: false })
    const events = root.openDB<string, Buffer>({ name: 'events', encoding: 'string', keyEncoding: 'binary' })
    const records = root.openDB<LogRecord, string>({ name: 'logs' })
    return {
      root,
      events: () => [...events.getRange()].map(({ value }) => value),
      records: () =>
        Object.fromEntries([...records.getRange()].map(({ key, value }) => [key, [value.earliest, value.latest]])),
    }
  }
})
