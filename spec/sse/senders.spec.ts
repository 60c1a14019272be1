import { expect } from 'chai'
import { Senders } from '../../src/sse/senders.js'

describe('Senders', () => {
  it('wait until there is room, all of them', async () => {
    const senders = new Senders()
    const waiting = [senders.wait(), senders.wait()]
    expect(senders.size).to.equal(2)

    senders.resolve()

    expect(await Promise.all(waiting)).to.deep.equal([undefined, undefined])
    expect(senders.size).to.equal(0)
  })

  it('are refused together when there will be none', async () => {
    const senders = new Senders()
    const waiting = [senders.wait(), senders.wait()]
    const error = new Error('over')

    senders.reject(error)

    const settled = await Promise.allSettled(waiting)
    expect(settled.map(each => each.status === 'rejected' && each.reason)).to.deep.equal([error, error])
    expect(senders.size).to.equal(0)
  })

  it('may wait again while others are let go', async () => {
    const senders = new Senders()
    let again: Promise<void> | undefined
    const first = senders.wait().then(() => {
      again = senders.wait()
    })

    senders.resolve()
    await first

    expect(senders.size).to.equal(1)
    senders.resolve()
    await again
  })
})
