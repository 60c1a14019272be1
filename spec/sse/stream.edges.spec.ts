import { connect } from 'node:net'
import { expect } from 'chai'
import { Channel, EventWriter, ServerSentEvent, StreamClosedError } from 'okapi/sse'
import { resolveOptions } from '../../src/sse/options.js'
import type { Source } from '../../src/sse/source.js'
import { EventStream } from '../../src/sse/stream.js'
import { spend } from '../../src/sse/turn.js'
import { askHttp2, leaveAllHttp2 } from '../support/ask-http2.js'
import { latch } from '../support/latch.js'
import { closeServers, listen, listenHttp2 } from '../support/listen.js'
import { DONE, FAILED, never, Recorder, readyOf, streaming, streamsOf } from '../support/streaming.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

/** What would have ended the process while the work ran. */
async function disturbances(work: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = []
  const note = (error: unknown) => void seen.push(error)
  const [exceptions, rejections] = [
    process.listeners('uncaughtException'),
    process.listeners('unhandledRejection'),
  ] as const
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  process.on('uncaughtException', note).on('unhandledRejection', note)
  await work().catch(note)
  await turns(3)
  process.off('uncaughtException', note).off('unhandledRejection', note)
  for (const listener of exceptions) process.on('uncaughtException', listener)
  for (const listener of rejections) process.on('unhandledRejection', listener)
  return seen
}

