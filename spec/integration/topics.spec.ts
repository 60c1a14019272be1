import { expect } from 'chai'
import { IsNumber } from 'class-validator'
import { EventSource } from 'eventsource'
import {
  Body,
  Controller,
  type EventWriter,
  event,
  JsonSerializer,
  LastEventId,
  MemoryJournal,
  Param,
  Post,
  Query,
  SERIALIZER,
  Signal,
  SSE,
  Stream,
  TopicClosedError,
  Topics,
} from 'okapi'
import { container } from 'tsyringe'
import { soon } from '../support/eventually.js'
import { askHttp2, connectHttp2, leaveAllHttp2 } from '../support/http2.js'
import { LateJournal } from '../support/late-journal.js'
import { type LogLine, logger } from '../support/logged.js'
import { NamedJournal } from '../support/named-journal.js'
import { parsed } from '../support/parsed.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { settles, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

const JSON_TYPE = { 'content-type': 'application/json' }

class Price {
  @IsNumber()
  is!: number
}

@Controller('/prices')
class Prices {
  constructor(private readonly topics: Topics) {}

  @SSE('/:symbol')
  watch(@Param('symbol') symbol: string) {
    return this.topics.get<Price>(`prices/${symbol}`).subscribe()
  }

  @Post('/:symbol')
  put(@Param('symbol') symbol: string, @Body() price: Price) {
    this.topics.get(`prices/${symbol}`).publish(event('price', price))
  }
}

let ended: string[] = []

@Controller('/read')
class Readers {
  constructor(private readonly topics: Topics) {}

  @SSE('/several')
  several(@Query('of', { items: String }) of: string[]) {
    return this.topics.subscribe(of)
  }

  @SSE('/even')
  even() {
    return this.topics.subscribe<number>('a', { filter: ({ data }) => data % 2 === 0 })
  }

  @SSE('/state')
  state() {
    return this.topics.subscribe('a', { snapshot: () => [event('state', 'whole')] })
  }

  @SSE('/strict')
  strict() {
    return this.topics.subscribe('a', { onGap: 'refuse' })
  }

  @SSE('/broken')
  broken() {
    return this.topics.subscribe('a', {
      filter: () => {
        throw new Error('the secret of the filter')
      },
    })
  }

  @SSE('/newest')
  newest() {
    return this.topics.subscribe<{ of: number }>('a', { onLag: 'conflate', key: ({ data }) => data.of })
  }

  @SSE('/loop', { end: false })
  async *loop(@Signal() signal: AbortSignal) {
    for await (const { data } of this.topics.subscribe('a', { signal })) yield { seen: data }
    ended.push('loop')
  }

  @SSE('/signal')
  signal(@Signal() signal: AbortSignal) {
    return this.topics.subscribe('a', { signal })
  }

  @SSE('/even-signal')
  evenSignal(@Signal() signal: AbortSignal) {
    return this.topics.subscribe<number>('a', { signal, filter: ({ data }) => data % 2 === 0 })
  }

  @SSE('/timed')
  timed() {
    return this.topics.subscribe('a', { signal: AbortSignal.timeout(20) })
  }

  @SSE('/events')
  async *events(@LastEventId() lastEventId?: string) {
    yield* this.topics.subscribe('a', { lastEventId })
  }
}

/** An app whose topics have epochs that can be told before. */
async function serveNamed(options: Parameters<typeof serve>[1] = {}): Promise<Served & { topics: Topics }> {
  const topics = new Topics({ journal: new NamedJournal() })
  return { ...(await serve([Prices, Readers], { topics, ...options })), topics }
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) })
}

function portOf({ url }: Served): number {
  return Number(new URL(url).port)
}

/** Comes back with what is the last event ID in a text. */
function comeBack(url: string, text: string): Promise<Subscription> {
  const id = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] as string
  return subscribe(url, { headers: { 'last-event-id': id } })
}

