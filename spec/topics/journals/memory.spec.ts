import { mock } from 'node:test'
import { expect } from 'chai'
import fc from 'fast-check'
import { type JournalEntry, type JournalLog, MemoryJournal, type Retention } from 'okapi'
import { newEpoch } from '../../../src/topics/journals/memory.js'

const ALL: Retention = { count: 1_000_000, bytes: 1_000_000_000, age: 1_000_000 }

function open(retention: Partial<Retention> = {}): JournalLog {
  return new MemoryJournal().open('a', { ...ALL, ...retention })
}

async function textsOf(log: JournalLog, after = 0, length = Number.POSITIVE_INFINITY): Promise<string[]> {
  return (await log.read(after, length)).map(({ text }) => text)
}

describe('MemoryJournal', () => {
  afterEach(() => mock.reset())

  it('begins empty, in an epoch of its own', () => {
    const [one, two] = [open(), open()]

    expect(one.bounds()).to.deep.equal({ earliest: 1, latest: 0, bytes: 0 })
    expect(one.epoch).to.match(/^[0-9a-z]{10}$/)
    expect(one.epoch).to.not.equal(two.epoch)
  })

  it('keeps events in order, and says which was the first', async () => {
    mock.timers.enable({ apis: ['Date'], now: 1_000 })
    const log = open()

    expect(log.append(['a', 'bc'])).to.equal(1)
    expect(log.append(['d'])).to.equal(3)

    expect(await log.read(0, 100)).to.deep.equal([
      { sequence: 1, at: 1_000, text: 'a' },
      { sequence: 2, at: 1_000, text: 'bc' },
      { sequence: 3, at: 1_000, text: 'd' },
    ])
    expect(log.bounds()).to.deep.equal({ earliest: 1, latest: 3, bytes: 4 })
  })

  it('reads behind a sequence, about as many characters as asked for, and one event at least', async () => {
    const log = open()
    log.append(['aa', 'bb', 'cc', 'dddd'])

    expect(await textsOf(log, 1, 3)).to.deep.equal(['bb', 'cc'])
    expect(await textsOf(log, 3, 1)).to.deep.equal(['dddd'])
    expect(await textsOf(log, 4)).to.deep.equal([])
    expect(await textsOf(log, 40)).to.deep.equal([])
  })

  it('lets the oldest go, by count', async () => {
    const log = open({ count: 2 })
    log.append(['a', 'b', 'c'])

    expect(await textsOf(log)).to.deep.equal(['b', 'c'])
    expect(log.bounds()).to.deep.equal({ earliest: 2, latest: 3, bytes: 2 })
  })

  it('lets the oldest go, by size, but never the newest', async () => {
    const log = open({ bytes: 4 })
    log.append(['aa', 'bb', 'c'])
    expect(await textsOf(log)).to.deep.equal(['bb', 'c'])

    log.append(['long, long'])

    expect(await textsOf(log)).to.deep.equal(['long, long'])
    expect(log.bounds()).to.deep.equal({ earliest: 4, latest: 4, bytes: 10 })
  })

  it('lets the oldest go, by age, to the last one', async () => {
    mock.timers.enable({ apis: ['Date'], now: 0 })
    const log = open({ age: 100 })
    log.append(['a'])
    mock.timers.tick(60)
    log.append(['b'])

    mock.timers.tick(60)
    expect(await textsOf(log)).to.deep.equal(['a', 'b'])
    log.trim()
    expect(await textsOf(log)).to.deep.equal(['b'])

    mock.timers.tick(60)
    log.trim()
    expect(log.bounds()).to.deep.equal({ earliest: 3, latest: 2, bytes: 0 })
    expect(log.append(['c'])).to.equal(3)
    expect(await textsOf(log, 1)).to.deep.equal(['c'])
  })

  it('calls back for each event once, in order, until that is ended', () => {
    const log = open({ count: 1 })
    const heard: JournalEntry[] = []
    const end = log.tail(entries => heard.push(...entries))
    log.append(['a', 'b'])
    end()
    log.append(['c'])

    expect(heard.map(({ sequence, text }) => [sequence, text])).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
    ])
  })

  it('has one listener at a time', () => {
    const log = open()
    const heard: string[] = []
    const end = log.tail(() => heard.push('one'))
    log.tail(() => heard.push('two'))
    end()
    log.append(['a'])

    expect(heard).to.deep.equal(['two'])
  })

  it('lets go of everything when it is closed', async () => {
    const log = open()
    log.append(['a'])
    await log.close()

    expect(log.bounds()).to.deep.equal({ earliest: 2, latest: 1, bytes: 0 })
    expect(await textsOf(log)).to.deep.equal([])
  })

  it('holds what a list with the same bounds would hold, whatever is appended', async () => {
    const batches = fc.array(fc.array(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 40 }))
    const retentions = fc.record({ count: fc.integer({ min: 1, max: 200 }), bytes: fc.integer({ min: 1, max: 800 }) })

    await fc.assert(
      fc.asyncProperty(batches, retentions, fc.nat(), async (all, retention, at) => {
        const log = open(retention)
        let model: string[] = []
        let latest = 0
        for (const batch of all) {
          expect(log.append(batch)).to.equal(latest + 1)
          latest += batch.length
          model = [...model, ...batch].slice(-retention.count)
          while (model.length > 1 && model.join('').length > retention.bytes) model.shift()
          const earliest = latest - model.length + 1
          const after = at % (latest + 2)

          expect(log.bounds()).to.deep.equal({ earliest, latest, bytes: model.join('').length })
          expect(await textsOf(log, after)).to.deep.equal(model.slice(Math.max(0, after + 1 - earliest)))
        }
      }),
    )
  })
})

describe('newEpoch', () => {
  it('is another one each time: ten letters and digits', () => {
    const epochs = Array.from({ length: 10_000 }, newEpoch)

    for (const epoch of epochs) expect(epoch).to.match(/^[0-9a-z]{10}$/)
    expect(new Set(epochs).size).to.equal(10_000)
  })
})
