import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import {
  Body,
  Controller,
  event,
  Get,
  type Journal,
  type JournalLog,
  Param,
  Post,
  Query,
  type Retention,
  SSE,
  type SubscribeOptions,
  type Subscription,
  Topics,
  type TopicsOptions,
} from 'okapi'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { soon } from '../support/eventually.js'
import { HandLog } from '../support/hand-log.js'
import { askHttp2, connectHttp2, leaveAllHttp2 } from '../support/http2.js'
import { latch } from '../support/latch.js'
import { type LogLine, logger } from '../support/logged.js'
import { parsed } from '../support/parsed.js'
import { closeAll, serve } from '../support/serve.js'
import { chunksOf, unchunked } from '../support/unchunked.js'
import { turns, until } from '../support/until.js'

const LONG = 'x'.repeat(100_000)

describe('A topic', () => {
  @Controller('/topics')
  class Board {
    readonly #topics: Topics

    constructor(topics: Topics) {
      this.#topics = topics
    }

    @SSE('/:name')
    watch(@Param('name') name: string, @Query('options') options: string = '{}'): Subscription {
      return this.#topics.get(name).subscribe(JSON.parse(options) as SubscribeOptions)
    }

    @SSE('/filtered/:name')
    filtered(@Param('name') name: string): Subscription {
      return this.#topics.get<{ n: number }>(name).subscribe({ filter: ({ data }) => data.n % 2 === 0 })
    }

    @Post('/:name')
    async put(@Param('name') name: string, @Body({ validate: false }) values: unknown[]): Promise<string> {
      const published = values.map(value => this.#topics.publish(name, value))
      return (await Promise.all(published)).join(' ')
    }

    @Get('/health')
    health(): string {
      return 'fine'
    }
  }

  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeAll()
  })

  /** An app with topics whose journal is at the hand of the spec. */
  async function start(options: TopicsOptions & { journals?: (log: HandLog) => void } = {}, fastify = {}, more = {}) {
    const { journals, ...topicsOptions } = options
    const logs: HandLog[] = []
    const journal: Journal = {
      open: (_topic, retention) => {
        const log = new HandLog(retention, `e${logs.length}`)
        logs.push(log)
        journals?.(log)
        return log
      },
    }
    const topics = new Topics({ journal, ...topicsOptions })
    const served = await serve([Board], { topics, fastify, ...more })
    return { ...served, topics, logs }
  }

  /** A client of a topic that is open already. */
  async function watching(
    url: string,
    name: string,
    options: SubscribeOptions = {},
    headers = {},
  ): Promise<Connection> {
    const query = `?options=${encodeURIComponent(JSON.stringify(options))}`
    const client = await Connection.open(url, get(`/topics/${name}${query}`, headers))
    await client.has(': open\n\n')
    return client
  }

  /** The chunks that a client has got behind those that open the stream, and tell a newcomer where it is. */
  function chunks(client: Connection): string[] {
    const answer = Buffer.concat(client.pieces)
    const [, ...all] = chunksOf(answer.subarray(answer.indexOf('\r\n\r\n') + 4)).map(String)
    return all.filter((chunk, index) => index > 0 || !/^id: \S+\n\n$/.test(chunk))
  }

  it('opens its streams at once', async () => {
    const { url, topics } = await start()

    const client = await watching(url, 'a')

    await client.has('id: e0.0\n\n')
    expect(client.text).to.match(/^HTTP\/1\.1 200 OK\r\n/)
    expect(client.text).to.match(/^content-type: text\/event-stream\r$/im)
    expect(client.body).to.equal('8\r\n: open\n\n\r\na\r\nid: e0.0\n\n\r\n')
    await until(() => topics.stats()[0]?.subscribers === 1)
  })

  it('sends all its subscribers the same bytes, in one write for what was published at one time', async () => {
    const { url, topics } = await start()
    const clients = await Promise.all(Array.from({ length: 20 }, () => watching(url, 'a')))
    await until(() => topics.stats()[0]?.subscribers === 20)

    for (let n = 1; n < 4; n++) topics.publish('a', event('tick', { n, größe: '😀' }))
    await turns(2)
    topics.publish('a', 'last')
    for (const client of clients) await client.has('last')

    const burst = [1, 2, 3].map(n => `id: e0.${n}\nevent: tick\ndata: {"n":${n},"größe":"😀"}\n\n`).join('')
    for (const client of clients) {
      expect(chunks(client)).to.deep.equal([burst, 'id: e0.4\ndata: last\n\n'])
      expect(client.body).to.equal(clients[0]?.body)
    }
  })

  it('keeps the order for clients that join in the middle of a burst, and gives each of them everything', async () => {
    const { url, topics } = await start()
    const clients: Promise<Connection>[] = []
    let n = 0
    for (; n < 300; n++) {
      if (n % 10 === 0) clients.push(watching(url, 'a', { from: 'start' }))
      topics.publish('a', n)
      await turns(1)
    }

    const all = Array.from({ length: n }, (_, index) => `id: e0.${index + 1}\ndata: ${index}\n\n`).join('')
    for (const client of await Promise.all(clients)) {
      await client.has(`data: ${n - 1}\n\n`)
      expect(chunks(client).join('')).to.equal(all)
    }
  })

  it('answers ordinary requests while it sends a burst', async () => {
    const { url, topics } = await start()
    const clients = await Promise.all(Array.from({ length: 200 }, () => watching(url, 'a')))
    await until(() => topics.stats()[0]?.subscribers === 200)
    let [answered, published] = [false, 0]
    const publishing = (async () => {
      for (; !answered; await turns(1)) topics.publish('a', published++)
    })()

    const answer = await fetch(`${url}/topics/health`)
    expect(await answer.text()).to.equal('fine')
    expect(answer.status).to.equal(200)
    answered = true
    await publishing
    topics.publish('a', 'last')

    for (const client of clients) await client.has('data: last\n\n')
    expect(new Set(clients.map(client => chunks(client).join(''))).size).to.equal(1)
  })

  describe('With a slow client', () => {
    /** 200 long events, of which one client takes nothing, and another one all. */
    async function outrun(retention: Partial<Retention>) {
      const { url, topics } = await start({ retention })
      const slow = (await watching(url, 'a')).pause()
      const quick = await watching(url, 'a')
      await until(() => topics.stats()[0]?.subscribers === 2)
      for (let n = 1; n <= 200; n++) {
        topics.publish('a', `${n} ${LONG}`)
        await turns(1)
      }
      return { topics, slow, quick }
    }

    it('lets it catch up by itself, and the others do not wait', async () => {
      const { topics, slow, quick } = await outrun({ bytes: 1e9 })
      await until(() => quick.size > 200 * LONG.length)
      expect(topics.stats()[0]?.lag).to.be.above(0)

      slow.socket.resume()
      await until(() => slow.size === quick.size)
      expect(topics.stats()[0]?.lag).to.equal(0)
      expect(chunks(slow).join('')).to.equal(chunks(quick).join(''))
    })

    it('tells it what it has lost', async () => {
      const { slow, quick } = await outrun({ count: 10 })
      await quick.has('data: 200 ')
      slow.socket.resume()
      await slow.has('data: 200 ')

      const ids = (client: Connection): number[] =>
        chunks(client)
          .join('')
          .match(/^id: e0\.\d+$/gm)
          ?.map(id => Number(id.slice(7))) ?? []
      const gap = JSON.parse(/event: stream:gap\ndata: (.*)/.exec(slow.text)?.[1] ?? 'null')
      const seen = ids(slow)
      expect(gap).to.include({ earliest: 'e0.191', latest: 'e0.200', reason: 'overflow' })
      const before = Number(gap.requested.slice(3))
      expect(seen).to.deep.equal([
        ...Array.from({ length: before }, (_, n) => n + 1),
        190,
        ...Array.from({ length: 10 }, (_, n) => 191 + n),
      ])
      expect(gap.lost).to.equal(190 - before)
      expect(ids(quick)).to.have.length(200)
    })

    it("sends it away while it can resume, with onLag 'disconnect', and it resumes without a hole", async () => {
      const { url, topics } = await start({ retention: { count: 200 } })
      const slow = (await watching(url, 'a', { onLag: 'disconnect' })).pause()
      await until(() => topics.stats()[0]?.subscribers === 1)
      let n = 0
      for (; topics.stats()[0]?.subscribers === 1; n++) {
        topics.publish('a', `${n} ${LONG}`)
        await turns(1)
      }
      slow.socket.resume()
      const text = unchunked(Buffer.from(await slow.end()))
      expect(text).to.match(/event: stream:end\nretry: [1-5]\d{3}\ndata: \{"reason":"lag"\}\n\n$/)

      const last = Number(/.*\nid: e0\.(\d+)\n/s.exec(text)?.[1])
      const again = await watching(url, 'a', {}, { 'last-event-id': `e0.${last}` })
      await again.has(`data: ${n - 1} `)

      expect(chunks(again)[0]).to.match(new RegExp(`^id: e0\\.${last + 1}\n`))
      expect(again.text).to.not.contain('stream:gap')
    })

    it("makes publishers wait for it, with onLag 'block', until it reads on", async () => {
      const { url, topics } = await start()
      const slow = (await watching(url, 'a', { onLag: 'block' })).pause()
      await until(() => topics.stats()[0]?.subscribers === 1)
      let [published, stopped] = [0, false]
      const publishing = (async () => {
        for (; !stopped; published++) await topics.publish('a', LONG)
      })()
      let before = -1
      await until(() => {
        const same = published === before
        before = published
        return same && published > 0 && (topics.stats()[0]?.lag ?? 0) === 0
      })
      await turns(20)
      const waiting = published
      await turns(50)
      expect(published).to.equal(waiting)

      slow.socket.resume()
      await until(() => published > waiting)

      stopped = true
      await soon(publishing, 'the end of the publisher')
    })

    it("lets publishers go on when it leaves, or is cut, with onLag 'block'", async () => {
      const { url, topics } = await start({}, {}, { streamOptions: { stallTimeout: 100 } })
      const clients = [(await watching(url, 'a', { onLag: 'block' })).pause()]
      clients.push((await watching(url, 'a', { onLag: 'block' })).pause())
      await until(() => topics.stats()[0]?.subscribers === 2)
      clients[0]?.leave()

      // Far more than the buffers take: without the cut, this would wait for ever.
      for (let n = 0; n < 200; n++) await topics.publish('a', LONG)

      expect(topics.stats()[0]).to.include({ subscribers: 0, latest: 'e0.200' })
    })

    it('cuts it when it takes nothing for the stallTimeout, and forgets it', async () => {
      const { app, url, topics } = await start({}, {}, { streamOptions: { stallTimeout: 100 } })
      const slow = (await watching(url, 'a')).pause()
      await until(() => topics.stats()[0]?.subscribers === 1)

      for (let n = 0; n < 200; n++) {
        topics.publish('a', LONG)
        await turns(1)
      }

      await until(() => app.streams.size === 0)
      expect(topics.stats()[0]?.subscribers).to.equal(0)
      slow.socket.resume()
      await slow.end()
    })
  })

  describe('Where chunks cannot be shared', () => {
    it('sends the same events over HTTP/2', async () => {
      const { url, topics } = await start({}, { http2: true })
      const session = connectHttp2(url)
      const answer = askHttp2(session, '/topics/a')
      await until(() => topics.stats()[0]?.subscribers === 1)

      for (let n = 1; n < 4; n++) topics.publish('a', n)
      await until(() => answer.text().includes('data: 3'))

      expect(answer.text()).to.contain('id: e0.1\ndata: 1\n\nid: e0.2\ndata: 2\n\nid: e0.3\ndata: 3\n\n')
    })

    it('sends them to a client of HTTP/1.0, without chunks', async () => {
      const { url, topics } = await start()
      const client = await Connection.open(url, 'GET /topics/a HTTP/1.0\r\nhost: okapi\r\n\r\n')
      await until(() => topics.stats()[0]?.subscribers === 1)

      topics.publish('a', 1)
      await client.has('data: 1\n\n')

      expect(client.text).to.not.contain('chunked')
      expect(client.body).to.contain('id: e0.1\ndata: 1\n\n').and.not.contain('\r')
    })

    it('keeps the connection for the next request where each event is looked at', async () => {
      const { url, topics } = await start()
      const client = await Connection.open(url, get('/topics/filtered/a'))
      await until(() => topics.stats()[0]?.subscribers === 1)
      for (let n = 1; n < 5; n++) topics.publish('a', { n })
      await client.has('data: {"n":4}')
      await topics.get('a').close()
      await client.complete()

      client.send(get('/topics/health'))

      await client.has('fine')
      expect(client.text).to.not.contain('"n":3')
    })
  })

  it('has onResponse hooks run once for each stream, when its client leaves and when it ends', async () => {
    const done: string[] = []
    const setup = (app: FastifyInstance): void => {
      app.addHook('onResponse', async ({ url }, { statusCode }) => {
        done.push(`${statusCode} ${url}`)
      })
    }
    const { app, url, topics } = await start({}, {}, { setup })
    const clients = [await Connection.open(url, get('/topics/a')), await Connection.open(url, get('/topics/b'))]
    await until(() => topics.stats().filter(({ subscribers }) => subscribers === 1).length === 2)
    expect(done).to.deep.equal([])

    clients[0]?.leave()
    await until(() => done.length === 1)
    await topics.get('b').close()
    await clients[1]?.end()
    await until(() => app.streams.size === 0)

    expect(done).to.deep.equal(['200 /topics/a', '200 /topics/b'])
  })

  it('forgets what a client sends behind its request, and lets go of one that closes its side', async () => {
    const { app, url, topics } = await start()
    const client = await watching(url, 'a')
    await until(() => topics.stats()[0]?.subscribers === 1)
    client.send(get('/topics/health'))
    topics.publish('a', 1)
    await client.has('data: 1\n\n')

    client.socket.end()
    await client.end()

    expect(client.text).to.not.contain('fine')
    await until(() => app.streams.size === 0)
    expect(topics.stats()[0]?.subscribers).to.equal(0)
  })

  describe('When it closes', () => {
    it('ends its streams for good, behind what they have not read', async () => {
      const { url, topics } = await start({ retention: { bytes: 1e9 } })
      const slow = (await watching(url, 'a')).pause()
      const quick = await watching(url, 'a')
      await until(() => topics.stats()[0]?.subscribers === 2)
      for (let n = 0; n < 200; n++) topics.publish('a', `${n} ${LONG}`)

      const closing = topics.get('a').close()
      await quick.end()
      slow.socket.resume()
      await slow.end()
      await closing

      for (const client of [slow, quick]) {
        const events = parsed(chunks(client).join(''))
        expect(events).to.have.length(201)
        expect(events.at(-1)).to.deep.equal({ id: 'stream.end', event: 'stream:end', data: '{"reason":"done"}' })
      }
      expect(topics.stats()).to.deep.equal([])
    })

    it('with the app, asks the clients to come back, behind what they have not read', async () => {
      const { app, url, topics } = await start({ retention: { bytes: 1e9 } })
      const clients = [await watching(url, 'a'), (await watching(url, 'a')).pause()]
      await until(() => topics.stats()[0]?.subscribers === 2)
      for (let n = 0; n < 200; n++) topics.publish('a', `${n} ${LONG}`)

      const closing = app.close()
      clients[1]?.socket.resume()
      await closing

      for (const client of clients) {
        await client.end()
        const events = parsed(chunks(client).join(''))
        expect(events).to.have.length(201)
        expect(events.at(-1)).to.deep.include({ event: 'stream:end', data: '{"reason":"closing"}' })
      }
    })
  })

  describe('With a journal that fails', () => {
    const gone = new Error('disk gone')

    /** An app that logs. */
    async function failing(journals: (log: HandLog) => void, open?: () => Promise<JournalLog>) {
      const lines: LogLine[] = []
      const options = open ? { journal: { open } } : { journals }
      return { ...(await start(options, { logger: logger(lines) })), lines }
    }

    it('to open, answers 500, and the log says why', async () => {
      const { url, lines } = await failing(
        () => {},
        () => Promise.reject(gone),
      )

      const [stream, posted] = await Promise.all([
        fetch(`${url}/topics/a`),
        fetch(`${url}/topics/a`, {
          method: 'POST',
          body: '[1]',
          headers: { 'content-type': 'application/json' },
        }),
      ])

      expect([stream.status, posted.status]).to.deep.equal([500, 500])
      expect(stream.headers.get('content-type')).to.contain('application/problem+json')
      expect(await stream.text()).to.not.contain('disk gone')
      expect(lines.map(({ err }) => (err as Error).message)).to.include('disk gone')
    })

    it('to append, answers 500 to who awaits the event; streams go on', async () => {
      const { url, topics, logs, lines } = await failing(log => {
        log.beforeAppend = () => Promise.reject(gone)
      })
      const client = await watching(url, 'a')
      await until(() => topics.stats()[0]?.subscribers === 1)

      const poster = await Connection.open(url, post('/topics/a', [1]))
      await poster.has('HTTP/1.1 500')
      expect(lines.map(({ err }) => (err as Error).message)).to.deep.equal(['disk gone'])
      Object.assign(logs[0] as HandLog, { beforeAppend: undefined })
      topics.publish('a', 2)

      await client.has('id: e0.1\ndata: 2\n\n')
    })

    it('to read, ends the stream of who needs it with an error, and no other', async () => {
      const { url, topics, logs, lines } = await failing(() => {})
      const well = await watching(url, 'b')
      topics.publish('a', 1)
      await turns(1)
      const reading = latch()
      Object.assign(logs[1] as HandLog, { beforeRead: () => reading.promise })
      const client = await watching(url, 'a', { from: 'start' })

      reading.fail(gone)
      await client.end()

      expect(chunks(client)[0]).to.match(/^event: stream:error\ndata: \{.*"status":500.*\}\n\n$/)
      expect(lines).to.have.length(1)
      expect(topics.stats().find(({ name }) => name === 'a')?.subscribers).to.equal(0)
      topics.publish('b', 1)
      await well.has('data: 1\n\n')
    })
  })
})
