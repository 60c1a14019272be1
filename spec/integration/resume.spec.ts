import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { type App, Controller, createApp, event, type Gap, SSE, Topics } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'
import { closePages, launch, newPage } from '../support/browser.js'
import { makeFolder, removeFolders } from '../support/folder.js'
import { killPublishers, startPublisher } from '../support/publishing.js'
import { until } from '../support/until.js'

/** What a client hears: the number in an event, or the gap that it is told of. */
interface Heard {
  readonly id: string
  readonly data: number | Gap
}

/** A client that listens to `/numbers`. */
interface Client {
  heard(): Promise<readonly Heard[]>
  /** How many times it has come in. */
  opened(): Promise<number>
}

describe('A client that comes back', function () {
  this.timeout(60_000)

  @Controller('/numbers')
  class Numbers {
    constructor(readonly topics: Topics) {}

    @SSE('', { retry: 20 })
    numbers() {
      return this.topics.subscribe('numbers')
    }
  }

  const { random } = Math
  const clients: EventSource[] = []
  let app: App
  let topics: Topics
  let url = ''
  let published = 0

  before(launch)

  afterEach(async () => {
    Math.random = random
    for (const client of clients.splice(0)) client.close()
    await closePages()
    killPublishers()
    await app.close()
    await topics.close()
    await removeFolders()
  })

  /** Starts the server, on the port that it had if there was one. */
  async function start(its: Topics): Promise<void> {
    topics = its
    const port = url === '' ? 0 : Number(new URL(url).port)
    app = await createApp({
      controllers: [Numbers],
      topics,
      closeGrace: 0,
      fastify: { logger: false },
      setup: own => {
        own.get('/', (_request, reply) => reply.type('text/html').send('<!doctype html><title>Numbers</title>'))
      },
    })
    await app.listen({ port, host: '127.0.0.1' })
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  }

  function cut(): void {
    app.server.closeAllConnections()
  }

  /** The server dies, as far as its clients can see. */
  async function kill(): Promise<void> {
    cut()
    await app.close()
    await topics.close()
  }

  function publish(count: number): void {
    for (let n = 0; n < count; n++) topics.publish('numbers', event('number', ++published))
  }

  async function chromium(path: string): Promise<Client> {
    const page = await newPage()
    await page.goto(new URL('/', path).href)
    await page.evaluate(`
      heard = []
      opened = 0
      source = new EventSource('/numbers')
      hear = ({ lastEventId, data }) => heard.push({ id: lastEventId, data: JSON.parse(data) })
      source.onopen = () => opened++
      source.addEventListener('number', hear)
      source.addEventListener('stream:gap', hear)
    `)
    return { heard: () => page.evaluate('heard'), opened: () => page.evaluate('opened') }
  }

  async function eventsource(path: string): Promise<Client> {
    const source = new EventSource(path)
    const heard: Heard[] = []
    let opened = 0
    const hear = ({ lastEventId, data }: MessageEvent): number =>
      heard.push({ id: lastEventId, data: JSON.parse(data) })
    source.onopen = () => void opened++
    source.addEventListener('number', hear)
    source.addEventListener('stream:gap', hear)
    clients.push(source)
    return { heard: async () => heard, opened: async () => opened }
  }

  for (const [name, listen] of [
    ['EventSource of Chromium', chromium],
    ['the client eventsource', eventsource],
  ] as const) {
    describe(`as ${name}`, () => {
      let client: Client

      beforeEach(() => {
        published = 0
      })

      async function comesIn(times = 1): Promise<void> {
        if (times === 1) client = await listen(`${url}/numbers`)
        await eventually(async () => (await client.opened()) >= times, `it has come in ${times} times`)
      }

      /** What it has heard when it has heard this. */
      async function hears(last: number): Promise<(number | Gap)[]> {
        const data = async (): Promise<(number | Gap)[]> => (await client.heard()).map(one => one.data)
        await eventually(async () => (await data()).includes(last), `it hears ${last}`)
        return data()
      }

      it('has no hole when its connection was cut, time and again, while events come', async () => {
        await start(new Topics())
        await comesIn()

        for (let times = 2; times <= 6; times++) {
          publish(20)
          await hears(published)
          publish(20)
          await turn()
          cut()
          publish(20)
          await comesIn(times)
          publish(20)
        }

        expect(await hears(published)).to.deep.equal(upTo(400))
      })

      it('is told of a gap by a server that has started anew, with the journal in memory, and goes on', async () => {
        await start(new Topics())
        await comesIn()
        publish(10)
        await hears(published)

        await kill()
        const next = new Topics()
        await Promise.all([11, 12].map(n => next.publish('numbers', event('number', n))))
        await start(next)
        published = 12
        await comesIn(2)
        publish(8)

        const heard = await hears(20)
        const [{ requested, earliest, latest, ...gap }] = heard.splice(10, 1) as [Gap]
        expect(heard).to.deep.equal(upTo(20))
        expect(gap).to.deep.equal({ lost: null, reason: 'epoch' })
        expect(requested).to.match(/^\w{10}\.10$/)
        expect([earliest, latest]).to.deep.equal(
          [1, 2].map(n => `${next.get('numbers').stats()?.earliest?.slice(0, 10)}.${n}`),
        )
      })

      it('has no hole when the server has started anew, with a file journal', async () => {
        const folder = await makeFolder()
        await start(new Topics({ journal: new LmdbJournal(folder) }))
        await comesIn()
        publish(10)
        await hears(published)

        publish(10)
        await kill()
        await start(new Topics({ journal: new LmdbJournal(folder) }))
        publish(10)

        expect(await hears(30)).to.deep.equal(upTo(30))
      })

      it('has no hole when the server was killed, time and again, while it published to a file journal', async () => {
        const folder = await makeFolder()
        let server = await startPublisher(folder)
        client = await listen(`${server.url}/numbers`)
        let acknowledged = ''

        for (let times = 1; times <= 3; times++) {
          const { length } = await client.heard()
          await eventually(async () => (await client.heard()).length > length + 5, 'more events come')
          acknowledged = await server.kill()
          server = await startPublisher(folder, server.port)
        }
        const ids = async (): Promise<number[]> => (await client.heard()).map(({ id }) => Number(id.split('.')[1]))
        const last = Number(acknowledged.split('.')[1])
        await eventually(async () => (await ids()).includes(last + 1), 'it hears the last server')

        const [first = 0, ...rest] = await ids()
        expect(rest).to.deep.equal(upTo(first + rest.length, first + 1))
        expect((await client.heard()).filter(({ data }) => typeof data === 'object')).to.deep.equal([])
      })

      it('waits as long as a server asks that says goodbye, and has no hole', async () => {
        // The shortest time: a second.
        Math.random = () => 0
        await start(new Topics())
        await comesIn()
        publish(10)
        await hears(published)

        publish(10)
        await app.close()
        await start(topics)
        publish(10)

        expect(await hears(30)).to.deep.equal(upTo(30))
      })
    })
  }

  it('as EventSource of Chromium, has no hole when its connection was cut before its first event', async () => {
    published = 0
    await start(new Topics())
    const client = await chromium(`${url}/numbers`)
    await until(() => topics.get('numbers').stats()?.subscribers === 1)
    await eventually(async () => (await client.opened()) === 1, 'it has come in')

    cut()
    publish(10)
    await eventually(async () => (await client.heard()).length >= 10, 'it hears what it has missed')

    expect((await client.heard()).map(({ data }) => data)).to.deep.equal(upTo(10))
  })
})

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

/** Waits for a condition that itself has to be waited for. */
async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  let met = false
  let failure: unknown
  const ask = (): void => {
    condition().then(
      answer => {
        met = answer
        if (!met) setTimeout(ask, 5)
      },
      error => {
        failure = error
      },
    )
  }
  ask()
  await until(() => met || failure !== undefined, what)
  if (failure) throw failure
}
