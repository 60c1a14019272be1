import { expect } from 'chai'
import { Loop, type Readable } from '../../src/topics/loop.js'
import { latch } from '../support/latch.js'
import { turns } from '../support/until.js'

const end = { done: true, value: undefined }

/** Counts up when it is let; one call at a time, or it says so. */
class Counting implements Readable<number> {
  value = 0
  returned = 0
  #waits = false
  #over = latch<void>()

  async next(): Promise<IteratorResult<number>> {
    if (this.#waits) throw new Error('called twice at a time')
    this.#waits = true
    await Promise.race([turns(1), this.#over.promise])
    this.#waits = false
    return this.returned > 0 ? { done: true, value: undefined } : { done: false, value: ++this.value }
  }

  return(): undefined {
    this.returned++
    this.#over.open()
  }
}

describe('Loop', () => {
  it('asks for one value after the other, though it is asked for several', async () => {
    const loop = new Loop(new Counting(), undefined)

    const results = await Promise.all([loop.next(), loop.next(), loop.next()])

    expect(results.map(({ value }) => value)).to.deep.equal([1, 2, 3])
  })

  it('is left by leaving a for await', async () => {
    const counting = new Counting()
    for await (const value of new Loop(counting, undefined)) if (value === 2) break

    expect(counting.value).to.equal(2)
    expect(counting.returned).to.equal(1)
  })

  it('lets go what waits when it returns, also before it was asked for anything', async () => {
    const counting = new Counting()
    const loop = new Loop(counting, undefined)
    const waits = [loop.next(), loop.next()]

    expect(await loop.return()).to.deep.equal(end)
    expect(await Promise.all(waits)).to.deep.equal([end, end])
    expect(await new Loop(new Counting(), undefined).return()).to.deep.equal(end)
  })

  it('passes an error on, and goes on to whatever comes behind it', async () => {
    const failure = new Error('no')
    const results: (() => IteratorResult<number>)[] = [
      () => {
        throw failure
      },
    ]
    let returned = 0
    const loop = new Loop<number>(
      {
        next: () => results.shift()?.() ?? { done: true, value: undefined },
        return: () => {
          returned++
          return undefined
        },
      },
      undefined,
    )

    const [failed, after] = await Promise.allSettled([loop.next(), loop.next()])

    expect(failed).to.deep.equal({ status: 'rejected', reason: failure })
    expect(after).to.deep.equal({ status: 'fulfilled', value: end })
    expect(returned).to.be.at.least(1)
  })

  it('rejects its return with what the end of what it reads throws', async () => {
    const failure = new Error('no')
    const loop = new Loop<number>(
      { next: () => end as IteratorResult<number>, return: () => Promise.reject(failure) },
      undefined,
    )

    expect(await loop.return().catch(error => error)).to.equal(failure)
  })

  describe('with a signal', () => {
    it('ends when that fires, also while it waits, and whatever the end throws', async () => {
      const controller = new AbortController()
      const counting = new Counting()
      const loop = new Loop(counting, controller.signal)
      const waits = loop.next()
      const broken = new Loop<number>(
        { next: () => end as IteratorResult<number>, return: () => Promise.reject(new Error('no')) },
        controller.signal,
      )

      controller.abort()

      expect(await waits).to.deep.equal(end)
      expect(counting.returned).to.be.at.least(1)
      expect(await broken.next()).to.deep.equal(end)
    })

    it('ends at once if that has fired', async () => {
      const counting = new Counting()
      const loop = new Loop(counting, AbortSignal.abort())

      expect(await loop.next()).to.deep.equal(end)
      expect(counting.returned).to.be.at.least(1)
    })

    it('leaves no listener behind', async () => {
      let listeners = 0
      const signal = new (class extends EventTarget {
        readonly aborted = false
        override addEventListener() {
          listeners++
        }
        override removeEventListener() {
          listeners--
        }
      })() as unknown as AbortSignal
      const loop = new Loop(new Counting(), signal)
      expect(listeners).to.equal(1)

      await loop.return()

      expect(listeners).to.equal(0)
    })
  })
})
