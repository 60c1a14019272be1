import { expect } from 'chai'
import { Clock } from '../../sample/clock.js'

describe('Clock', () => {
  const clock = new Clock()

  async function failureOf(promise: Promise<unknown>): Promise<string> {
    return promise.then(
      () => 'none',
      (error: Error) => error.name,
    )
  }

  it('knows the time', () => {
    const before = Date.now()

    const now = clock.now().getTime()

    expect(now).to.be.within(before, Date.now())
  })

  it('sleeps, and wakes up at once when the signal fires', async () => {
    const controller = new AbortController()
    const { signal } = controller
    await clock.sleep(1, signal)
    const long = clock.sleep(60_000, signal)

    controller.abort()

    expect(await failureOf(long)).to.equal('AbortError')
  })

  it('gives the time at every interval, until the signal fires', async () => {
    const controller = new AbortController()
    const ticks = clock.every(1, controller.signal)
    const first = await ticks.next()
    const second = await ticks.next()
    const third = clock.every(60_000, controller.signal).next()

    controller.abort()

    expect(first.value).to.be.an.instanceOf(Date)
    expect(second.value.getTime()).to.be.at.least(first.value.getTime())
    expect(await failureOf(third)).to.equal('AbortError')
    expect(await failureOf(ticks.next())).to.equal('AbortError')
  })
})
