import { AsyncLocalStorage } from 'node:async_hooks'
import { expect } from 'chai'
import { Channel, Controller, type EventWriter, SSE, Stream, Topics } from 'okapi'
import { latch } from '../support/latch.js'
import { closeAll, serve } from '../support/serve.js'

/** So much that it takes a stream many turns of the event loop, which it shares with others. */
const MUCH = 400
const LONG = 'x'.repeat(1_000)

describe('The asynchronous context of a request', () => {
  const user = new AsyncLocalStorage<string>()
  const topics = new Topics()

  before(() => {
    for (let n = 0; n < MUCH; n++) topics.publish('all', { of: n % 2 ? 'ada' : 'bob', LONG })
  })
  after(() => topics.close())
  afterEach(closeAll)

  @Controller('/own')
  class Own {
    @SSE('/generator')
    async *generator(): AsyncGenerator<object> {
      for (let n = 0; n < MUCH; n++) yield { of: user.getStore(), LONG }
    }

    @SSE('/iterable')
    *iterable(): Generator<object> {
      for (let n = 0; n < MUCH; n++) yield { of: user.getStore(), LONG }
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter): Promise<void> {
      for (let n = 0; n < MUCH; n++) await stream.data({ of: user.getStore(), LONG })
    }

    @SSE('/topic')
    topic() {
      const filter = ({ data }: { data: unknown }) => (data as { of: string }).of === user.getStore()
      return topics.subscribe('all', { from: 'start', filter })
    }

    @SSE('/late')
    late(): AsyncIterable<object> {
      const channel = new Channel<object>()
      late.push(channel)
      if (late.length === 2) bothCame.open()
      return this.#named(channel)
    }

    async *#named(channel: Channel<object>): AsyncGenerator<object> {
      for await (const _ of channel) yield { of: user.getStore() }
    }
  }

  let late: Channel<object>[] = []
  let bothCame = latch()
  beforeEach(() => {
    late = []
    bothCame = latch()
  })

  const start = () =>
    serve([Own], {
      topics,
      setup: app => {
        app.addHook('onRequest', (request, _, done) => user.run((request.query as { user: string }).user, done))
        app.addHook('onSend', async (_, reply) => void reply.header('x-user', user.getStore()))
      },
    })

  /** Whose code sent the events that a user has got. */
  async function sendersOf(url: string, path: string, name: string): Promise<unknown> {
    const response = await fetch(`${url}/own/${path}?user=${name}`)
    const found = new Set<string>()
    let events = 0
    let text = ''
    const wanted = path === 'topic' ? MUCH / 2 : path === 'late' ? 1 : MUCH
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk)
      const parts = text.split('\n\n')
      text = parts.pop() as string
      for (const part of parts) {
        const of = /"of":"(\w+)"/.exec(part)?.[1]
        if (of === undefined) continue
        found.add(of)
        events++
      }
      if (events >= wanted) break
    }
    return [response.headers.get('x-user'), events, ...found]
  }

  for (const path of ['generator', 'iterable', 'calls', 'topic']) {
    it(`holds for all that its stream does, beside others that run (${path})`, async () => {
      const { url } = await start()

      const found = await Promise.all(['ada', 'bob'].map(name => sendersOf(url, path, name)))

      const count = path === 'topic' ? MUCH / 2 : MUCH
      expect(found).to.deep.equal([
        ['ada', count, 'ada'],
        ['bob', count, 'bob'],
      ])
    })
  }

  it('holds for what somebody else has set going', async () => {
    const { url } = await start()
    const found = Promise.all(['ada', 'bob'].map(name => sendersOf(url, 'late', name)))
    await bothCame.promise

    user.run('eve', () => {
      for (const channel of late) channel.trySend({})
    })

    expect((await found).map(one => (one as unknown[]).slice(1))).to.deep.equal([
      [1, 'ada'],
      [1, 'bob'],
    ])
  })
})
