import { PassThrough, Readable } from 'node:stream'
import { expect } from 'chai'
import { Channel } from 'okapi/sse'
import { Subject } from 'rxjs'
import { dismiss, isThenable, type Source, toSource } from '../../src/sse/source.js'

function sourceOf(value: unknown): Source {
  const source = toSource(value)
  if (source === undefined) throw new Error('No source')
  return source
}

async function read(source: Source): Promise<unknown[]> {
  const values: unknown[] = []
  for (;;) {
    const result = await source.next()
    if (result.done) return values
    values.push(result.value)
  }
}

/** The error of a promise that rejects. */
async function failure(promise: unknown): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It did not reject')
}

describe('toSource', () => {
  it('finds no source in what is no object, a string neither', () => {
    for (const value of [undefined, null, 'text', 7, true, () => [1]]) expect(toSource(value)).to.equal(undefined)
  })

  it('finds no source in bytes, which would be sent one by one', () => {
    for (const bytes of [Buffer.from('hey'), new Uint8Array(2), new DataView(new ArrayBuffer(1))]) {
      expect(toSource(bytes)).to.equal(undefined)
    }
  })

  it('finds no source in an object that cannot be iterated', () => {
    expect(toSource({})).to.equal(undefined)
    expect(toSource({ next: () => ({ done: true }) })).to.equal(undefined)
    expect(toSource(Promise.resolve([1]))).to.equal(undefined)
  })

  describe('An async generator', () => {
    it('is read to its end', async () => {
      async function* numbers() {
        yield 1
        yield 2
      }

      expect(await read(sourceOf(numbers()))).to.deep.equal([1, 2])
    })

    it('runs its finally when it is told to stop', async () => {
      let ended = false
      async function* numbers() {
        try {
          for (let n = 0; ; n++) yield n
        } finally {
          ended = true
        }
      }
      const source = sourceOf(numbers())
      await source.next()

      await source.return?.()

      expect(ended).to.equal(true)
    })
  })

  it('reads any other async iterable: a Channel', async () => {
    const channel = new Channel<number>()
    channel.send(1)
    channel.close()

    expect(await read(sourceOf(channel))).to.deep.equal([1])
  })

  it('is not misled by names that others use for something else', () => {
    const stopped: string[] = []
    const own = (name: string) => ({ next: () => ({ done: true }), return: () => stopped.push(name) })
    const values = [
      { getReader: true, [Symbol.asyncIterator]: () => own('getReader') },
      { pipe() {}, [Symbol.asyncIterator]: () => own('pipe') },
      { pipe() {}, destroy: true, [Symbol.asyncIterator]: () => own('destroy') },
      { destroy() {}, [Symbol.asyncIterator]: () => own('no pipe') },
    ]

    for (const value of values) sourceOf(value).return?.()

    expect(stopped).to.deep.equal(['getReader', 'pipe', 'destroy', 'no pipe'])
    expect(toSource({ pipe() {}, destroy() {} })).to.equal(undefined)
  })

  describe('An iterable', () => {
    it('is read without waiting', () => {
      const source = sourceOf(new Set(['a']))

      expect(source.next()).to.deep.equal({ done: false, value: 'a' })
      expect(source.next()).to.deep.equal({ done: true, value: undefined })
    })

    it('need not know how to stop', () => {
      expect(sourceOf([1]).return?.()).to.deep.equal(undefined)
    })

    it('runs its finally when it is told to stop', () => {
      let ended = false
      function* numbers() {
        try {
          yield 1
        } finally {
          ended = true
        }
      }
      const source = sourceOf(numbers())
      source.next()

      source.return?.()

      expect(ended).to.equal(true)
    })

    it('may hold promises, which are waited for', async () => {
      expect(await read(sourceOf([Promise.resolve(1), 2, Promise.resolve(3)]))).to.deep.equal([1, 2, 3])
    })

    it('does not wait for what a generator returns', () => {
      const returned = Promise.resolve(1)
      // biome-ignore lint/correctness/useYield: a generator that ends at once
      function* nothing() {
        return returned
      }

      expect(sourceOf(nothing()).next()).to.deep.equal({ done: true, value: returned })
    })

    it('fails with a promise that rejects, and runs its finally', async () => {
      const error = new Error('broken')
      let ended = false
      function* promises() {
        try {
          yield Promise.reject(error)
        } finally {
          ended = true
        }
      }

      expect(await failure(sourceOf(promises()).next())).to.equal(error)

      expect(ended).to.equal(true)
    })

    it('fails with a promise that rejects, whatever its finally throws', async () => {
      const error = new Error('broken')
      function* promises() {
        try {
          yield Promise.reject(error)
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case
          throw new Error('worse')
        }
      }

      expect(await failure(sourceOf(promises()).next())).to.equal(error)
      expect(await failure(sourceOf([Promise.reject(error)]).next())).to.equal(error)
    })
  })

  describe('A web ReadableStream', () => {
    it('is read to its end', async () => {
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue('a')
          controller.enqueue('b')
          controller.close()
        },
      })

      expect(await read(sourceOf(stream))).to.deep.equal(['a', 'b'])
    })

    it('is cancelled when it is told to stop, which ends a read that waits', async () => {
      let cancelled = false
      const stream = new ReadableStream({
        cancel() {
          cancelled = true
        },
      })
      const source = sourceOf(stream)
      const next = source.next()

      await source.return?.()

      expect(cancelled).to.equal(true)
      expect(await next).to.deep.equal({ done: true, value: undefined })
    })

    it('throws when somebody else reads it', () => {
      const stream = new ReadableStream()
      stream.getReader()

      expect(() => toSource(stream)).to.throw(TypeError, 'locked')
    })
  })

  describe('A Node Readable', () => {
    it('is read to its end', async () => {
      expect(await read(sourceOf(Readable.from(['a', 'b'])))).to.deep.equal(['a', 'b'])
    })

    it('fails with its error', async () => {
      const error = new Error('broken')
      const stream = new PassThrough()
      const source = sourceOf(stream)
      const next = source.next()

      stream.destroy(error)

      expect(await failure(next)).to.equal(error)
    })

    it('fails when somebody else destroys it', async () => {
      const stream = new PassThrough()
      const next = sourceOf(stream).next()

      stream.destroy()

      expect(await failure(next)).to.include({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    })

    it('is destroyed when it is told to stop, which ends a read that waits', async () => {
      const stream = new PassThrough()
      const source = sourceOf(stream)
      const next = source.next()

      source.return?.()

      expect(stream.destroyed).to.equal(true)
      expect(await next).to.deep.equal({ done: true, value: undefined })
    })

    it('still fails when it was told to stop, and could not', async () => {
      const error = new Error('broken')
      const stream = new Readable({
        read() {},
        destroy(_, done) {
          done(error)
        },
      })
      const source = sourceOf(stream)
      const next = source.next()

      source.return?.()

      expect(await failure(next)).to.equal(error)
    })
  })

  describe('An Observable', () => {
    it('is subscribed to, until it is told to stop', async () => {
      const subject = new Subject<number>()
      const source = sourceOf(subject)
      subject.next(1)

      expect(await source.next()).to.deep.equal({ done: false, value: 1 })

      await source.return?.()
      expect(subject.observed).to.equal(false)
    })
  })
})

