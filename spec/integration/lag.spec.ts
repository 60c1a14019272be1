import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Controller, event, SSE, Topics } from 'okapi'
import { Connection, get, leaveAll } from '../support/connection.js'
import { latch } from '../support/latch.js'
import { parsed } from '../support/parsed.js'
import { closeAll, serve } from '../support/serve.js'
import { unchunked } from '../support/unchunked.js'
import { turns, until } from '../support/until.js'

const PAYLOAD = 'x'.repeat(100_000)

describe('A client that is sent away because it lags', function () {
  this.timeout(30_000)

  @Controller('/numbers')
  class Numbers {
    constructor(readonly topics: Topics) {}

    @SSE('', { retry: 20 })
    numbers() {
      return this.topics.subscribe('numbers', { onLag: 'disconnect' })
    }
  }

  const { random } = Math
  let topics: Topics
  let published = 0

  beforeEach(() => {
    // The shortest time before it may come back: a second.
    Math.random = () => 0
    published = 0
    topics = new Topics({ retention: { count: 40 } })
  })

  afterEach(async () => {
    Math.random = random
    leaveAll()
    await closeAll()
    await topics.close()
  })

  const subscribers = (): number => topics.get('numbers').stats()?.subscribers ?? 0
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1)

  async function publish(): Promise<void> {
    topics.publish('numbers', event('number', { n: ++published, PAYLOAD }))
    await turns(2)
  }

  /** Publishes until a client that takes nothing has been sent away. */
  async function outrun(): Promise<void> {
    while (subscribers() > 0 && published < 1_000) await publish()
    expect(subscribers()).to.equal(0)
  }

  it('is told when to come back, and misses nothing when it does', async () => {
    const { url } = await serve([Numbers], { topics })
    const first = await Connection.open(url, get('/numbers'))
    await first.has('\nid: ')
    first.pause()

    await outrun()
    first.socket.resume()
    const events = parsed(unchunked(Buffer.from(await first.end())))
    const end = events.pop()
    const id = events.at(-1)?.id as string
    const second = await Connection.open(url, get('/numbers', { 'last-event-id': id }))
    await publish()
    await second.has(`"n":${published},`)
    const more = parsed(unchunked(Buffer.concat(second.pieces)))

    expect(end).to.deep.include({ event: 'stream:end', data: '{"reason":"lag"}' })
    expect(first.text).to.include('event: stream:end\nretry: 1000\ndata: {"reason":"lag"}\n\n')
    expect(
      [...events, ...more].map(({ event, data }) => (event === 'number' ? JSON.parse(data).n : event)),
    ).to.deep.equal(upTo(published))
  })

  it('is back by itself, and misses nothing: the client eventsource', async () => {
    const { url } = await serve([Numbers], { topics })
    const goesOn = latch()
    const heard: unknown[] = []
    const reasons: string[] = []
    let visits = 0
    // It takes nothing of its first answer until it is let.
    const slow = async (input: string | URL, init: object): Promise<Response> => {
      const response = await fetch(input, init)
      if (++visits > 1) return response
      const body = response.body?.pipeThrough(
        new TransformStream({
          transform: async (bytes, controller) => {
            if (subscribers() > 0 && published > 0) await goesOn.promise
            controller.enqueue(bytes)
          },
        }),
      )
      const { status, headers } = response
      const answer = new Response(body as ReadableStream, { status, headers })
      return Object.defineProperty(answer, 'url', { value: response.url })
    }
    const source = new EventSource(`${url}/numbers`, { fetch: slow })
    source.addEventListener('number', ({ data }) => heard.push(JSON.parse(data).n))
    source.addEventListener('stream:gap', ({ data }) => heard.push(data))
    source.addEventListener('stream:end', ({ data }) => reasons.push(data))
    await until(() => subscribers() === 1 && source.readyState === source.OPEN)

    await outrun()
    goesOn.open()
    await until(() => subscribers() === 1, 'it is back')
    await publish()
    await until(() => heard.includes(published), 'it hears the last event')
    source.close()

    expect(heard).to.deep.equal(upTo(published))
    expect(reasons).to.deep.equal(['{"reason":"lag"}'])
    expect(visits).to.equal(2)
  })
})
