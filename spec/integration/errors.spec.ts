import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { FastifyReply } from 'fastify'
import {
  Channel,
  Controller,
  type EventWriter,
  event,
  ForbiddenError,
  HttpError,
  Reply,
  SerializationError,
  SSE,
  Stream,
  type StreamErrorContext,
} from 'okapi'
import { Connection, get, leaveAll } from '../support/connection.js'
import { soon } from '../support/eventually.js'
import { type LogLine, logger } from '../support/logged.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const MASKED = { type: 'about:blank', title: 'Internal Server Error', status: 500 }
const ERROR = `event: stream:error\ndata: ${JSON.stringify(MASKED)}\n\n`
const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'
const unspeakable = { toJSON: () => undefined }

describe('An error', () => {
  let lines: LogLine[] = []
  let told: [error: unknown, context: StreamErrorContext][] = []
  let ended = 0
  let proceed = (): void => {}
  const parked = (): Promise<void> =>
    new Promise(resolve => {
      proceed = resolve
    })

  const onError = (error: unknown, context: StreamErrorContext): void => void told.push([error, context])

  const serveErrors = (controller: new () => object, headDelay = 5_000) =>
    serve([controller], { fastify: { logger: logger(lines) }, streamOptions: { onError, headDelay } })

  beforeEach(() => {
    lines = []
    told = []
    ended = 0
  })
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  describe('before the first event', () => {
    @Controller('/early')
    class Early {
      @SSE('/generator')
      async *generator(): AsyncGenerator<string> {
        await sleep(1)
        if (ended === 0) throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
        yield 'never'
      }

      @SSE('/sync')
      *sync(): Generator<string> {
        if (ended === 0) throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
        yield 'never'
      }

      @SSE('/method')
      method(): string[] {
        throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
      }

      @SSE('/set-up')
      async setUp(): Promise<string[]> {
        await sleep(1)
        throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
      }

      @SSE('/calls')
      async calls(@Stream() _stream: EventWriter): Promise<void> {
        await sleep(1)
        throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
      }

      @SSE('/channel')
      channel(): Channel<string> {
        const channel = new Channel<string>()
        setImmediate(() => channel.fail(new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })))
        return channel
      }

      @SSE('/post', { method: 'POST' })
      async *post(): AsyncGenerator<string> {
        yield* this.generator()
      }

      @SSE('/unknown')
      async *unknown(): AsyncGenerator<string> {
        if (ended === 0) throw new Error('secret-db-password')
        yield 'never'
      }

      @SSE('/unspeakable')
      async *unspeakable(): AsyncGenerator<unknown> {
        try {
          yield unspeakable
        } finally {
          ended++
        }
      }

      @SSE('/nothing')
      nothing(): never {
        return 7 as never
      }

      @SSE('/head-at-once', { headDelay: 0 })
      async *headAtOnce(): AsyncGenerator<string> {
        if (ended === 0) throw new ForbiddenError('Not for you', { code: 'ERR_FOR_OTHERS' })
        yield 'never'
      }
    }

    for (const path of ['generator', 'sync', 'method', 'set-up', 'calls', 'channel', 'post', 'head-at-once']) {
      it(`is a real 403 with a problem for a body, whatever the client accepts (${path})`, async () => {
        const { url, app } = await serveErrors(Early)

        const response = await fetch(`${url}/early/${path}`, {
          method: path === 'post' ? 'POST' : 'GET',
          headers: { accept: 'text/event-stream' },
          signal: AbortSignal.timeout(3_000),
        })

        expect(response.status).to.equal(403)
        expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
        expect(await response.json()).to.deep.equal({
          type: 'about:blank',
          title: 'Forbidden',
          status: 403,
          detail: 'Not for you',
          code: 'ERR_FOR_OTHERS',
        })
        expect(app.streams.size).to.equal(0)
        expect(lines).to.deep.equal([])
        expect(told).to.deep.equal([])
      })
    }

    it('that is no HttpError is a 500 without a word of it, and is logged', async () => {
      const { url } = await serveErrors(Early)

      const response = await fetch(`${url}/early/unknown`)

      expect(response.status).to.equal(500)
      expect(await response.json()).to.deep.equal(MASKED)
      expect(lines.map(({ msg, err }) => [msg, (err as Error).message])).to.deep.equal([
        ['A request failed', 'secret-db-password'],
      ])
    })

    it('that is an event that cannot be serialized is a 500 too, and ends its generator', async () => {
      const { url, app } = await serveErrors(Early)

      const response = await fetch(`${url}/early/unspeakable`)

      expect(response.status).to.equal(500)
      expect(await response.json()).to.deep.equal(MASKED)
      expect(
        told.map(([error, { phase, value }]) => [error instanceof SerializationError, phase, value]),
      ).to.deep.equal([[true, 'serialize', unspeakable]])
      expect(ended).to.equal(1)
      expect(app.streams.size).to.equal(0)
    })

    it('of a method that returns no source is a 500 that names the method in the log', async () => {
      const { url } = await serveErrors(Early)

      const response = await fetch(`${url}/early/nothing`)

      expect(response.status).to.equal(500)
      expect(lines.map(({ err }) => (err as Error).message)).to.deep.equal([
        'Early.nothing GET /early/nothing returned a number; a stream needs a generator, another iterable, a Channel, a subscription, a ReadableStream or an Observable',
      ])
    })
  })

  describe('after the first event', () => {
    @Controller('/late')
    class Late {
      @SSE('/generator')
      async *generator(): AsyncGenerator<string> {
        yield 'a'
        await parked()
        throw new Error('secret-db-password')
      }

      @SSE('/sync')
      *sync(): Generator<string> {
        yield 'a'
        throw new Error('secret-db-password')
      }

      @SSE('/calls')
      async calls(@Stream() stream: EventWriter): Promise<void> {
        await stream.data('a')
        await parked()
        throw new Error('secret-db-password')
      }

      @SSE('/channel')
      channel(): Channel<string> {
        const channel = new Channel<string>()
        channel.trySend('a')
        parked().then(() => channel.fail(new Error('secret-db-password')))
        return channel
      }

      @SSE('/post', { method: 'POST' })
      async *post(): AsyncGenerator<string> {
        yield* this.generator()
      }

      @SSE('/http-error')
      async *httpError(): AsyncGenerator<string> {
        yield 'a'
        throw new HttpError(410, 'The auction is over', { code: 'ERR_OVER' })
      }

      @SSE('/waiting')
      async *waiting(): AsyncGenerator<string> {
        await parked()
        if (ended === 0) throw new Error('secret-db-password')
        yield 'never'
      }

      @SSE('/broken')
      broken(): AsyncIterable<unknown> {
        let asked = 0
        const next = async (): Promise<IteratorResult<unknown>> => {
          if (asked++ === 0) return { done: false, value: 'a' }
          await sleep(1)
          return undefined as unknown as IteratorResult<unknown>
        }
        return { [Symbol.asyncIterator]: () => ({ next }) }
      }

      @SSE('/odd-result')
      oddResult(): AsyncIterable<string> {
        let asked = 0
        const odd = {
          get done(): boolean {
            throw new Error('odd result')
          },
          value: 'b',
        }
        const next = async () => (asked++ === 0 ? { done: false, value: 'a' } : odd)
        return { [Symbol.asyncIterator]: () => ({ next }) }
      }

      @SSE('/odd-promise')
      oddPromise(): AsyncIterable<string> {
        let asked = 0
        const odd = {
          // biome-ignore lint/suspicious/noThenProperty: a promise that breaks its contract
          then(): never {
            throw new Error('odd promise')
          },
        } as unknown as Promise<IteratorResult<string>>
        const next = () => (asked++ === 0 ? Promise.resolve({ done: false, value: 'a' }) : odd)
        return { [Symbol.asyncIterator]: () => ({ next }) }
      }

      @SSE('/odd-error')
      async *oddError(): AsyncGenerator<string> {
        yield 'a'
        throw Object.defineProperty(new Error('odd error'), 'statusCode', {
          get() {
            throw new Error('odd status')
          },
        })
      }
    }

    const names: Record<string, string> = {
      generator: 'Late.generator GET /late/generator',
      sync: 'Late.sync GET /late/sync',
      calls: 'Late.calls GET /late/calls',
      channel: 'Late.channel GET /late/channel',
      post: 'Late.post POST /late/post',
    }
    for (const [path, name] of Object.entries(names)) {
      it(`is logged and told to onError, and ends the stream with an event that says nothing of it (${path})`, async () => {
        const { url, app } = await serveErrors(Late)
        const stream = await subscribe(`${url}/late/${path}`, { method: path === 'post' ? 'POST' : 'GET' })
        await stream.take(1)

        proceed()
        const events = await stream.rest()

        expect(stream.status).to.equal(200)
        expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
        expect(events).to.deep.equal([{ id: undefined, event: 'stream:error', data: JSON.stringify(MASKED) }])
        expect(told.map(([error, { phase, name }]) => [(error as Error).message, phase, name])).to.deep.equal([
          ['secret-db-password', 'source', name],
        ])
        expect(lines.map(({ msg, err, stream, phase }) => [msg, (err as Error).message, stream, phase])).to.deep.equal([
          ['An event stream failed', 'secret-db-password', name, 'source'],
        ])
        await until(() => app.streams.size === 0, 'the stream is over')
      })
    }

    it('that comes when the head has left already ends the stream the same way', async () => {
      const { url } = await serveErrors(Late, 5)
      const stream = await subscribe(`${url}/late/waiting`)

      proceed()
      await stream.rest()

      expect(stream.status).to.equal(200)
      expect(stream.text()).to.equal(`: open\n\n${ERROR}`)
      expect(told).to.have.length(1)
      expect(lines.map(({ msg }) => msg)).to.deep.equal(['An event stream failed'])
    })

    it('that is an HttpError may say what it says', async () => {
      const { url } = await serveErrors(Late)

      const stream = await subscribe(`${url}/late/http-error`)
      const [, error] = await stream.rest()

      expect(error?.event).to.equal('stream:error')
      expect(JSON.parse(error?.data ?? '')).to.deep.equal({
        type: 'about:blank',
        title: 'Gone',
        status: 410,
        detail: 'The auction is over',
        code: 'ERR_OVER',
      })
    })

    it('of an iterator that breaks its contract ends the stream like any other', async () => {
      const { url } = await serveErrors(Late)

      const stream = await subscribe(`${url}/late/broken`)
      await stream.rest()

      expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
      expect(told.map(([error]) => String(error))).to.deep.equal([
        'TypeError: The iterator of a stream returned undefined in place of { done, value }',
      ])
    })

    for (const [what, path, message] of [
      ['a result that throws when it is looked at', 'odd-result', 'odd result'],
      ['a promise of a result that throws when it is waited for', 'odd-promise', 'odd promise'],
    ] as const) {
      it(`of ${what} ends the stream like any other`, async () => {
        const { url } = await serveErrors(Late)

        const stream = await subscribe(`${url}/late/${path}`)
        await stream.rest()

        expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
        expect(told.map(([error]) => (error as Error).message)).to.deep.equal([message])
      })
    }

    for (const thrown of [undefined, null, 'text']) {
      it(`that is ${thrown} is one of the source like any other`, async () => {
        @Controller('/odd')
        class Odd {
          @SSE()
          async *odd(): AsyncGenerator<string> {
            yield 'a'
            throw thrown
          }
        }
        const { url } = await serveErrors(Odd)

        const stream = await subscribe(`${url}/odd`)
        await stream.rest()

        expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
        expect(told.map(([error, { phase }]) => [error, phase])).to.deep.equal([[thrown, 'source']])
      })
    }

    it('that throws itself when it is looked at ends the stream all the same, and both are logged', async () => {
      const { url, app } = await serveErrors(Late)

      const stream = await subscribe(`${url}/late/odd-error`)
      await stream.rest()

      expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
      expect(lines.map(({ err }) => (err as Error).message)).to.deep.equal(['odd error', 'odd status'])
      await until(() => app.streams.size === 0, 'the stream is over')
    })

    it('leaves the connection to the next request', async () => {
      const { url } = await serveErrors(Late)
      const connection = await Connection.open(url, get('/late/sync') + get('/nowhere'))

      await connection.has('Nothing is served at /nowhere')

      expect(connection.text.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 404'])
    })
  })

  describe('between the first event and the head', () => {
    @Controller('/between')
    class Between {
      @SSE('/silent', { headDelay: 1 })
      async *silent(): AsyncGenerator<string> {
        await parked()
        if (ended === 0) throw new ForbiddenError('Not for you')
        yield 'never'
      }

      @SSE('/header')
      async *header(@Reply() reply: FastifyReply): AsyncGenerator<string> {
        reply.header('x-name', 'a\nb').header('x-other', '\u{1F600}')
        try {
          yield 'a'
        } finally {
          ended++
        }
      }
    }

    it('is still an HTTP error, while a hook holds the answer back', async () => {
      let hooks = 0
      const { url, app } = await serve([Between], {
        fastify: { logger: logger(lines) },
        setup: app => {
          app.addHook('onSend', async () => {
            if (hooks++ > 0) return
            proceed()
            await sleep(5)
          })
        },
      })

      const response = await soon(fetch(`${url}/between/silent`), 'the answer')

      expect(response.status).to.equal(403)
      expect(await response.json()).to.include({ detail: 'Not for you' })
      expect(app.streams.size).to.equal(0)
    })

    it('is a 500 where a header cannot be sent, and ends the generator', async () => {
      const { url, app } = await serveErrors(Between)

      const response = await soon(fetch(`${url}/between/header`), 'the answer')

      expect(response.status).to.equal(500)
      expect(await response.json()).to.deep.equal(MASKED)
      expect(response.headers.get('x-name')).to.equal(null)
      expect(lines.map(({ err }) => (err as { code?: string }).code)).to.deep.equal(['ERR_INVALID_CHAR'])
      expect(ended).to.equal(1)
      expect(app.streams.size).to.equal(0)
    })
  })

  describe('of an event that cannot be serialized', () => {
    const values = ['a', unspeakable, 'b']

    @Controller('/events')
    class Events {
      @SSE('/skip', { onError: () => 'skip' })
      *skip(): Generator<unknown> {
        yield* values
      }

      @SSE('/skip-first', { onError: () => 'skip' })
      *skipFirst(): Generator<unknown> {
        yield unspeakable
        yield 'b'
      }

      @SSE('/replace', { onError: (_error, { phase, value }) => event(phase, typeof value) })
      async *replace(): AsyncGenerator<unknown> {
        yield* values
      }

      @SSE('/replace-badly', { onError: () => event('x', unspeakable) })
      *replaceBadly(): Generator<unknown> {
        yield* values
      }

      @SSE('/end')
      *end(): Generator<unknown> {
        try {
          yield* values
        } finally {
          ended++
        }
      }

      @SSE('/calls')
      async calls(@Stream() stream: EventWriter): Promise<void> {
        await stream.data('a')
        await stream.data(unspeakable).catch(error => stream.event('caught', error.code))
        await stream.data('b')
      }

      @SSE('/pipe')
      async pipe(@Stream() stream: EventWriter): Promise<void> {
        await stream.pipe(values, { onError: () => 'skip' })
      }
    }

    for (const [what, path, wire] of [
      ['is left out where onError says so', 'skip', `data: a\n\ndata: b\n\n${END}`],
      ['may be the first, and left out', 'skip-first', `data: b\n\n${END}`],
      ['is sent as what onError gives', 'replace', `data: a\n\nevent: serialize\ndata: object\n\ndata: b\n\n${END}`],
      ['ends the stream if what onError gives cannot be serialized either', 'replace-badly', `data: a\n\n${ERROR}`],
      ['ends the stream and its generator otherwise', 'end', `data: a\n\n${ERROR}`],
      ['rejects the call', 'calls', `data: a\n\nevent: caught\ndata: ERR_SERIALIZATION\n\ndata: b\n\n${END}`],
      ['is left out where the options of a pipe say so', 'pipe', `data: a\n\ndata: b\n\n${END}`],
    ] as const) {
      it(what, async () => {
        const { url } = await serveErrors(Events)

        const stream = await subscribe(`${url}/events/${path}`)
        await stream.rest()

        expect(stream.text()).to.equal(wire)
        expect(ended).to.equal(path === 'end' ? 1 : 0)
      })
    }

    it('is logged, and told to onError with the value', async () => {
      const { url } = await serveErrors(Events)

      const stream = await subscribe(`${url}/events/end`)
      await stream.rest()

      expect(told.map(([error, { phase, value, name }]) => [String(error), phase, value, name])).to.deep.equal([
        [
          'SerializationError: The data of an event could not be serialized: its toJSON() returned nothing',
          'serialize',
          unspeakable,
          'Events.end GET /events/end',
        ],
      ])
      expect(lines.map(({ phase }) => phase)).to.deep.equal(['serialize'])
    })
  })

  describe('of onError itself', () => {
    @Controller('/careless', {
      streamOptions: {
        onError: () => {
          throw new Error('careless')
        },
      },
    })
    class Careless {
      @SSE('/source')
      async *source(): AsyncGenerator<string> {
        yield 'a'
        await sleep(1)
        throw new Error('secret-db-password')
      }

      @SSE('/event')
      async *event(): AsyncGenerator<unknown> {
        yield 'a'
        yield unspeakable
      }

      @SSE('/cleanup')
      async *cleanup(): AsyncGenerator<string> {
        try {
          for (;;) yield 'x'.repeat(10_000)
        } finally {
          ended++
          // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
          throw new Error('secret-db-password')
        }
      }
    }

    for (const [path, messages] of [
      ['source', ['secret-db-password', 'careless']],
      ['event', ['careless']],
    ] as const) {
      it(`is logged, and harms no one (${path})`, async () => {
        const { url, app } = await serve([Careless], { fastify: { logger: logger(lines) } })

        const stream = await soon(subscribe(`${url}/careless/${path}`), 'the stream')
        await soon(stream.rest(), 'the end of the stream')

        expect(stream.text()).to.equal(`data: a\n\n${ERROR}`)
        expect(lines.map(({ err }) => (err as Error).message)).to.deep.equal(messages)
        await until(() => app.streams.size === 0, 'the stream is over')
      })
    }

    it('is logged, and harms no one, when the stream is over', async () => {
      const { url, app } = await serve([Careless], { fastify: { logger: logger(lines) } })
      const connection = await Connection.open(url, get('/careless/cleanup'))
      await connection.has('data: x')

      connection.leave()
      await until(() => lines.length === 2, 'both errors are logged')

      expect(lines.map(({ phase, err }) => [phase, (err as Error).message])).to.deep.equal([
        ['cleanup', 'secret-db-password'],
        ['cleanup', 'careless'],
      ])
      expect(ended).to.equal(1)
      expect(app.streams.size).to.equal(0)
    })
  })
})
