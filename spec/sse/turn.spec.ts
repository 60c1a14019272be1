import { expect } from 'chai'
import { spend, wait } from '../../src/sse/turn.js'
import { turns } from '../support/until.js'

/** How much one stream may send in full batches before it has to wait for another turn. */
function allowance(batch: number): number {
  for (let characters = batch; characters < 1e9; characters += batch) if (!spend(batch)) return characters
  throw new Error('There is no end to it')
}

describe('A turn of the event loop', () => {
  beforeEach(() => turns(2))

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

  it('lets streams go on in the order in which they began to wait, and not all at once', async () => {
    const resumed: number[] = []
    for (let n = 0; n < 20; n++) wait({ resume: () => resumed.push(n) })
    expect(resumed).to.deep.equal([])

    await turns(2)
    const early = resumed.length
    await turns(20)

    expect(early).to.be.within(1, 19)
    expect(resumed).to.deep.equal(Array.from({ length: 20 }, (_, n) => n))
  })

  it('sends a stream behind those that wait, however little it has sent', async () => {
    wait({ resume() {} })

    expect(spend(1)).to.equal(false)

    await turns(2)
    expect(spend(1)).to.equal(true)
  })

  it('lets a stream wait again while it goes on, for a later turn', async () => {
    let resumes = 0
    const again = {
      resume() {
        if (++resumes < 3) wait(again)
      },
    }

    wait(again)

    await turns(10)
    expect(resumes).to.equal(3)
  })
})