describe('EventStream, at the edges', function () {
  this.timeout(8_000)

  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeServers()
  })

  it('a method that returns a source which cannot be read ends the stream with an error', async () => {
    const locked = new ReadableStream()
    locked.getReader()
    const { port } = await streaming(stream => {
      stream.send('a')
      stream.follow(Promise.resolve(locked))
    })

    const seen = await disturbances(async () => {
      const wire = ask(port)
      await wire.ends()
      expect(wire.chunks.join('')).to.equal(`data: a\n\n${FAILED}`)
    })

    expect(seen).to.deep.equal([])
  })

  it('an onError that throws on a failed source does not keep the stream from ending', async () => {
    const { port } = await streamsOf(
      async function* () {
        yield 'a'
        await turns(2)
        throw new Error('source')
      },
      {
        onError() {
          throw new Error('onError')
        },
      },
    )

    const seen = await disturbances(async () => {
      const wire = ask(port)
      await wire.ends()
    })

    expect(seen).to.deep.equal([])
  })

  it('an onError that throws on a failed cleanup does not end the process', async () => {
    const { port, host } = await streamsOf(
      function* () {
        try {
          yield 'a'
          yield never
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: that is the case
          throw new Error('cleanup')
        }
      },
      {
        onError() {
          throw new Error('onError')
        },
      },
    )

    const seen = await disturbances(async () => {
      const wire = ask(port)
      await wire.sees('data: a')
      wire.leave()
      await until(() => host.over.length === 1)
    })

    expect(seen).to.deep.equal([])
  })

  for (const [which, before] of [
    ['the first event of all', []],
    ['a later one', ['a']],
  ] as const) {
    it(`a replacement for ${which} leaves at once, though the turn is spent`, async () => {
      const { port } = await streamsOf(
        async function* () {
          yield* before
          await turns(5)
          spend(1_000_000)
          yield 1n
          await never
        },
        { onError: () => new ServerSentEvent({ data: 'instead' }), pingInterval: 0 },
      )

      await ask(port).sees('data: instead\n\n')
    })
  }

  it('a head that cannot be written does not end the process', async () => {
    const host = new Recorder()
    const port = await listen((_, response) => {
      const stream = new EventStream(response, resolveOptions('GET'), host)
      stream.from(['a'].values())
      stream.open({ 'x-a': 'a\nb' })
    })

    const seen = await disturbances(async () => {
      ask(port)
      await until(() => host.over.length === 1)
    })

    expect(seen).to.deep.equal([])
  })

  for (const [name, next] of [
    ['with an event', () => ({ done: false, value: 'a' })],
    ['after the headDelay', () => never],
  ] as const) {
    it(`${name}, a stream that is closed between the time it is ready and open() is answered`, async () => {
      const port = await listen(async (_, response) => {
        const stream = new EventStream(response, resolveOptions('GET', { headDelay: 5 }), new Recorder())
        stream.from({ next })
        await readyOf(stream)
        stream.close(1)
        try {
          stream.open({})
        } catch {
          response.end('closed')
        }
      })

      const wire = ask(port)
      await until(() => wire.over || wire.text !== '', 'any answer')
    })
  }

  it('a channel that is piped without waiting is told when the method has returned', async () => {
    const channel = new Channel<number>()
    const piped = latch<unknown>()
    const { port } = await streaming(stream => {
      const writer = new EventWriter(stream)
      stream.follow(
        (async () => {
          writer.pipe(channel).catch(piped.open)
          await writer.data('a')
        })(),
      )
    })

    await ask(port).ends()
    await until(() => channel.closed, 'the channel to close')

    expect(await piped.promise).to.be.instanceOf(StreamClosedError)
  })

  it('a client of HTTP/2 that had left before the stream was made is noticed', async () => {
    const host = new Recorder()
    const port = await listenHttp2((_, response) => {
      response.once('close', () => {
        new EventStream(response, resolveOptions('GET'), host).from({ next: () => never })
      })
    })
    const answer = askHttp2(port)
    await turns(20)
    answer.leave()

    await until(() => host.over.length === 1)
  })

  it('a value without text in a pipe is told to onError once', async () => {
    const told: string[] = []
    const { port } = await streaming(
      stream => {
        const writer = new EventWriter(stream)
        stream.follow(writer.pipe(['a', 1n]))
      },
      { onError: (_, { phase }) => void told.push(phase) },
    )

    await ask(port).ends()

    expect(told).to.deep.equal(['serialize'])
  })

  for (const [kind, answer] of [
    ['synchronous', (result: object): unknown => result],
    ['asynchronous', async (result: object): Promise<object> => result],
  ] as const) {
    it(`a ${kind} iterator that leaves done out is read on, however long it is`, async () => {
      let left = 30_000
      const next = (): unknown => answer(left-- > 0 ? { value: left } : { done: true, value: undefined })
      const { port } = await streaming(stream => stream.from({ next } as Source))
      const wire = ask(port)

      await wire.ends()

      const text = wire.chunks.join('')
      expect(text.slice(0, 26)).to.equal('data: 29999\n\ndata: 29998\n\n')
      expect(text.endsWith(`data: 1\n\ndata: 0\n\n${DONE}`)).to.equal(true)
    })
  }

  for (const [kind, broken] of [
    ['synchronous', () => 5],
    ['asynchronous', async () => null],
  ] as const) {
    it(`a ${kind} iterator that returns no result is an error of the source`, async () => {
      let asked = 0
      const next = (): unknown => (asked++ === 0 ? { done: false, value: 'a' } : broken())
      const { port, host } = await streaming(stream => stream.from({ next } as Source))
      const wire = ask(port)

      await wire.ends()

      expect(wire.chunks.join('')).to.equal(`data: a\n\n${FAILED}`)
      expect(String(host.logged[0]?.error)).to.contain('in place of { done, value }')
    })
  }

  it('a source that comes too late, and cannot be read either, is told to the log', async () => {
    const setUp = latch<object>()
    const locked = new ReadableStream()
    locked.getReader()
    const { port, host } = await streaming(stream => void stream.settle(setUp.promise).catch(() => {}))
    const wire = ask(port)
    await turns(20)
    wire.leave()
    await until(() => host.over.length === 1)

    setUp.open(locked)

    await until(() => host.logged.length === 1)
    expect(host.logged[0]?.context.phase).to.equal('cleanup')
  })

  it('a set-up that fails too late is told to the log, unless it was only told to stop', async () => {
    for (const [error, logged] of [
      [new Error('late'), 1],
      [new StreamClosedError(), 0],
    ] as const) {
      const setUp = latch<object>()
      const { port, host } = await streaming(stream => void stream.settle(setUp.promise).catch(() => {}))
      const wire = ask(port)
      await turns(20)
      wire.leave()
      await until(() => host.over.length === 1)

      setUp.fail(error)
      await turns(2)

      expect(host.logged).to.have.length(logged)
    }
  })

  it('a pipe whose events are all left out takes turns like others', async () => {
    const { port } = await streaming(
      stream => stream.follow(new EventWriter(stream).pipe(Array(5_000).fill(1n)).then(() => stream.send('done'))),
      { onError: () => 'skip' },
    )
    const wire = ask(port)

    await wire.ends()

    expect(wire.chunks.join('')).to.equal(`data: done\n\n${DONE}`)
  })

  it('a set-up that begins when its stream is over already is not waited for', async () => {
    const { port, host, streams } = await streaming(stream => stream.from({ next: () => never }))
    const wire = ask(port)
    await turns(20)
    wire.leave()
    await until(() => host.over.length === 1)

    const settled = await Promise.allSettled([streams[0]?.settle(never)])

    expect(settled[0]?.status === 'rejected' && settled[0].reason).to.be.instanceOf(StreamClosedError)
  })

  it('a stream that waits in a pipeline knows when its client has left', async () => {
    const host = new Recorder()
    const seen: EventStream[] = []
    const port = await listen((_, response) => {
      seen.push(new EventStream(response, resolveOptions('GET'), host))
    })
    const wire = ask(port, { path: '/1' }).ask({ path: '/2' })
    await until(() => seen.length === 2)
    expect(seen.map(({ left }) => left)).to.deep.equal([false, false])

    wire.leave()
    await until(() => host.over.length === 2)

    expect(seen.map(({ left }) => left)).to.deep.equal([true, true])
  })

  it('a stream that is cut knows at once that nobody is there', async () => {
    const { port, streams } = await streaming(stream => stream.from({ next: () => never }))
    ask(port)
    await until(() => streams.length === 1)

    streams[0]?.cut()

    expect(streams[0]?.left).to.equal(true)
  })

  it('a stream that waits in a pipeline can be cut before its turn', async () => {
    const host = new Recorder()
    const seen: EventStream[] = []
    const port = await listen((_, response) => {
      seen.push(new EventStream(response, resolveOptions('GET'), host))
    })
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => seen.length === 2)

    seen[1]?.cut()

    expect(host.over).to.deep.equal([seen[1]])
    socket.destroy()
    await until(() => host.over.length === 2)
  })
})
