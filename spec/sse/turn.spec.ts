import { expect } from 'chai'
import { spend, wait, welcome } from '../../src/sse/turn.js'
import { turns } from '../support/until.js'

/** How much one stream may send in full batches before it has to wait for another turn. */
function allowance(batch: number): number {
  for (let characters = batch; characters < 1e9; characters += batch) if (!spend(batch)) return characters
  throw new Error('There is no end to it')
}

describe('A turn of the event loop', () => {
  /** Other specs may have welcomed streams just now. */
  beforeEach(async () => {
    for (let n = 0; n < 20; n++) {
      spend(0)
      await turns(1)
    }
  })

  it('has room for several full batches, and an end', () => {
    expect(allowance(16_000)).to.be.within(32_000, 256_000)
  })

  it('is shared by all streams: what one has sent, another cannot', () => {
    allowance(16_000)

    expect(spend(1)).to.equal(false)
  })

  it('is followed by another with as much room', async () => {
    const first = allowance(16_000)
    expect(first).to.be.above(16_000)

    await turns(2)

    expect(allowance(16_000)).to.equal(first)
  })

  it('is short while newcomers come, and long again when none has come for a while', async () => {
    const long = allowance(8_000)
    welcome()
    await turns(2)
    const short = allowance(8_000)

    for (let n = 0; n < 20; n++) {
      spend(1)
      await turns(1)
    }

    expect(short).to.be.within(8_000, long / 4)
    expect(allowance(8_000)).to.equal(long)
  })

  it('lets streams go on one after the other, in the order in which they began to wait, as far as a turn goes', async () => {
    const resumed: number[] = []
    const streams = Array.from({ length: 20 }, (_, n) => ({
      resume() {
        resumed.push(n)
        spend(16_000)
        if (resumed.length <= 20) wait(this)
        return true
      },
    }))
    for (const stream of streams) wait(stream)
    expect(resumed).to.deep.equal([])

    await turns(1)
    const early = resumed.length
    await turns(40)

    expect(early).to.be.within(1, 16)
    expect(resumed).to.deep.equal(Array.from({ length: 40 }, (_, n) => n % 20))
  })

  it('lets all go on that wait, where they send too little to fill it', async () => {
    const resumed: number[] = []
    for (let n = 0; n < 3; n++) wait({ resume: () => resumed.push(n) > 0 })

    await turns(1)

    expect(resumed).to.deep.equal([0, 1, 2])
  })

  it('passes over those that are over, at no cost', async () => {
    let resumed = 0
    for (let n = 0; n < 100; n++) wait({ resume: () => n === 99 && ++resumed > 0 })

    await turns(2)

    expect(resumed).to.equal(1)
  })

  it('lets a stream wait again while it goes on, for a later turn', async () => {
    let resumes = 0
    const again = {
      resume() {
        if (++resumes < 3) wait(again)
        return true
      },
    }

    wait(again)

    await turns(10)
    expect(resumes).to.equal(3)
  })
})
