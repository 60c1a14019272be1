import { expect } from 'chai'
import { enter, overflow, type Requested } from '../../src/topics/entry.js'
import { resolveSubscribeOptions, type SubscribeOptions } from '../../src/topics/options.js'
import type { TopicLog } from '../../src/topics/topic-log.js'

const empty = log(1, 0)
const kept = log(5, 9)
const expired = log(10, 9)

function log(earliest: number, latest: number): TopicLog {
  return { name: 'a', epoch: 'e', earliest, latest } as unknown as TopicLog
}

function place(of: TopicLog, requested: Requested, options: SubscribeOptions = {}) {
  return enter(of, requested, resolveSubscribeOptions(options))
}

describe('A client that comes for the first time', () => {
  for (const [from, inEmpty, inKept, inExpired] of [
    ['now', 0, 9, 9],
    ['start', 0, 4, 9],
    [0, 0, 9, 9],
    [2, 0, 7, 9],
    [5, 0, 4, 9],
    [1_000, 0, 4, 9],
  ] as const) {
    it(`begins from ${from}`, () => {
      const positions = [empty, kept, expired].map(of => place(of, undefined, { from }))

      expect(positions).to.deep.equal([inEmpty, inKept, inExpired].map(position => ({ position, first: true })))
    })
  }

  it('begins with the snapshot, and goes on with what comes behind it', () => {
    expect(place(kept, undefined, { snapshot: () => [] })).to.deep.equal({ position: 9, first: true, snapshot: true })
  })
})

describe('A client that comes back', () => {
  it('goes on behind its position, as long as nothing behind it is gone', () => {
    for (const sequence of [4, 5, 8, 9]) {
      expect(place(kept, { epoch: 'e', sequence })).to.deep.equal({ position: sequence })
    }
    expect(place(expired, { epoch: 'e', sequence: 9 })).to.deep.equal({ position: 9 })
    expect(place(empty, { epoch: 'e', sequence: 0 })).to.deep.equal({ position: 0 })
  })

  for (const [what, of, requested, gap] of [
    ['expired', kept, { epoch: 'e', sequence: 3 }, { requested: 'e.3', earliest: 'e.5', latest: 'e.9', lost: 1 }],
    ['expired', kept, { epoch: 'e', sequence: 0 }, { requested: 'e.0', earliest: 'e.5', latest: 'e.9', lost: 4 }],
    ['expired', expired, { epoch: 'e', sequence: 2 }, { requested: 'e.2', earliest: null, latest: 'e.9', lost: 7 }],
    ['unknown', kept, { epoch: 'e', sequence: 10 }, { requested: 'e.10', earliest: 'e.5', latest: 'e.9', lost: null }],
    ['epoch', kept, { epoch: 'f', sequence: 7 }, { requested: 'f.7', earliest: 'e.5', latest: 'e.9', lost: null }],
    ['epoch', empty, { epoch: 'f', sequence: 7 }, { requested: 'f.7', earliest: null, latest: null, lost: null }],
    ['malformed', kept, { malformed: 'x' }, { requested: 'x', earliest: 'e.5', latest: 'e.9', lost: null }],
  ] as const) {
    it(`is told of a gap that is ${what}, in a log from ${of.earliest} to ${of.latest}`, () => {
      expect(place(of, requested)).to.deep.equal({
        position: of.earliest - 1,
        gap: { ...gap, reason: what },
        snapshot: false,
      })
    })
  }

  it('is told no more than 64 characters of an id that is none', () => {
    expect(place(kept, { malformed: 'x'.repeat(1_000) }).gap?.requested).to.equal('x'.repeat(64))
  })

  it('goes on with what comes from now on, if it is to, and has then missed the rest as well', () => {
    const { position, gap, snapshot } = place(kept, { epoch: 'e', sequence: 3 }, { onGap: 'latest' })

    expect({ position, snapshot, lost: gap?.lost }).to.deep.equal({ position: 9, snapshot: false, lost: 6 })
  })

  it('goes on with the snapshot, if it is to', () => {
    const { position, gap, snapshot } = place(kept, { epoch: 'e', sequence: 3 }, { snapshot: () => [] })

    expect({ position, snapshot, lost: gap?.lost }).to.deep.equal({ position: 9, snapshot: true, lost: 6 })
  })
})

describe('A client that was too slow', () => {
  it('is told where it stood, and how much it has missed', () => {
    expect(overflow(kept, 1, resolveSubscribeOptions({}))).to.deep.equal({
      position: 4,
      gap: { requested: 'e.1', earliest: 'e.5', latest: 'e.9', lost: 3, reason: 'overflow' },
      snapshot: false,
    })
  })
})
