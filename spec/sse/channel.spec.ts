import { expect } from 'chai'
import fc from 'fast-check'
import { Channel } from 'okapi/sse'

const end = { done: true, value: undefined }

function value<T>(sent: T) {
  return { done: false, value: sent }
}

/** What became of promises once those that can have settled. */
async function settled(...promises: Promise<unknown>[]): Promise<unknown[]> {
  const results: unknown[] = promises.map(() => 'waits')
  promises.forEach((promise, n) => {
    promise.then(
      result => {
        results[n] = result
      },
      error => {
        results[n] = error
      },
    )
  })
  await new Promise(resolve => setImmediate(resolve))
  return results
}

async function all<T>(channel: Channel<T>): Promise<T[]> {
  const values: T[] = []
  for await (const sent of channel) values.push(sent)
  return values
}

describe('Channel', () => {
  for (const capacity of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`refuses a capacity of ${capacity}`, () => {
      expect(() => new Channel(capacity)).to.throw(
        RangeError,
        `The capacity of a channel is a whole number, 0 or more, not ${capacity}`,
      )
    })
  }

  it('holds 16 values unless told otherwise', () => {
    expect(new Channel().capacity).to.equal(16)
    expect(new Channel(100).capacity).to.equal(100)
  })

  // Would take longer than a spec may, if each of them moved all that wait behind it.
  it('bears a producer that waits for none of 200,000 sends', async () => {
    const channel = new Channel<number>(100_000)
    for (let n = 0; n < 200_000; n++) channel.send(n)
    expect(channel.size).to.equal(200_000)
    channel.close()

    const values = await all(channel)

    expect(values.length).to.equal(200_000)
    expect(values.every((sent, n) => sent === n)).to.equal(true)
  })

  it('gives values in the order in which they were sent, then ends', async () => {
    const channel = new Channel<number>()
    for (const n of [1, 2, 3]) channel.send(n)
    channel.close()

    expect(await all(channel)).to.deep.equal([1, 2, 3])
  })

  it('hands a value to a reader that waits, whatever its capacity', async () => {
    const channel = new Channel<string>(0)
    const reader = channel[Symbol.asyncIterator]()
    const [first, second] = [reader.next(), reader.next()]

    expect(channel.trySend('a')).to.equal(true)
    expect(await channel.send('b')).to.equal(true)

    expect(await first).to.deep.equal(value('a'))
    expect(await second).to.deep.equal(value('b'))
    expect(channel.size).to.equal(0)
  })

  it('brings all values through in order, for any capacity and any mix of sending and reading', async () => {
    const steps = fc.array(fc.constantFrom('send', 'try', 'read'), { maxLength: 60 })

    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 4 }), steps, async (capacity, mix) => {
        const channel = new Channel<number>(capacity)
        const reader = channel[Symbol.asyncIterator]()
        const reads: Promise<IteratorResult<number, undefined>>[] = []
        const sends: Promise<boolean>[] = []
        const sent: number[] = []

        mix.forEach((step, n) => {
          if (step === 'read') reads.push(reader.next())
          else if (step === 'send') sends.push(channel.send(n))
          if (step === 'send' || (step === 'try' && channel.trySend(n))) sent.push(n)
        })
        channel.close()

        for (let n = reads.length; n <= sent.length; n++) reads.push(reader.next())
        const read = (await Promise.all(reads)).filter(({ done }) => !done).map(result => result.value)
        expect(read).to.deep.equal(sent)
        expect(await Promise.all(sends)).to.not.include(false)
      }),
    )
  })

  describe('When it is full', () => {
    it('takes no value without waiting', () => {
      const channel = new Channel<number>(2)

      expect([channel.trySend(1), channel.trySend(2), channel.trySend(3)]).to.deep.equal([true, true, false])
      expect(channel.size).to.equal(2)
    })

    it('lets a sender wait until there is room', async () => {
      const channel = new Channel<number>(1)
      const reader = channel[Symbol.asyncIterator]()
      const sends = [channel.send(1), channel.send(2), channel.send(3)]

      expect(await settled(...sends)).to.deep.equal([true, 'waits', 'waits'])
      expect(channel.size).to.equal(3)

      expect(await reader.next()).to.deep.equal(value(1))
      expect(await settled(...sends)).to.deep.equal([true, true, 'waits'])
      expect(await reader.next()).to.deep.equal(value(2))
      expect(await reader.next()).to.deep.equal(value(3))
      expect(await settled(...sends)).to.deep.equal([true, true, true])
    })

    it('lets each sender wait for a reader if it holds nothing at all', async () => {
      const channel = new Channel<number>(0)
      const reader = channel[Symbol.asyncIterator]()
      const sends = [channel.send(1), channel.send(2)]

      expect(channel.trySend(3)).to.equal(false)
      expect(await settled(...sends)).to.deep.equal(['waits', 'waits'])

      expect(await reader.next()).to.deep.equal(value(1))
      expect(await settled(...sends)).to.deep.equal([true, 'waits'])
    })
  })

  describe('close()', () => {
    it('ends the channel behind what was sent, by senders that wait too', async () => {
      const channel = new Channel<number>(1)
      const sends = [channel.send(1), channel.send(2)]

      channel.close()

      expect(channel.closed).to.equal(true)
      expect(await all(channel)).to.deep.equal([1, 2])
      expect(await Promise.all(sends)).to.deep.equal([true, true])
    })

    it('ends a read that waits', async () => {
      const channel = new Channel<number>()
      const reader = channel[Symbol.asyncIterator]()
      const reads = [reader.next(), reader.next()]

      channel.close()

      expect(await Promise.all(reads)).to.deep.equal([end, end])
    })

    it('lets nothing more be sent, and says so', async () => {
      const channel = new Channel<number>()

      channel.close()

      expect(channel.trySend(1)).to.equal(false)
      expect(await channel.send(1)).to.equal(false)
      expect(await all(channel)).to.deep.equal([])
    })

    it('does nothing the second time', async () => {
      const channel = new Channel<number>()
      let closes = 0
      channel.onClose(() => closes++)

      channel.close()
      channel.close()
      channel.fail(new Error('late'))

      expect(closes).to.equal(1)
      expect(await all(channel)).to.deep.equal([])
    })
  })

  describe('fail()', () => {
    it('ends the channel with the error, behind what was sent', async () => {
      const channel = new Channel<number>(1)
      const reader = channel[Symbol.asyncIterator]()
      const error = new Error('broken')
      channel.send(1)
      channel.send(2)

      channel.fail(error)

      expect(channel.closed).to.equal(true)
      expect(channel.trySend(3)).to.equal(false)
      expect(await settled(reader.next(), reader.next(), reader.next(), reader.next())).to.deep.equal([
        value(1),
        value(2),
        error,
        end,
      ])
    })

    it('ends a read that waits with the error, and further ones without', async () => {
      const channel = new Channel<number>()
      const reader = channel[Symbol.asyncIterator]()
      const error = new Error('broken')
      const reads = [reader.next(), reader.next()]

      channel.fail(error)

      expect(await settled(...reads, reader.next())).to.deep.equal([error, end, end])
    })
  })

  describe('When its reader leaves', () => {
    it('is closed, and lets go of every sender with false', async () => {
      const channel = new Channel<number>(1)
      const sends = [channel.send(1), channel.send(2), channel.send(3)]

      for await (const _ of channel) break

      expect(channel.closed).to.equal(true)
      expect(await settled(...sends, channel.send(4))).to.deep.equal([true, true, false, false])
    })

    it('loses the values it held', async () => {
      const channel = new Channel<number>()
      const reader = channel[Symbol.asyncIterator]()
      channel.send(1)

      expect(await reader.return?.()).to.deep.equal(end)

      expect(channel.size).to.equal(0)
      expect(await reader.next()).to.deep.equal(end)
    })

    it('ends a read of the same reader that waits', async () => {
      const channel = new Channel<number>()
      const reader = channel[Symbol.asyncIterator]()
      const read = reader.next()

      await reader.return?.()

      expect(await read).to.deep.equal(end)
    })

    it('lets go of senders that were left when it was closed before', async () => {
      const channel = new Channel<number>(0)
      const send = channel.send(1)
      channel.close()

      await channel[Symbol.asyncIterator]().return?.()

      expect(await send).to.equal(false)
    })
  })

  describe('onClose()', () => {
    it('calls all, also behind one that throws, and lets waiting senders go', async () => {
      const channel = new Channel<number>(0)
      const calls: string[] = []
      channel.onClose(() => {
        calls.push('first')
        throw new Error('first')
      })
      channel.onClose(() => calls.push('second'))
      channel.onClose(() => {
        calls.push('third')
        throw new Error('third')
      })
      const reader = channel[Symbol.asyncIterator]()
      const sent = channel.send(1)

      const left = await reader.return?.().catch((error: Error) => error.message)

      expect(calls).to.deep.equal(['first', 'second', 'third'])
      expect(await sent).to.equal(false)
      expect(left).to.equal('third')
    })

    it('calls back once, in turn, for whatever reason the channel closes', async () => {
      const closings: ((channel: Channel<number>) => unknown)[] = [
        channel => channel.close(),
        channel => channel.fail(new Error('broken')),
        channel => channel[Symbol.asyncIterator]().return?.(),
      ]

      for (const closing of closings) {
        const channel = new Channel<number>()
        const calls: string[] = []
        channel.onClose(() => calls.push('first'))
        channel.onClose(() => calls.push('second'))
        expect(calls).to.deep.equal([])

        await closing(channel)

        expect(calls).to.deep.equal(['first', 'second'])
      }
    })

    it('calls back at once if the channel has closed', () => {
      const channel = new Channel<number>()
      channel.close()
      let called = false

      channel.onClose(() => {
        called = true
      })

      expect(called).to.equal(true)
    })
  })
})
