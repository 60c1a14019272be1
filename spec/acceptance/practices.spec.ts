import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import {
  Channel,
  Controller,
  type EventWriter,
  event,
  JsonSerializer,
  Signal,
  SSE,
  Stream,
  type StreamErrorContext,
  type StreamOptions,
} from 'okapi'
import { Events } from '../../sample/events.js'
import { LiveData } from '../../sample/live-data.js'
import { methodRecords } from '../../src/metadata.js'
import { resolveOptions } from '../../src/sse/options.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('The best practices of the guide', () => {
  afterEach(closeAll)

  it('A12: a loop that waits by the signal ends when its client leaves', async () => {
    let running = 0

    @Controller()
    class Data {
      @SSE('/data')
      async *data(@Signal() signal: AbortSignal) {
        running++
        try {
          for (;;) {
            yield 'data'
            await sleep(60_000, undefined, { signal })
          }
        } finally {
          running--
        }
      }
    }
    const { app, url } = await serve([Data])
    const stream = await subscribe(`${url}/data`)
    await stream.take(1)
    expect(running).to.equal(1)

    stream.leave()

    await until(() => running === 0 && app.streams.size === 0)
  })

  it('A13: a channel of 100 decouples the producer from its client', async () => {
    const channel = new Channel<number>(100)
    const taken: boolean[] = []

    @Controller()
    class Buffered {
      @SSE('/buffered')
      buffered() {
        for (let count = 0; count <= 100; count++) taken.push(channel.trySend(count))
        channel.close()
        return channel
      }
    }
    const { url } = await serve([Buffered])

    const events = await (await subscribe(`${url}/buffered`)).rest()

    expect(taken).to.deep.equal([...Array(100).fill(true), false])
    expect(events.map(({ data }) => data).slice(0, -1)).to.deep.equal(Array.from({ length: 100 }, (_, n) => String(n)))
  })

  describe('A14: a ping', () => {
    @Controller()
    class Silent {
      @SSE('/silent', { pingInterval: 16 })
      async *silent(@Signal() signal: AbortSignal) {
        yield 'hello'
        await sleep(60_000, undefined, { signal })
      }
    }

    it('A14: a ping is a comment that no client sees', async () => {
      const { url } = await serve([Silent])
      const response = await fetch(`${url}/silent`)
      const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
      const wanted = `data: hello\n\n${': ping\n\n'.repeat(3)}`

      let text = ''
      while (text.length < wanted.length) text += (await reader.read()).value
      await reader.cancel()

      expect(text.slice(0, wanted.length)).to.equal(wanted)
    })

    it('A14: a ping comes after 15 s unless told otherwise, and after 30 s in the examples', () => {
      const examples = [methodRecords(LiveData).get('liveData'), methodRecords(Events).get('events')]

      expect(resolveOptions('GET').pingInterval).to.equal(15_000)
      expect(examples.map(method => method?.routes[0]?.stream?.pingInterval)).to.deep.equal([30_000, 30_000])
    })
  })

  it('A15: timers and channel are released when the client leaves, and a producer that waits for room is let go', async () => {
    const channel = new Channel<string>(1)
    let sent = 0
    let timer: NodeJS.Timeout | undefined
    let produced: Promise<void> | undefined

    @Controller()
    class Ticking {
      @SSE('/ticking')
      ticking() {
        timer = setInterval(() => {}, 60_000)
        channel.onClose(() => {
          clearInterval(timer)
          timer = undefined
        })
        produced = this.#produce()
        return channel
      }

      async #produce() {
        while (await channel.send('x'.repeat(100_000))) sent++
      }
    }
    const { app, url } = await serve([Ticking])
    const stream = await subscribe(`${url}/ticking`)
    for (let before = -1; before !== sent; await sleep(30)) before = sent
    expect(channel.size, 'one value in the channel, and one behind it').to.equal(2)
    expect(timer).to.not.equal(undefined)

    stream.leave()

    await produced
    expect(channel.closed).to.equal(true)
    expect(timer).to.equal(undefined)
    await until(() => app.streams.size === 0)
  })

  it('A16: onError is told of an error of the stream, and where it arose', async () => {
    const told: { error: unknown; context: StreamErrorContext }[] = []
    const streamOptions: StreamOptions = {
      onError: (error, context) => {
        told.push({ error, context })
      },
    }
    const failure = new Error('The source is gone')

    @Controller()
    class Failing {
      @SSE('/failing')
      async *failing() {
        yield 'one'
        throw failure
      }
    }
    const { url } = await serve([Failing], { streamOptions })

    const text = await (await fetch(`${url}/failing`)).text()

    expect(told.map(({ error, context: { phase, name } }) => [error, phase, name])).to.deep.equal([
      [failure, 'source', 'Failing.failing GET /failing'],
    ])
    expect(text).to.equal(
      'data: one\n\nevent: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n',
    )
  })

  it('A17: each of the nine methods and three options of the guide has one name', async () => {
    const upper = { serialize: (data: unknown) => String(data).toUpperCase() }
    const options: Pick<Required<StreamOptions>, 'serializer' | 'pingInterval' | 'onError'> = {
      serializer: new JsonSerializer(),
      pingInterval: 30_000,
      onError: () => 'skip',
    }
    const channel = (...values: unknown[]) => {
      const made = new Channel<unknown>()
      for (const value of values) made.trySend(value)
      made.close()
      return made
    }

    @Controller()
    class Everything {
      @SSE('/everything')
      async everything(@Stream() stream: EventWriter) {
        await stream.data({ a: 1 })
        await stream.json('quoted')
        await stream.text('plain')
        await stream.binary(Uint8Array.of(0x89, 0x50))
        await stream.event('info', { m: 1 })
        await stream.event('message', 'with an id', { id: 'msg-0' })
        await stream.pipe(channel('piped'))
        await stream.pipe(
          channel(
            'through options',
            event('update', () => {}),
            'and on',
          ),
          options,
        )
        await stream.custom('shouted', upper)
      }
    }
    const { url } = await serve([Everything])

    const text = await (await fetch(`${url}/everything`)).text()

    expect(text).to.equal(
      'data: {"a":1}\n\n' +
        'data: "quoted"\n\n' +
        'data: plain\n\n' +
        'data: iVA=\n\n' +
        'event: info\ndata: {"m":1}\n\n' +
        'id: msg-0\nevent: message\ndata: with an id\n\n' +
        'data: piped\n\n' +
        'data: "through options"\n\ndata: "and on"\n\n' +
        'data: SHOUTED\n\n' +
        'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n',
    )
  })
})
