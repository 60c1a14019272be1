import { expect } from 'chai'
import {
  Base64Serializer,
  binary,
  Channel,
  Controller,
  custom,
  type EventWriter,
  event,
  JsonSerializer,
  json,
  SERIALIZER,
  type Serializer,
  ServerSentEvent,
  SetHeader,
  SSE,
  Stream,
  text,
} from 'okapi'
import { container } from 'tsyringe'
import { Connection, get, leaveAll } from './support/connection.js'
import { parsed } from './support/parsed.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'
import { chunksOf } from './support/unchunked.js'
import { until } from './support/until.js'

const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'

describe('The conformance list of the original', () => {
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  /** What a stream of these values looks like on the wire, and what a foreign parser makes of it. */
  async function sent(...values: unknown[]): Promise<{ wire: string; data: string[] }> {
    @Controller('/values')
    class Values {
      @SSE('', { end: false })
      values(): unknown[] {
        return values
      }
    }
    const { url } = await serve([Values])
    const stream = await subscribe(`${url}/values`)
    const events = await stream.rest()
    return { wire: stream.text(), data: events.map(({ data }) => data) }
  }

  describe('of the head', () => {
    let open = (): void => {}

    @Controller('/head')
    class Heads {
      @SSE('/plain')
      *plain(): Generator<number> {
        yield 1
      }

      @SSE('/private')
      @SetHeader('cache-control', 'no-store')
      *private(): Generator<number> {
        yield 1
      }

      @SSE('/generator', { end: false })
      async *generator(): AsyncGenerator<string> {
        await new Promise<void>(resolve => {
          open = resolve
        })
        yield 'late'
      }

      @SSE('/channel', { end: false })
      channel(): Channel<string> {
        const channel = new Channel<string>()
        open = () => {
          channel.trySend('late')
          channel.close()
        }
        return channel
      }

      @SSE('/calls', { end: false })
      async calls(@Stream() stream: EventWriter): Promise<void> {
        await new Promise<void>(resolve => {
          open = resolve
        })
        await stream.data('late')
      }
    }

    it('C1: the answer is 200 with the media type of the standard, and is not cached', async () => {
      const { url } = await serve([Heads])

      const stream = await subscribe(`${url}/head/plain`)
      const own = await subscribe(`${url}/head/private`)
      await Promise.all([stream.rest(), own.rest()])

      expect(stream.status).to.equal(200)
      expect(stream.headers.get('content-type')).to.equal('text/event-stream')
      expect(stream.headers.get('cache-control')).to.equal('no-cache, no-transform')
      expect(stream.headers.get('x-accel-buffering')).to.equal('no')
      expect(own.headers.get('cache-control')).to.equal('no-store')
    })

    for (const [source, path] of [
      ['a generator', 'generator'],
      ['a channel', 'channel'],
      ['calls', 'calls'],
    ]) {
      it(`C2: the head of a stream from ${source} leaves before its first event`, async () => {
        const { url } = await serve([Heads])

        const stream = await subscribe(`${url}/head/${path}`)
        open()
        const events = await stream.rest()

        expect(stream.status).to.equal(200)
        expect(stream.text()).to.equal(': open\n\ndata: late\n\n')
        expect(events).to.deep.equal([{ id: undefined, event: undefined, data: 'late' }])
      })
    }
  })

  describe('of one event', () => {
    it('C3: the fields stand in the order id, event, retry, data, each with one space', async () => {
      const { wire, data } = await sent(new ServerSentEvent({ data: { n: 1 }, retry: 3000, event: 'tick', id: '7' }))

      expect(wire).to.equal('id: 7\nevent: tick\nretry: 3000\ndata: {"n":1}\n\n')
      expect(data).to.deep.equal(['{"n":1}'])
    })

    it('C4: an empty event type and an unset retry are left out, and a retry of 0 is not', async () => {
      const { wire } = await sent(event('', 'a'), new ServerSentEvent({ data: 'b', retry: 0 }))

      expect(wire).to.equal('data: a\n\nretry: 0\ndata: b\n\n')
    })

    it('C5: every line of a text has its field, the empty one at its end too', async () => {
      const { wire, data } = await sent('a\nb\n')

      expect(wire).to.equal('data: a\ndata: b\ndata: \n\n')
      expect(data).to.deep.equal(['a\nb\n'])
    })

    it('C6: CRLF arrives as LF, and no CR is ever sent', async () => {
      const { wire, data } = await sent('a\r\nb')

      expect(wire).to.equal('data: a\ndata: b\n\n')
      expect(data).to.deep.equal(['a\nb'])
    })

    it('C7: a leading space, a byte order mark and the empty string arrive as they are', async () => {
      const { wire, data } = await sent('\uFEFFa', ' b', '', '  ')

      expect(wire).to.equal('data: \uFEFFa\n\ndata:  b\n\ndata: \n\ndata:   \n\n')
      expect(data).to.deep.equal(['\uFEFFa', ' b', '', '  '])
    })

    it('C8: numbers and objects are JSON, a string is raw, and quoted where JSON was asked for', async () => {
      const { wire, data } = await sent(7, { html: '<b>&' }, 'hi', json('hi'))

      expect(wire).to.equal('data: 7\n\ndata: {"html":"<b>&"}\n\ndata: hi\n\ndata: "hi"\n\n')
      expect(data.map((text, index) => (index === 2 ? text : JSON.parse(text)))).to.deep.equal([
        7,
        { html: '<b>&' },
        'hi',
        'hi',
      ])
    })

    it('C9: bytes are Base64 in one line', async () => {
      const bytes = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)

      const { wire, data } = await sent(bytes, binary(bytes), binary(new Uint8Array(100)))

      expect(wire).to.equal(`data: iVBORw==\n\ndata: iVBORw==\n\ndata: ${Buffer.alloc(100).toString('base64')}\n\n`)
      expect(data.slice(0, 2)).to.deep.equal(['iVBORw==', 'iVBORw=='])
    })

    it('C10: Base64 of anything but bytes is an error', async () => {
      @Controller('/wrong')
      class Wrong {
        @SSE('')
        *wrong(): Generator<ServerSentEvent> {
          yield custom('text', new Base64Serializer())
        }
      }
      const { url } = await serve([Wrong])

      const response = await fetch(`${url}/wrong`)

      expect(response.status).to.equal(500)
      expect(await response.json()).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })

    it('C15: no id is sent unless one was asked for', async () => {
      @Controller('/ids')
      class Ids {
        @SSE('', { ids: 'uuid', end: false })
        *ids(): Generator<string> {
          yield 'a'
          yield 'b'
        }
      }
      const { url } = await serve([Ids])

      const { wire } = await sent('a', event('tick', 'b'))
      const stream = await subscribe(`${url}/ids`)
      const [a, b] = await stream.rest()

      expect(wire).to.equal('data: a\n\nevent: tick\ndata: b\n\n')
      expect(stream.text()).to.match(/^id: [0-9a-f-]{36}\ndata: a\n\nid: [0-9a-f-]{36}\ndata: b\n\n$/)
      expect(a?.id).to.not.equal(b?.id)
    })

    it('C16: null is null as JSON, and nothing as text', async () => {
      const { wire, data } = await sent(null, json(null), custom(null, { serialize: String }), text(''))

      expect(wire).to.equal('data: null\n\ndata: null\n\ndata: null\n\ndata: \n\n')
      expect(data).to.deep.equal(['null', 'null', 'null', ''])
    })

    it('C20: data is split at CR, LF and CRLF, so that no event can be forged in it', async () => {
      const { wire, data } = await sent('a\rb\r\revent: x\rdata: forged\r\n\r\nid: 9\n')

      expect(wire).to.equal(
        'data: a\ndata: b\ndata: \ndata: event: x\ndata: data: forged\ndata: \ndata: id: 9\ndata: \n\n',
      )
      expect(data).to.deep.equal(['a\nb\n\nevent: x\ndata: forged\n\nid: 9\n'])
    })

    for (const [field, fields] of Object.entries({
      'a line feed in an event type': { event: 'a\ndata: forged' },
      'a carriage return in an event type': { event: 'a\rdata: forged' },
      'a line feed in an id': { id: '1\n\ndata: forged' },
      'a carriage return in an id': { id: '1\r\rdata: forged' },
      'NUL in an id': { id: '1\0' },
      'a retry that is no whole number': { retry: 2.5 },
    })) {
      it(`C20: ${field} is refused where the event is made`, async () => {
        let refused: unknown
        @Controller('/forged')
        class Forged {
          @SSE('', { end: false })
          *forged(): Generator<unknown> {
            try {
              yield new ServerSentEvent({ data: 'x', ...fields })
            } catch (error) {
              refused = error
            }
            yield 'unharmed'
          }
        }
        const { url } = await serve([Forged])

        const stream = await subscribe(`${url}/forged`)
        await stream.rest()

        expect(refused).to.include({ name: 'EventFieldError', code: 'ERR_EVENT_FIELD' })
        expect(stream.text()).to.equal('data: unharmed\n\n')
      })
    }
  })

  describe('of serializers', () => {
    const says = (name: string): Serializer => ({ serialize: data => `${name} ${data}` })

    @Controller('/levels', { streamOptions: { serializer: says('controller') } })
    class Levels {
      @SSE('/route', { serializer: says('route'), end: false })
      *route(): Generator<unknown> {
        yield 1
        yield custom(2, says('event'))
      }

      @SSE('/controller', { end: false })
      *controller(): Generator<unknown> {
        yield 3
      }
    }

    @Controller('/app')
    class Bare {
      @SSE('', { end: false })
      *app(): Generator<unknown> {
        yield 'four'
      }
    }

    it('C11: the serializer of the event wins over that of the route, the controller, the app, and the default', async () => {
      const child = container.createChildContainer()
      child.register(SERIALIZER, { useClass: JsonSerializer })
      const injected = await serve([Levels, Bare], { container: child })
      const given = await serve([Levels, Bare], { streamOptions: { serializer: says('app') } })
      const bare = await serve([Bare])

      const texts = await Promise.all(
        [
          `${given.url}/levels/route`,
          `${given.url}/levels/controller`,
          `${given.url}/app`,
          `${injected.url}/app`,
          `${bare.url}/app`,
        ].map(async url => {
          const stream = await subscribe(url)
          await stream.rest()
          return stream.text()
        }),
      )

      expect(texts).to.deep.equal([
        'data: route 1\n\ndata: event 2\n\n',
        'data: controller 3\n\n',
        'data: app four\n\n',
        'data: "four"\n\n',
        'data: four\n\n',
      ])
    })
  })

  describe('of the stream', () => {
    let proceed = (): void => {}
    const told = (): Promise<void> =>
      new Promise(resolve => {
        proceed = resolve
      })

    @Controller('/stream')
    class Streams {
      @SSE('/quiet', { pingInterval: 8, end: false })
      async *quiet(): AsyncGenerator<string> {
        yield 'a'
        await told()
        yield 'b'
      }

      @SSE('/channel')
      channel(): Channel<string> {
        const channel = new Channel<string>()
        channel.trySend('a')
        channel.close()
        return channel
      }

      @SSE('/empty', { end: false })
      *empty(): Generator<never> {}

      @SSE('/steps', { end: false })
      async *steps(): AsyncGenerator<ServerSentEvent> {
        yield event('step', 'one\nof\nfive', { id: '1' })
        await told()
        yield event('step', 2)
        await told()
        yield event('step', 3)
      }
    }

    it('C12: a ping is a comment that leaves at once and that no client sees', async () => {
      const { url } = await serve([Streams])
      const connection = await Connection.open(url, get('/stream/quiet'))

      await connection.has(': ping\n\n')
      proceed()
      await connection.complete()

      const chunks = chunksOf(Buffer.from(connection.body)).map(String)
      expect(chunks.slice(0, 2)).to.deep.equal(['data: a\n\n', ': ping\n\n'])
      expect(parsed(chunks).map(({ data }) => data)).to.deep.equal(['a', 'b'])
    })

    it('C13: a source that ends, or has nothing, ends the stream without an error', async () => {
      const { url } = await serve([Streams])

      const channel = await subscribe(`${url}/stream/channel`)
      const empty = await subscribe(`${url}/stream/empty`)
      const events = [await channel.rest(), await empty.rest()]

      expect(channel.text()).to.equal(`data: a\n\n${END}`)
      expect(events[0]?.map(({ data }) => data)).to.deep.equal(['a', '{"reason":"done"}'])
      expect(empty.status).to.equal(200)
      expect(empty.text()).to.equal('')
      expect(events[1]).to.deep.equal([])
    })

    it('C14: each event that its generator waits behind leaves at once, in one piece', async () => {
      const { url } = await serve([Streams])
      const connection = await Connection.open(url, get('/stream/steps'))
      const chunks = (): string[] => chunksOf(Buffer.from(connection.body)).map(String)

      await until(() => chunks().length === 1)
      proceed()
      await until(() => chunks().length === 2)
      proceed()
      await until(() => chunks().length === 4)

      expect(chunks()).to.deep.equal([
        'id: 1\nevent: step\ndata: one\ndata: of\ndata: five\n\n',
        'event: step\ndata: 2\n\n',
        'event: step\ndata: 3\n\n',
        '',
      ])
    })
  })

  describe('of what goes wrong', () => {
    const unspeakable = { toJSON: () => undefined }

    @Controller('/errors')
    class Errors {
      @SSE('/half', { end: false })
      async *half(): AsyncGenerator<unknown> {
        yield 'a'
        yield event('secret', unspeakable, { id: '1' })
      }

      @SSE('/first')
      async *first(): AsyncGenerator<unknown> {
        yield unspeakable
      }

      @SSE('/skip', { onError: () => 'skip', end: false })
      *skip(): Generator<unknown> {
        yield* ['a', unspeakable, 'b']
      }

      @SSE('/replace', { onError: (_error, { phase }) => event('failed', phase), end: false })
      *replace(): Generator<unknown> {
        yield* ['a', unspeakable, 'b']
      }

      @SSE('/end', { onError: () => 'end', end: false })
      *end(): Generator<unknown> {
        yield* ['a', unspeakable, 'b']
      }
    }

    const MASKED = 'event: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n'

    it('C17: an event that cannot be serialized leaves no byte behind', async () => {
      const { url } = await serve([Errors])

      const stream = await subscribe(`${url}/errors/half`)
      const events = await stream.rest()

      expect(stream.text()).to.equal(`data: a\n\n${MASKED}`)
      expect(events.map(({ event }) => event)).to.deep.equal([undefined, 'stream:error'])
    })

    it('C18: what fails before the first byte is an ordinary HTTP error', async () => {
      const { url } = await serve([Errors])

      const response = await fetch(`${url}/errors/first`, { headers: { accept: 'text/event-stream' } })

      expect(response.status).to.equal(500)
      expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      expect(await response.json()).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })

    for (const [answer, rest] of [
      ['skip', 'data: b\n\n'],
      ['replace', 'event: failed\ndata: serialize\n\ndata: b\n\n'],
      ['end', MASKED],
    ] as const) {
      it(`C19: onError may answer "${answer}"`, async () => {
        const { url } = await serve([Errors])

        const stream = await subscribe(`${url}/errors/${answer}`)
        await stream.rest()

        expect(stream.text()).to.equal(`data: a\n\n${rest}`)
      })
    }
  })
})
