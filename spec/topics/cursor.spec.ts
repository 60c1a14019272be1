import { mock } from 'node:test'
import { expect } from 'chai'
import { Cursor, type CursorReader } from '../../src/topics/cursor.js'
import { type OnLag, resolveSubscribeOptions } from '../../src/topics/options.js'
import type { TopicLog } from '../../src/topics/topic-log.js'

/** A reader and a log that note what a cursor tells them. */
function placed(position: number, onLag: OnLag = 'gap', loops = false) {
  const told: string[] = []
  const log = {
    earliest: 1,
    latest: 100,
    join: () => told.push('join'),
    leave: () => told.push('leave'),
    lags: () => told.push('lags'),
    settle: () => told.push('settle'),
  }
  const reader: CursorReader = {
    loops,
    wake: () => told.push('wake'),
    lag: () => told.push('lag'),
    abandon: () => told.push('abandon'),
  }
  const options = resolveSubscribeOptions({ onLag, ...(onLag === 'conflate' ? { key: () => 0 } : {}) })
  const cursor = new Cursor(reader, log as unknown as TopicLog, position, options)
  return { cursor, log, told }
}

describe('Cursor', () => {
  afterEach(() => mock.reset())

  it('follows a log from a position until it leaves', () => {
    const { cursor, told } = placed(7)
    expect(cursor.position).to.equal(7)
    expect(cursor.taken, 'publishers do not wait').to.equal(undefined)
    expect(cursor.conflation).to.equal(undefined)

    cursor.advance()
    cursor.leave()

    expect(told).to.deep.equal(['join', 'wake', 'leave'])
  })

  it('tells publishers what was taken, with onLag "block"', () => {
    const { cursor, told } = placed(7, 'block')
    expect(cursor.taken).to.equal(7)
    cursor.position = 9
    expect(cursor.taken).to.equal(7)

    cursor.take()

    expect(cursor.taken).to.equal(9)
    expect(told).to.deep.equal(['join', 'settle'])
  })

  it('conflates from where it begins, and anew from where it goes on', () => {
    const { cursor } = placed(7, 'conflate')
    expect(cursor.conflation?.latest).to.equal(7)

    cursor.move(50)

    expect(cursor.position).to.equal(50)
    expect(cursor.conflation?.latest).to.equal(50)
  })

  it('wants to be told when it lags, with onLag "disconnect", and sends its client away then', () => {
    const { cursor, told } = placed(50, 'disconnect')
    expect(told).to.deep.equal(['join', 'lags'])

    cursor.lagged()

    expect(told).to.deep.equal(['join', 'lags', 'lag'])
  })

  describe('of a log that closes', () => {
    it('wakes its reader, and lets a client take its time', () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      const { cursor, told } = placed(7)

      cursor.end()
      mock.timers.tick(3_600_000)

      expect(cursor.ended).to.equal(true)
      expect(told).to.deep.equal(['join', 'wake'])
    })

    it('leaves after 2 seconds where it is in a loop, which is told if it has lost something', () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      const [behind, upToDate, gone] = [placed(99, 'gap', true), placed(100, 'gap', true), placed(99, 'gap', true)]
      for (const { cursor } of [behind, upToDate, gone]) cursor.end()
      gone.cursor.leave()
      mock.timers.tick(1_999)
      expect(behind.told).to.deep.equal(['join', 'wake'])

      mock.timers.tick(1)

      expect(behind.told).to.deep.equal(['join', 'wake', 'abandon', 'leave'])
      expect(upToDate.told).to.deep.equal(['join', 'wake', 'leave'])
      expect(gone.told).to.deep.equal(['join', 'wake', 'leave'])
    })
  })
})
