import { mock } from 'node:test'
import { expect } from 'chai'
import { watchOrphan } from '../../src/sse/orphan.js'
import { latch } from '../support/latch.js'
import { turns } from '../support/until.js'

describe('watchOrphan', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('tells of what has not ended in time, with a promise of its end', async () => {
    const end = latch<void>()
    const orphans: Promise<void>[] = []
    watchOrphan(end.promise, 100, ended => orphans.push(ended))

    mock.timers.tick(99)
    expect(orphans).to.have.length(0)
    mock.timers.tick(1)

    expect(orphans).to.have.length(1)
    end.open()
    await orphans[0]
  })

  it('says nothing of what has', async () => {
    const orphans: Promise<void>[] = []
    watchOrphan(Promise.resolve(), 100, ended => orphans.push(ended))
    await turns(1)

    mock.timers.tick(1_000)

    expect(orphans).to.have.length(0)
  })
})
