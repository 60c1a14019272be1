import { expect } from 'chai'
import { JournalError } from 'okapi'
import { LmdbFile } from '../../../src/topics/journals/lmdb-file.js'
import { keyOf, prefixOf, readKey } from '../../../src/topics/journals/lmdb-key.js'
import { LmdbLog } from '../../../src/topics/journals/lmdb-log.js'
import { soon } from '../../support/eventually.js'
import { makeFolder, removeFolders } from '../../support/folder.js'

const ALL = { count: 1000, bytes: 1 << 20, age: 3_600_000 }

describe('LmdbLog', () => {
  let file: LmdbFile

  beforeEach(async () => {
    file = new LmdbFile(await makeFolder())
  })

  afterEach(async () => {
    await file.close()
    await removeFolders()
  })

  const open = (retention = ALL, topic = 'a'): LmdbLog => new LmdbLog(file, topic, retention, () => {})
  const stored = (topic = 'a'): number[] => {
    const start = keyOf(prefixOf(topic), 0)
    const end = keyOf(prefixOf(topic), 1000)
    return [...file.events.getKeys({ start, end })].map(key => readKey(key).sequence)
  }

  it('reads no more of the file than it gives', async () => {
    const log = open()
    await log.append(Array.from({ length: 500 }, () => 'x'.repeat(100)))
    let decoded = 0
    const { getRange } = file.events
    file.events.getRange = function (this: typeof file.events, options) {
      return getRange.call(this, options).map(entry => {
        decoded++
        return entry
      })
    } as typeof getRange

    expect(log.read(400, 250)).to.have.length(3)
    expect(decoded).to.be.at.most(3)
  })

  it('removes from the file what retention takes, with the commit that brings the new', async () => {
    const log = open({ ...ALL, count: 3 })

    await log.append(['a', 'b', 'c'])
    await log.append(['d', 'e'])

    expect(stored()).to.deep.equal([3, 4, 5])
    expect(file.records.get('a')).to.include({ earliest: 3, latest: 5, bytes: 3 })
  })

  it('never writes what retention takes at once', async () => {
    const log = open({ ...ALL, count: 3 })
    let puts = 0
    const { put } = file.events
    file.events.put = ((key: Buffer, text: string): Promise<boolean> => {
      puts++
      return (put as (key: Buffer, text: string) => Promise<boolean>).call(file.events, key, text)
    }) as typeof put

    expect(await log.append(Array.from({ length: 100 }, (_, index) => `${index}`))).to.equal(1)

    expect(puts).to.equal(3)
    expect(stored()).to.deep.equal([98, 99, 100])
  })

  it('removes what a trim takes, too', async () => {
    await open().append(['a', 'b'])

    const log = open({ ...ALL, count: 1 })
    expect(log.bounds()).to.deep.equal({ earliest: 2, latest: 2, bytes: 1 })
    await log.close()

    expect(stored()).to.deep.equal([2])
    expect(file.records.get('a')).to.include({ earliest: 2, latest: 2, bytes: 1 })
  })

  it('shows nothing of an append before it is in the file', async () => {
    const log = open()

    const answer = log.append(['a'])

    expect(log.bounds()).to.deep.equal({ earliest: 1, latest: 0, bytes: 0 })
    expect(log.read(0, 1)).to.deep.equal([])
    await answer
    expect(log.read(0, 1)).to.have.length(1)
  })

  it('gives the sequences of what was refused to what comes next', async () => {
    const log = open()
    await log.append(['a'])
    const { put } = file.events
    file.events.put = () => {
      throw new Error('no room')
    }
    const seen: string[] = []
    log.tail(entries => seen.push(...entries.map(({ sequence, text }) => `${sequence} ${text}`)))

    const errors = await Promise.all(['b', 'c'].map(text => log.append([text]).catch((error: unknown) => error)))
    file.events.put = put

    for (const error of errors) expect(error).to.be.an.instanceOf(JournalError).with.property('cause')
    expect(log.bounds()).to.deep.equal({ earliest: 1, latest: 1, bytes: 1 })
    expect(await log.append(['d'])).to.equal(2)
    expect(seen).to.deep.equal(['2 d'])
    expect(stored()).to.deep.equal([1, 2])
  })

  it('goes on when the file can be read again, and closes, though a commit could not be made up meanwhile', async () => {
    const log = open()
    await log.append(['a'])
    const { getKeys } = file.events
    file.events.getKeys = () => {
      throw new Error('no room for a reader')
    }
    const refused = await log.append(['b']).catch((error: unknown) => error)
    file.events.getKeys = getKeys

    expect(refused).to.be.an.instanceOf(JournalError).with.property('cause')
    expect(await soon(log.append(['c']), 'the next event is in the file')).to.equal(2)
    await soon(log.close(), 'the log is closed')
    expect(stored()).to.deep.equal([1, 2])
  })

  it('goes on also if it cannot look, after a commit, for what has grown too old meanwhile', async () => {
    const log = open()
    await log.append(['a'])
    const answer = log.append(['b'])
    // The commit has begun then.
    for (let n = 0; n < 3; n++) await undefined
    log.trim()
    const { getKeys } = file.events
    file.events.getKeys = () => {
      throw new Error('no room for a reader')
    }
    expect(await answer).to.equal(2)
    file.events.getKeys = getKeys

    expect(await soon(log.append(['c']), 'the next event is in the file')).to.equal(3)
    await soon(log.close(), 'the log is closed')
  })

  for (const [what, sequence] of [
    ['first', 1],
    ['last', 3],
  ] as const) {
    it(`refuses to open when its ${what} event is missing`, async () => {
      await open().append(['a', 'b', 'c'])
      const [key] = [...file.events.getKeys()].filter(key => readKey(key).sequence === sequence)
      await file.events.remove(key as Buffer)

      expect(() => open()).to.throw(JournalError, /^The events of the topic a are damaged in the file of the journal$/)
    })
  }

  it('refuses to open when there are events of which it knows nothing', async () => {
    await file.events.put(keyOf(prefixOf('a'), 7), 'x')

    expect(() => open()).to.throw(JournalError)
    expect(() => open(ALL, 'b')).not.to.throw()
  })

  it('is forgotten when it is empty and old, and not otherwise', async () => {
    const log = open()
    await log.append(['a'])
    log.forget(Date.now() + 1)
    await log.close()
    expect(file.records.get('a')).to.include({ latest: 1 })

    const empty = open({ ...ALL, age: 0 })
    empty.forget(0)
    await empty.close()
    expect(file.records.get('a')).to.include({ earliest: 2, latest: 1 })

    const old = open()
    old.forget(Date.now() + 1)
    await old.close()
    expect(file.records.get('a')).to.equal(undefined)
    expect(open().epoch).not.to.equal(log.epoch)
  })

  it('stores nothing of a topic that was only looked at', async () => {
    const log = open()
    log.trim()
    await log.close()

    expect([...file.records.getKeys()]).to.deep.equal([])
  })
})
