import { expect } from 'chai'
import fc from 'fast-check'
import { Queue } from '../../src/sse/queue.js'

describe('Queue', () => {
  it('gives its items in the order in which they came, and then nothing', () => {
    const queue = new Queue<string>()
    for (const item of ['a', 'b', 'c']) queue.push(item)

    expect([queue.take(), queue.take(), queue.take(), queue.take()]).to.deep.equal(['a', 'b', 'c', undefined])
  })

  it('gives all that are left at once, in their order', () => {
    const queue = new Queue<string>()
    for (const item of ['a', 'b', 'c']) queue.push(item)
    queue.take()
    queue.push('d')

    expect(queue.takeAll()).to.deep.equal(['b', 'c', 'd'])
    expect([queue.size, queue.take()]).to.deep.equal([0, undefined])
  })

  it('is what an array is, whatever is done to it', () => {
    const steps = fc.array(fc.constantFrom<'push' | 'take' | 'takeAll'>('push', 'push', 'take', 'takeAll'))

    fc.assert(
      fc.property(steps, given => {
        const queue = new Queue<number>()
        const array: number[] = []
        for (const [n, step] of given.entries()) {
          if (step === 'push') {
            queue.push(n)
            array.push(n)
          } else if (step === 'take') expect(queue.take()).to.equal(array.shift())
          else expect(queue.takeAll()).to.deep.equal(array.splice(0))
          expect(queue.size).to.equal(array.length)
        }
      }),
    )
  })
})