describe('Topics in an app', () => {
  beforeEach(() => {
    ended = []
  })
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeAll()
  })

  it('bring what is posted to all who watch, each event with its position as its id', async () => {
    const served = await serveNamed()
    const wires = [ask(portOf(served), { path: '/prices/x' }), ask(portOf(served), { path: '/prices/x' })]
    const other = ask(portOf(served), { path: '/prices/y' })
    for (const wire of [...wires, other]) await wire.sees('id: ')

    const { status } = await post(`${served.url}/prices/x`, { is: 12.5 })
    expect(status).to.equal(204)
    for (const wire of wires) await wire.sees('12.5')

    for (const wire of wires) {
      expect(wire.head)
        .to.match(/^HTTP\/1\.1 200 OK\r\n/)
        .and.match(/content-type: text\/event-stream/i)
      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'id: pricesx1.0\n\n',
        'id: pricesx1.1\nevent: price\ndata: {"is":12.5}\n\n',
      ])
    }
    expect(other.chunks).to.deep.equal([': open\n\n', 'id: pricesy1.0\n\n'])
  })

  it('take nothing that is not valid', async () => {
    const { url, topics } = await serveNamed()

    expect((await post(`${url}/prices/x`, { is: 'dear' })).status).to.equal(400)
    const named = await post(`${url}/prices/a%20b`, { is: 1 })

    expect(named.status).to.equal(400)
    expect(await named.json()).to.deep.equal({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The name of a topic is 1 to 200 printable ASCII characters without spaces: "prices/a b"',
      code: 'ERR_TOPIC_NAME',
    })
    expect((await fetch(`${url}/prices/%E2%82%AC`)).status).to.equal(400)
    expect((await fetch(`${url}/read/several`)).status).to.equal(400)
    expect(topics.stats()).to.deep.equal([])
  })

  it('refuse one topic too many', async () => {
    const { url } = await serve([Prices], { topics: { maxTopics: 1 } })
    await post(`${url}/prices/x`, { is: 1 })

    for (const answer of [await post(`${url}/prices/y`, { is: 1 }), await fetch(`${url}/prices/y`)]) {
      expect(answer.status).to.equal(503)
      expect(await answer.json()).to.include({ code: 'ERR_TOPIC_LIMIT' })
    }
  })

  describe('continue where a client left off', () => {
    it('with the next event: nothing is lost, nothing comes twice', async () => {
      const { url } = await serveNamed()
      const first = await subscribe(`${url}/prices/x`)
      for (const is of [1, 2]) await post(`${url}/prices/x`, { is })
      await first.take(2)
      first.leave()
      for (const is of [3, 4]) await post(`${url}/prices/x`, { is })

      const second = await comeBack(`${url}/prices/x`, first.text())
      await post(`${url}/prices/x`, { is: 5 })
      await second.take(3)
      second.leave()

      expect(second.text()).to.equal(
        [3, 4, 5].reduce((text, is) => `${text}id: pricesx1.${is}\nevent: price\ndata: {"is":${is}}\n\n`, ': open\n\n'),
      )
    })

    it('also if it left before its first event', async () => {
      const served = await serveNamed()
      const wire = ask(portOf(served), { path: '/prices/x' })
      await wire.sees('id: pricesx1.0')
      wire.leave()
      await post(`${served.url}/prices/x`, { is: 1 })

      const second = await comeBack(`${served.url}/prices/x`, wire.chunks.join(''))

      expect((await second.take(1)).map(({ data }) => data)).to.deep.equal(['{"is":1}'])
      second.leave()
    })

    it('by itself, when it is an EventSource', async () => {
      const { app, url, topics } = await serveNamed({ streamOptions: { retry: 10 } })
      const seen: unknown[] = []
      const source = new EventSource(`${url}/prices/x`)
      source.addEventListener('price', ({ data }) => seen.push(JSON.parse(data).is))
      await until(() => source.readyState === source.OPEN)
      for (let is = 1; is <= 30; is++) {
        await topics.publish('prices/x', event('price', { is }))
        if (is === 1 || is % 10 === 0) {
          await until(() => seen.length > 0)
          app.server.closeAllConnections()
        }
      }
      await until(() => seen.length >= 30)
      source.close()

      expect(seen).to.deep.equal(Array.from({ length: 30 }, (_, n) => n + 1))
    })

    it('in several topics at once', async () => {
      const { url, topics } = await serveNamed()
      const first = await subscribe(`${url}/read/several?of=a&of=b`)
      topics.publish('a', 1)
      topics.publish('b', 2)
      await first.take(2)
      first.leave()
      topics.publish('b', 3)
      topics.publish('c', 4)
      await topics.publish('a', 5)

      const second = await comeBack(`${url}/read/several?of=b&of=a&of=c`, first.text())
      const events = await second.take(2)
      topics.publish('c', 6)
      events.push(...(await second.take(1)))
      second.leave()

      expect(events.map(({ id, data }) => [id, data])).to.have.deep.members([
        ['b1.2,a1.1,c1.1', '3'],
        ['b1.2,a1.2,c1.1', '5'],
        ['b1.2,a1.2,c1.2', '6'],
      ])
    })

    it('in a generator of its own', async () => {
      const { url, topics } = await serveNamed()
      for (const n of [1, 2]) topics.publish('a', n)
      await topics.publish('a', 3)

      const stream = await subscribe(`${url}/read/events`, { headers: { 'last-event-id': 'a1.1' } })

      expect((await stream.take(2)).map(({ id, data }) => [id, data])).to.deep.equal([
        ['a1.2', '2'],
        ['a1.3', '3'],
      ])
      stream.leave()
    })
  })

  describe('tell a client that they cannot', () => {
    it('by a gap, and go on', async () => {
      const { url } = await serveNamed()
      await post(`${url}/prices/x`, { is: 1 })

      const stream = await subscribe(`${url}/prices/x`, { headers: { 'last-event-id': 'old9.7' } })
      await stream.take(2)
      stream.leave()

      expect(stream.text()).to.equal(
        [
          ': open\n\n',
          'id: pricesx1.0\nevent: stream:gap\n',
          'data: {"requested":"old9.7","earliest":"pricesx1.1","latest":"pricesx1.1","lost":null,"reason":"epoch"}\n\n',
          'id: pricesx1.1\nevent: price\ndata: {"is":1}\n\n',
        ].join(''),
      )
    })

    it('by 410, if they are to', async () => {
      const { url, topics } = await serveNamed()
      const answer = await fetch(`${url}/read/strict`, { headers: { 'last-event-id': 'old9.7' } })

      expect(answer.status).to.equal(410)
      expect(answer.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      expect(await answer.json()).to.deep.equal({
        type: 'about:blank',
        title: 'Gone',
        status: 410,
        detail: 'The events after the last event ID are gone (epoch): begin anew, without it',
        code: 'ERR_GAP',
      })
      expect(topics.get('a').stats()?.subscribers).to.equal(0)
    })
  })

  it('show each client what it may see', async () => {
    const { url, topics } = await serveNamed()
    const [even, state] = [await subscribe(`${url}/read/even`), await subscribe(`${url}/read/state`)]
    for (const n of [1, 2, 3]) topics.publish('a', n)
    await topics.publish('a', 4)
    await even.take(2)
    await state.take(5)

    expect(even.text()).to.equal(': open\n\nid: a1.0\n\nid: a1.2\ndata: 2\n\nid: a1.4\ndata: 4\n\n')
    expect(state.text()).to.match(/^: open\n\nevent: state\ndata: whole\n\nid: a1\.0\n\nid: a1\.1\ndata: 1\n\n/)
    even.leave()
    state.leave()
    await until(() => topics.get('a').stats()?.subscribers === 0)
  })

  it('give a client that was slow only the newest of each key', async () => {
    const served = await serveNamed()
    const wide = 'x'.repeat(50_000)
    const wire = ask(portOf(served), { path: '/read/newest' })
    await wire.sees('id: a1.0')
    wire.pause()
    for (let n = 1; n <= 2_000; n++) {
      await served.topics.publish('a', { of: n % 3, n, wide })
      if (n % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    wire.resume()
    await wire.sees('"n":2000')
    await settles(() => wire.size)

    const seen = parsed(wire.chunks.join('')).map(({ event, data }) => ({ event, ...JSON.parse(data) }))
    const prices = seen.filter(({ event }) => event === undefined)
    expect(prices.length).to.be.below(1_000)
    expect(prices.slice(-3).map(({ n }) => n)).to.deep.equal([1998, 1999, 2000])
  })

  it('end the stream whose filter throws, and tell no client why', async () => {
    const lines: LogLine[] = []
    const { url, topics } = await serveNamed({ fastify: { logger: logger(lines) } })
    const [broken, other] = [await subscribe(`${url}/read/broken`), await subscribe(`${url}/read/even`)]
    await topics.publish('a', 2)

    await broken.rest()
    expect(broken.text()).to.equal(
      ': open\n\nid: a1.0\n\nevent: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n',
    )
    expect((await other.take(1)).map(({ data }) => data)).to.deep.equal(['2'])
    expect(JSON.stringify(lines)).to.contain('the secret of the filter')
    other.leave()
    await until(() => topics.get('a').stats()?.subscribers === 0)
  })

  it('follow what a method sends by calls, also where the journal opens later', async () => {
    @Controller('/greeting')
    class Greeting {
      constructor(private readonly topics: Topics) {}

      @SSE('/')
      async greet(@Stream() stream: EventWriter) {
        await stream.data('hello')
        return this.topics.subscribe('a', { from: 'start' })
      }
    }
    const topics = new Topics({ journal: new LateJournal() })
    const { url } = await serve([Greeting], { topics })
    const stream = await subscribe(`${url}/greeting`)
    topics.publish('a', 1)

    expect((await stream.take(2)).map(({ data }) => data)).to.deep.equal(['hello', '1'])
    stream.leave()
  })

  it('end a stream by a signal that they were given, as the end of a topic does', async () => {
    const { url, topics } = await serveNamed()
    const streams = await Promise.all([1, 2].map(() => subscribe(`${url}/read/timed`)))

    for (const stream of streams) {
      await soon(stream.rest(), 'the stream has ended')
      expect(stream.text()).to.match(
        /\n\nid: a1.0\n\nid: stream.end\nevent: stream:end\ndata: \{"reason":"done"\}\n\n$/,
      )
    }
    expect(topics.get('a').stats()?.subscribers).to.equal(0)
  })

  it('say the same over HTTP/2', async () => {
    const { url, topics } = await serveNamed({ fastify: { logger: false, http2: true } })
    const { headers, text } = askHttp2(connectHttp2(url), '/prices/x')
    expect((await headers)[':status']).to.equal(200)
    await until(() => text().includes('id: '))
    await topics.publish('prices/x', event('price', { is: 12.5 }))
    await until(() => text().includes('12.5'))

    expect(text()).to.equal(': open\n\nid: pricesx1.0\n\nid: pricesx1.1\nevent: price\ndata: {"is":12.5}\n\n')
  })

  it('are had by injection, and bounded by the options of the app', async () => {
    let topics: Topics | undefined
    @Controller()
    class Holder {
      constructor(injected: Topics) {
        topics = injected
      }
    }
    await serve([Holder], { topics: { retention: { count: 1 }, journal: new MemoryJournal() } })
    for (const n of [1, 2]) topics?.publish('a', n)
    await topics?.publish('a', 3)

    expect(topics?.get('a').stats()).to.include({ bytes: 'data: 3\n\n'.length })
  })

  it('are those that somebody has registered', async () => {
    const topics = new Topics()
    const parent = container.createChildContainer().registerInstance(Topics, topics)
    const { url } = await serve([Prices], { container: parent })
    await post(`${url}/prices/x`, { is: 1 })

    expect(topics.stats().map(({ name }) => name)).to.deep.equal(['prices/x'])
    await topics.close()
  })

  it('write by the serializer of the app, where they have none of their own', async () => {
    for (const [given, text] of [
      [{}, 'data: "a"'],
      [{ serializer: { serialize: () => 'own' } }, 'data: own'],
    ] as const) {
      const parent = container.createChildContainer().register(SERIALIZER, { useClass: JsonSerializer })
      let topics: Topics | undefined
      @Controller('/one')
      class One {
        constructor(injected: Topics) {
          topics = injected
        }

        @SSE('/')
        one() {
          return topics?.subscribe('a')
        }
      }
      const { url } = await serve([One], { container: parent, topics: given })
      const stream = await subscribe(`${url}/one`)
      await topics?.publish('a', 'a')
      await stream.take(1)

      expect(stream.text()).to.contain(`${text}\n\n`)
      stream.leave()
    }
  })

  describe('close with the app', () => {
    it('which ends every stream and every loop, and asks the clients to come back', async () => {
      let topics: Topics | undefined
      @Controller()
      class Holder {
        constructor(injected: Topics) {
          topics = injected
        }
      }
      const { app, url } = await serve([Prices, Readers, Holder], { closeGrace: 20 })
      const streams = await Promise.all(
        ['/prices/x', '/read/even', '/read/several?of=a&of=b', '/read/signal', '/read/even-signal', '/read/loop'].map(
          path => subscribe(`${url}${path}`),
        ),
      )
      const outside = (async () => {
        for await (const _ of (topics as Topics).get('a'));
        ended.push('outside')
      })()
      await topics?.publish('a', 2)
      for (const stream of streams.slice(1)) await stream.take(1)

      await soon(app.close(), 'the app is closed')
      await outside

      for (const stream of streams.slice(0, 5)) {
        await stream.rest()
        expect(stream.text()).to.match(/event: stream:end\nretry: \d+\ndata: \{"reason":"closing"\}\n\n$/)
      }
      expect(ended.sort()).to.deep.equal(['loop', 'outside'])
      expect(topics?.stats()).to.deep.equal([])
      expect(() => topics?.publish('a', 1)).to.throw(TopicClosedError)
    })

    it('but not those that it was given', async () => {
      const { app, topics, url } = await serveNamed()
      await post(`${url}/prices/x`, { is: 1 })
      await app.close()

      expect(await topics.publish('prices/x', 2)).to.equal('pricesx1.2')
      await topics.close()
    })
  })
})
