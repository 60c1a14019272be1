import { getEventListeners } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import {
  Channel,
  EventFieldError,
  EventWriter,
  event,
  OverflowError,
  type PipeOptions,
  SerializationError,
  ServerSentEvent,
  StreamClosedError,
  type StreamOptions,
} from 'okapi/sse'
import { Subject } from 'rxjs'
import { latch } from '../support/latch.js'
import { closeServers } from '../support/listen.js'
import { parse } from '../support/parse.js'
import { DONE, FAILED, never, streaming } from '../support/streaming.js'
import { settles, turns, until } from '../support/until.js'
import { ask, leaveAll, type Wire } from '../support/wire.js'

type Task = (writer: EventWriter) => Promise<unknown>

/** Every request gets a stream that the task sends. */
function written(task: Task, options: StreamOptions = {}) {
  return streaming(stream => stream.follow(task(new EventWriter(stream))), options)
}

/** The whole stream that the task sends. */
async function whole(task: Task, options: StreamOptions = {}): Promise<Wire> {
  const { port } = await written(task, options)
  const wire = ask(port)
  await wire.ends()
  return wire
}

/** What a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It did not reject')
}

describe('EventWriter', () => {
  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  it('has a call for every kind of event', async () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)

    const wire = await whole(async writer => {
      await writer.data({ n: 1 })
      await writer.data(event('own', 2))
      await writer.json('three', { id: '3' })
      await writer.text('four\nlines', { id: '4' })
      await writer.binary(png, { id: '5' })
      await writer.event('six', 6, { id: '6', retry: 7 })
      await writer.event('bare')
      await writer.custom(8, { serialize: data => `<${data}>` }, { comment: 'own' })
      await writer.comment('nine')
    })

    expect(wire.chunks).to.deep.equal([
      [
        'data: {"n":1}\n\n',
        'event: own\ndata: 2\n\n',
        'id: 3\ndata: "three"\n\n',
        'id: 4\ndata: four\ndata: lines\n\n',
        'id: 5\ndata: iVBORw==\n\n',
        'id: 6\nevent: six\nretry: 7\ndata: 6\n\n',
        'event: bare\ndata: \n\n',
        ': own\ndata: <8>\n\n',
        ': nine\n\n',
        DONE,
      ].join(''),
      '',
    ])
  })

  it('sends data through the serializer of the stream', async () => {
    const serializer = { serialize: (data: unknown) => `<${data}>` }

    const wire = await whole(
      async writer => {
        await writer.data(1)
        await writer.text('plain')
      },
      { serializer, end: false },
    )

    expect(wire.chunks).to.deep.equal(['data: <1>\n\ndata: plain\n\n', ''])
  })

  it('gives ids like any other stream', async () => {
    const wire = await whole(writer => writer.data(1), { ids: 'uuid', end: false })

    expect(wire.chunks.join('')).to.match(/^id: [0-9a-f-]{36}\ndata: 1\n\n$/)
  })

  it('sends at once what is sent before a wait', async () => {
    const next = latch()
    const { port } = await written(async writer => {
      await writer.data(1)
      await next.promise
      await writer.data(2)
    })
    const wire = ask(port)

    await wire.sees('data: 1')
    next.open()
    await wire.ends()

    expect(wire.chunks).to.deep.equal(['data: 1\n\n', `data: 2\n\n${DONE}`, ''])
  })

  it('refuses a field that would break the stream where it is called', async () => {
    const wire = await whole(async writer => {
      expect(() => writer.event('a\nb')).to.throw(EventFieldError)
      expect(() => writer.text('a', { id: '\0' })).to.throw(EventFieldError)
      await writer.data('fine')
    })

    expect(wire.chunks).to.deep.equal([`data: fine\n\n${DONE}`, ''])
  })

  it('rejects a call whose data has no text, and sends nothing of it', async () => {
    const errors: unknown[] = []

    const wire = await whole(async writer => {
      errors.push(await failure(writer.event('big', 1n, { id: '1' })))
      await writer.data('fine')
    })

    expect(errors[0]).to.be.instanceOf(SerializationError)
    expect(wire.chunks).to.deep.equal([`data: fine\n\n${DONE}`, ''])
  })

  it('ends the stream with an error when a rejected call is not caught', async () => {
    const wire = await whole(async writer => {
      await writer.data('fine')
      await writer.data(1n)
    })

    expect(wire.chunks).to.deep.equal([`data: fine\n\n${FAILED}`, ''])
  })

  describe('With a client that reads slowly', () => {
    const [count, line] = [200, 'x'.repeat(50_000)]

    it('lets a call wait until there is room', async () => {
      let sent = 0
      const { port } = await written(async writer => {
        for (; sent < count; sent++) await writer.text(line)
      })
      const wire = ask(port).pause()
      await settles(() => sent)
      expect(sent).to.be.below(count)

      wire.resume()
      await wire.ends()

      expect(parse(wire.chunks.join('')).events).to.have.length(count + 1)
    })

    it('lets every waiting call go when the client leaves', async () => {
      const refused: unknown[] = []
      let sent = 0
      const { port, host } = await written(async writer => {
        try {
          for (;;) {
            await writer.text(line)
            sent++
          }
        } catch (error) {
          refused.push(error)
        }
      })
      const wire = ask(port).pause()
      await settles(() => sent)

      wire.leave()
      await until(() => refused.length === 1)

      expect(refused[0]).to.be.instanceOf(StreamClosedError)
      expect(host.logged).to.deep.equal([])
    })

    it('ends with an OverflowError when nobody awaits the calls, and disturbs no one else', async () => {
      const told: unknown[] = []
      const stop = latch()
      const { port, host } = await written(
        async writer => {
          writer.data('begun')
          await turns(2)
          for (let n = 0; n < 2_000; n++) writer.text(line)
          await stop.promise
        },
        { onError: error => void told.push(error) },
      )
      const wire = ask(port).pause()
      await until(() => told.length > 0)

      wire.resume()
      await wire.ends()

      expect(told[0]).to.be.instanceOf(OverflowError)
      expect((told[0] as Error).message).to.equal(
        '1048576 characters wait for a slow client: await each call, or send less',
      )
      expect(host.logged).to.have.length(1)
      expect(wire.chunks.join('').endsWith(FAILED)).to.equal(true)
      stop.open()
    })
  })

  describe('When the client has left', () => {
    it('rejects every call with a StreamClosedError, which ends a method that does not catch it', async () => {
      const [ended, left] = [latch<unknown>(), latch()]
      const { port, host } = await written(async writer => {
        await writer.data(1)
        await left.promise
        expect(writer.closed).to.equal(true)
        const refused = writer.data(2)
        ended.open(await failure(refused))
        await refused
      })
      const wire = ask(port)
      await wire.sees('data: 1')

      wire.leave()
      await until(() => host.over.length === 1)
      left.open()

      expect(await ended.promise).to.be.instanceOf(StreamClosedError)
      await turns(3)
      expect(host.logged).to.deep.equal([])
    })

    it('disturbs no one with calls that nobody awaits', async () => {
      const rejections: unknown[] = []
      const onRejection = (reason: unknown) => void rejections.push(reason)
      process.on('unhandledRejection', onRejection)
      const [left, ended] = [latch(), latch()]
      const { port, host } = await written(async writer => {
        writer.data(1)
        writer.pipe(new Channel())
        await left.promise
        writer.data(2)
        writer.data(3n)
        writer.pipe(['a'])
        await turns(2)
        ended.open()
      })
      const wire = ask(port)
      await wire.sees('data: 1')

      wire.leave()
      await until(() => host.over.length === 1)
      left.open()
      await ended.promise
      await turns(2)
      process.off('unhandledRejection', onRejection)

      expect(rejections).to.deep.equal([])
    })

    it('is open before that', async () => {
      const wire = await whole(async writer => writer.data(writer.closed))

      expect(wire.chunks).to.deep.equal([`data: false\n\n${DONE}`, ''])
    })
  })

  describe('pipe()', () => {
    /** Sends what is piped, between two calls. */
    function between(values: () => object, options?: PipeOptions): Task {
      return async writer => {
        await writer.data('before')
        await writer.pipe(values() as Iterable<unknown>, options)
        await writer.data('behind')
      }
    }

    it('sends everything a source gives, and resolves when it ends', async () => {
      async function* numbers() {
        yield 1
        await turns(1)
        yield event('two', 2)
      }
      const channel = new Channel<string>()
      channel.send('c')
      channel.close()
      const sources: [() => object, string][] = [
        [numbers, 'data: 1\n\nevent: two\ndata: 2\n\n'],
        [() => ['a', Promise.resolve('b')], 'data: a\n\ndata: b\n\n'],
        [() => channel, 'data: c\n\n'],
        [() => [], ''],
      ]

      for (const [values, text] of sources) {
        const wire = await whole(between(values), { end: false })

        expect(wire.chunks.join('')).to.equal(`data: before\n\n${text}data: behind\n\n`)
      }
    })

    it('sends an Observable until it completes', async () => {
      const subject = new Subject<number>()
      const { port } = await written(between(() => subject))
      const wire = ask(port)
      await wire.sees('before')

      subject.next(1)
      await wire.sees('data: 1\n\n')
      subject.complete()
      await wire.ends()

      expect(wire.chunks).to.deep.equal(['data: before\n\n', 'data: 1\n\n', `data: behind\n\n${DONE}`, ''])
    })

    it('leaves a source alone that has ended by itself', async () => {
      let returned = 0
      const values = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: true as const, value: undefined }),
          return() {
            returned++
            return { done: true as const, value: undefined }
          },
        }),
      }

      await whole(writer => writer.pipe(values))

      expect(returned).to.equal(0)
    })

    it('listens to the signal of the stream no longer than the source lasts', async () => {
      const { port, streams } = await written(async writer => {
        for (let n = 0; n < 3; n++) await writer.pipe(['a'])
        await never
      })
      await ask(port).sees('data: a\n\ndata: a\n\ndata: a\n\n')

      const [stream] = streams
      expect(stream && getEventListeners(stream.signal, 'abort')).to.deep.equal([])
    })

    it('refuses what is no source', async () => {
      const errors: unknown[] = []
      const wire = await whole(async writer => {
        errors.push(await failure(writer.pipe('text' as unknown as Iterable<string>)))
      })

      expect(errors[0]).to.be.instanceOf(TypeError)
      expect((errors[0] as Error).message).to.equal('stream.pipe() takes a channel, a generator, or another iterable')
      expect(wire.chunks).to.deep.equal([DONE, ''])
    })

    it('rejects with what the source throws', async () => {
      const error = new Error('broken')
      const errors: unknown[] = []
      const wire = await whole(async writer => {
        errors.push(
          await failure(
            writer.pipe(
              (function* () {
                yield 1
                throw error
              })(),
            ),
          ),
        )
        await writer.data('fine')
      })

      expect(errors).to.deep.equal([error])
      expect(wire.chunks).to.deep.equal([`data: 1\n\ndata: fine\n\n${DONE}`, ''])
    })

    it('goes at the pace of the client', async () => {
      const count = 200
      let asked = 0
      const { port } = await written(writer =>
        writer.pipe(
          (function* () {
            for (; asked < count; asked++) yield 'x'.repeat(50_000)
          })(),
        ),
      )
      const wire = ask(port).pause()
      await settles(() => asked)
      expect(asked).to.be.below(count)

      wire.resume()
      await wire.ends()

      expect(parse(wire.chunks.join('')).events).to.have.length(count + 1)
    })

    describe('Its options', () => {
      it('bring a serializer, for as long as the source lasts', async () => {
        const serializer = { serialize: (data: unknown) => `<${data}>` }

        const wire = await whole(
          between(() => [1], { serializer }),
          { end: false },
        )

        expect(wire.chunks).to.deep.equal(['data: before\n\ndata: <1>\n\ndata: behind\n\n', ''])
      })

      it('bring an onError, in place of that of the stream', async () => {
        const onError = () => 'end' as const
        const values = () => [1, 2n, 3]

        const skipped = await whole(between(values, { onError: () => 'skip' }), { onError, end: false })
        const replaced = await whole(
          between(values, { onError: (_, { value }) => new ServerSentEvent({ data: `${value}n` }) }),
          { onError, end: false },
        )

        expect(skipped.chunks.join('')).to.equal('data: before\n\ndata: 1\n\ndata: 3\n\ndata: behind\n\n')
        expect(replaced.chunks.join('')).to.equal('data: before\n\ndata: 1\n\ndata: 2n\n\ndata: 3\n\ndata: behind\n\n')
      })

      it('leave the onError of the stream where they bring none', async () => {
        const wire = await whole(
          between(() => [1, 2n, 3]),
          { onError: () => 'skip', end: false },
        )

        expect(wire.chunks.join('')).to.equal('data: before\n\ndata: 1\n\ndata: 3\n\ndata: behind\n\n')
      })

      it('are refused if they make no sense, before anything is read', async () => {
        const refused: string[] = []
        await whole(async writer => {
          for (const options of [{ pingInterval: 2 ** 40 }, { pingIntervall: 5 }, { serializer: {} }]) {
            await writer.pipe(['a'], options as object).catch((error: Error) => refused.push(error.message))
          }
        })

        expect(refused.map(message => /pingIntervall|pingInterval|serializer/.exec(message)?.[0])).to.deep.equal([
          'pingInterval',
          'pingIntervall',
          'serializer',
        ])
      })

      it('bring a pingInterval, for as long as the source lasts', async () => {
        const channel = new Channel<number>()
        const { port, streams } = await written(
          async writer => {
            await writer.data('before')
            await writer.pipe(channel, { pingInterval: 8 })
            await never
          },
          { pingInterval: 5_000 },
        )
        const wire = ask(port)
        await wire.sees('before')
        await wire.sees(': ping\n\n')
        expect(streams[0]?.pingInterval).to.equal(8)

        channel.close()
        await turns(3)

        expect(streams[0]?.pingInterval).to.equal(5_000)
      })
    })

    it('ends the source, and rejects, when a value has no text', async () => {
      let ended = false
      const errors: unknown[] = []
      const { port } = await written(async writer => {
        const values = (function* () {
          try {
            yield 1
            yield 2n
          } finally {
            ended = true
          }
        })()
        errors.push(await failure(writer.pipe(values)))
        throw errors[0]
      })
      const wire = ask(port)

      await wire.ends()

      expect(errors[0]).to.be.instanceOf(SerializationError)
      expect(ended).to.equal(true)
      expect(wire.chunks).to.deep.equal([`data: 1\n\n${FAILED}`, ''])
    })

    describe('When the client leaves', () => {
      it('lets a channel go that waits for values, and rejects', async () => {
        const channel = new Channel<number>()
        const rejected = latch<unknown>()
        const { port, host } = await written(async writer => {
          await writer.data('before')
          await writer.pipe(channel).catch(rejected.open)
        })
        const wire = ask(port)
        await wire.sees('before')

        wire.leave()

        expect(await rejected.promise).to.be.instanceOf(StreamClosedError)
        expect(channel.closed).to.equal(true)
        expect(host.logged).to.deep.equal([])
      })

      it('lets a producer go that waits for room', async () => {
        const channel = new Channel<string>(1)
        let sent = 0
        const stopped = latch()
        const { port } = await written(async writer => {
          const producer = (async () => {
            while (await channel.send('x'.repeat(50_000))) sent++
            stopped.open()
          })()
          await writer.pipe(channel)
          await producer
        })
        const wire = ask(port).pause()
        await settles(() => sent)

        wire.leave()

        await stopped.promise
      })

      it('rejects though the source is parked in an await of its own', async () => {
        const parked = latch()
        const rejected = latch<unknown>()
        const { port } = await written(async writer => {
          await writer
            .pipe(
              (async function* () {
                yield 1
                await parked.promise
              })(),
            )
            .catch(rejected.open)
        })
        const wire = ask(port)
        await wire.sees('data: 1')

        wire.leave()

        expect(await rejected.promise).to.be.instanceOf(StreamClosedError)
        parked.fail(new Error('too late'))
        await turns(3)
      })

      it('does not mind what the finally of a source throws', async () => {
        const errors: unknown[] = []
        const rejected = latch<unknown>()
        const { port } = await written(async writer => {
          const values = (function* () {
            try {
              yield 'a'
              yield never
            } finally {
              errors.push('thrown')
              // biome-ignore lint/correctness/noUnsafeFinally: that is the case
              throw new Error('broken')
            }
          })()
          await writer.pipe(values).catch(rejected.open)
        })
        const wire = ask(port)
        await wire.sees('data: a')

        wire.leave()

        expect(await rejected.promise).to.be.instanceOf(StreamClosedError)
        expect(errors).to.deep.equal(['thrown'])
      })

      it('destroys a Node Readable', async () => {
        const readable = new PassThrough()
        const { port } = await written(async writer => {
          await writer.data('before')
          await writer.pipe(readable)
        })
        const wire = ask(port)
        await wire.sees('before')

        wire.leave()

        await until(() => readable.destroyed)
      })
    })

    it('rejects at once on a stream that is over, and reads nothing', async () => {
      const [left, rejected] = [latch(), latch<unknown>()]
      let [asked, returned] = [0, 0]
      const { port, host } = await written(async writer => {
        await writer.data(1)
        await left.promise
        const values = {
          [Symbol.iterator]: () => ({
            next: () => ({ done: false as const, value: asked++ }),
            return() {
              returned++
              return { done: true as const, value: undefined }
            },
          }),
        }
        rejected.open(await failure(writer.pipe(values)))
      })
      const wire = ask(port)
      await wire.sees('data: 1')
      wire.leave()
      await until(() => host.over.length === 1)

      left.open()

      expect(await rejected.promise).to.be.instanceOf(StreamClosedError)
      expect([asked, returned]).to.deep.equal([0, 1])
    })
  })
})
