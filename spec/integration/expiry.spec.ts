import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Controller, Guard, type Principal, Signal, SSE, Topics, UnauthorizedError } from 'okapi'
import { singleton } from 'tsyringe'
import { soon } from '../support/eventually.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('A stream whose time is up', () => {
  let asked = 0
  let renewed = true

  /** Knows everybody: first for a moment, then for long, if the credential was renewed. */
  @singleton()
  class Door {
    allow(): Principal {
      asked++
      if (asked > 1 && !renewed) throw new UnauthorizedError('Renew your credential')
      if (asked > 1) return { id: 'ann', expiresAt: Date.now() + 60_000 }
      // Not reckoned before somebody asks for it: however long the set-up takes, the end is yet to come.
      const reckon = { get: () => Date.now() + 50 }
      return Object.defineProperty({ id: 'ann' }, 'expiresAt', reckon)
    }
  }

  @Controller()
  class Work {
    constructor(private readonly topics: Topics) {}

    @SSE('/guarded')
    @Guard(Door)
    async *guarded(@Signal() signal: AbortSignal) {
      yield asked
      await once(signal, 'abort')
    }

    @SSE('/topic', { maxDuration: 50 })
    topic() {
      return this.topics.subscribe('news')
    }
  }

  beforeEach(() => {
    asked = 0
    renewed = true
  })
  afterEach(closeAll)

  it('lets an EventSource come back, and goes on with a credential that was renewed', async () => {
    const { url } = await serve([Work])
    const source = new EventSource(`${url}/guarded`)
    const told: string[] = []
    source.addEventListener('stream:end', ({ data }) => told.push(data))
    source.addEventListener('message', ({ data }) => told.push(data))

    await soon(
      until(() => told.length === 3),
      'it is back after 1 to 5 seconds',
      9_000,
    )

    expect(told).to.deep.equal(['1', '{"reason":"expired"}', '2'])
    source.close()
  })

  it('ends an EventSource whose credential was not renewed: nobody is let in without one', async () => {
    renewed = false
    const { url } = await serve([Work])
    const source = new EventSource(`${url}/guarded`)
    const told: string[] = []
    source.addEventListener('message', ({ data }) => told.push(data))

    await soon(
      until(() => source.readyState === source.CLOSED),
      'it was refused after 1 to 5 seconds',
      9_000,
    )

    expect(told).to.deep.equal(['1'])
    expect(asked).to.equal(2)
  })

  it('loses nothing of a topic: who comes back goes on where it left off', async () => {
    const topics = new Topics()
    const { url } = await serve([Work], { topics })
    const published = Array.from({ length: 20 }, (_, index) => `${index}`)
    const seen: string[] = []
    const reasons: string[] = []
    let headers: Record<string, string> = {}
    let publishing: Promise<void> | undefined

    while (seen.length < published.length) {
      const stream = await subscribe(`${url}/topic`, { headers })
      publishing ??= publishSlowly(topics, published)
      for (const { id, event, data } of await stream.rest()) {
        if (event === 'stream:end') reasons.push(data)
        else seen.push(data)
        if (id) headers = { 'last-event-id': id }
      }
    }

    expect(seen).to.deep.equal(published)
    expect(new Set(reasons)).to.deep.equal(new Set(['{"reason":"duration"}']))
    await publishing
    await topics.close()
  })
})

async function publishSlowly(topics: Topics, values: readonly string[]): Promise<void> {
  for (const value of values) {
    await topics.publish('news', value)
    await sleep(10)
  }
}