describe('dismiss', () => {
  it('closes a channel that nobody will read, so that its producer stops', async () => {
    const channel = new Channel<number>(0)
    const send = channel.send(1)

    dismiss(channel)

    expect(channel.closed).to.equal(true)
    expect(await send).to.equal(false)
  })

  it('ends a generator without running it', async () => {
    let ran = false
    async function* numbers() {
      ran = true
      yield 1
    }
    const generator = numbers()

    dismiss(generator)

    expect(await generator.next()).to.deep.equal({ done: true, value: undefined })
    expect(ran).to.equal(false)
  })

  it('destroys a Node Readable, and leaves an Observable without a subscriber', () => {
    const readable = new PassThrough()
    const subject = new Subject()
    let subscribed = 0
    subject.subscribe = () => {
      subscribed++
      throw new Error('Nobody reads')
    }

    dismiss(readable)
    dismiss(subject)

    expect(readable.destroyed).to.equal(true)
    expect(subscribed).to.equal(0)
  })

  it('does not mind a value that cannot be told, or answers with an error', async () => {
    const locked = new ReadableStream()
    locked.getReader()
    const failing = {
      [Symbol.asyncIterator]: () => ({ next: () => ({}), return: () => Promise.reject(new Error('broken')) }),
    }

    for (const value of [locked, failing, {}, [1]]) dismiss(value)

    await new Promise(resolve => setImmediate(resolve))
  })
})

describe('isThenable', () => {
  it('knows a promise, and everything else that has a then()', () => {
    expect(isThenable(Promise.resolve())).to.equal(true)
    // biome-ignore lint/suspicious/noThenProperty: that is the case
    expect(isThenable({ then() {} })).to.equal(true)
  })

  it('knows that anything else is none', () => {
    // biome-ignore lint/suspicious/noThenProperty: that is the case
    for (const value of [undefined, null, 'then', {}, { then: 1 }]) expect(isThenable(value)).to.equal(false)
  })
})
