import { expect } from 'chai'
import type { EventSourceMessage } from 'eventsource-parser'
import {
  Controller,
  Get,
  Guard,
  HttpError,
  InvalidRequestError,
  openapiOf,
  Param,
  type Principal,
  type Schema,
  SSE,
  Subscription,
  Topics,
} from 'okapi'
import { END_REASONS, type EndReason } from '../../src/sse/frames.js'
import { GAP_REASONS, type GapReason } from '../../src/topics/gap.js'
import { Connection, get, leaveAll } from '../support/connection.js'
import { Contract } from '../support/contract.js'
import { parsed } from '../support/parsed.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { unchunked } from '../support/unchunked.js'
import { turns } from '../support/until.js'

class Brief implements Guard {
  allow(): Principal {
    return {
      id: 'ada',
      // Not reckoned before it is asked for: however long the set-up takes, the end is yet to come.
      get expiresAt() {
        return Date.now() + 100
      },
    }
  }
}

@Controller()
class Frames {
  constructor(private readonly topics: Topics) {}

  @SSE('/done')
  *done() {
    yield 1
  }

  @SSE('/failing')
  *failing() {
    yield 1
    throw new HttpError(409, 'No more of it', { code: 'NO_MORE' })
  }

  @SSE('/invalid')
  *invalid() {
    yield 1
    throw new InvalidRequestError([{ in: 'body', property: 'a', constraint: 'isInt', detail: 'a must be an integer' }])
  }

  @SSE('/waiting')
  waiting(): Subscription {
    return this.topics.get('numbers').subscribe()
  }

  @SSE('/short', { maxDuration: 100 })
  short(): Subscription {
    return this.waiting()
  }

  @Guard(Brief)
  @SSE('/members')
  members(): Subscription {
    return this.waiting()
  }

  @SSE('/one', { admission: { perAddress: 1 } })
  one(): Subscription {
    return this.waiting()
  }

  @SSE('/only', { admission: { total: 1 } })
  only(): Subscription {
    return this.waiting()
  }

  @SSE('/patient')
  patient(): Subscription {
    return this.topics.get('numbers').subscribe({ onLag: 'disconnect' })
  }

  @Get('/refused/:id')
  refused(@Param('id') id: number) {
    return id
  }
}

describe('What the framework sends', function () {
  this.timeout(30_000)

  let topics: Topics
  let served: Served
  let contract: Contract

  beforeEach(async () => {
    topics = new Topics({ retention: { count: 40 } })
    served = await serve([Frames], { openapi: { info: { title: 'Frames', version: '1' }, page: false }, topics })
    contract = new Contract(openapiOf(served.app))
  })

  afterEach(async () => {
    leaveAll()
    await closeAll()
    await topics.close()
  })

  const schemaOf = (path: string) =>
    contract.document.paths[path]?.get?.responses[200]?.content?.['text/event-stream']?.itemSchema as Schema

  /** Says what is wrong with the events of a stream; gives the framework's own. */
  function heldTo(path: string, events: EventSourceMessage[]): [string, unknown][] {
    for (const event of events)
      expect(contract.eventFaults(schemaOf(path), event), JSON.stringify(event)).to.deep.equal([])
    return events.flatMap(({ event, data }): [string, unknown][] =>
      event?.startsWith('stream:') ? [[event, JSON.parse(data)]] : [],
    )
  }

  /** The framework's own events in the whole of a stream. */
  async function all(path: string, headers: Record<string, string> = {}): Promise<[string, unknown][]> {
    return heldTo(path, await (await subscribe(served.url + path, { headers })).rest())
  }

  /** The same of a second client, where one is let in. */
  async function refused(path: string): Promise<[string, unknown][]> {
    const first = await subscribe(served.url + path)
    const own = await all(path, { accept: 'text/event-stream' })
    first.leave()
    return own
  }

  /** The same of a client that takes nothing until more was published than is kept for it. */
  async function outrun(path: string): Promise<[string, unknown][]> {
    const slow = await Connection.open(served.url, get(path))
    await slow.has('\nid: ')
    slow.pause()
    for (let n = 0; n < 400; n++) {
      topics.publish('numbers', 'x'.repeat(100_000))
      await turns(2)
    }
    const closed = served.app.close()
    slow.socket.resume()
    const own = heldTo(path, parsed(unchunked(Buffer.from(await slow.end()))))
    await closed
    return own
  }

  const ends: Record<EndReason, () => Promise<[string, unknown][]>> = {
    done: () => all('/done'),
    closing: async () => {
      const stream = await subscribe(`${served.url}/waiting`)
      await served.app.close()
      return heldTo('/waiting', await stream.rest())
    },
    duration: () => all('/short'),
    expired: () => all('/members'),
    lag: () => outrun('/patient'),
    limit: () => refused('/one'),
    busy: () => refused('/only'),
  }

  for (const reason of END_REASONS) {
    it(`fits its schema: stream:end, ${reason}`, async () => {
      expect((await ends[reason]()).at(-1)).to.deep.equal(['stream:end', { reason }])
    })
  }

  /** The framework's first event for a client that comes back with an id. */
  async function told(id: string): Promise<[string, unknown][]> {
    const stream = await subscribe(`${served.url}/waiting`, { headers: { 'last-event-id': id } })
    const own = heldTo('/waiting', await stream.take(1))
    stream.leave()
    return own
  }

  const gaps: Record<GapReason, () => Promise<[string, unknown][]>> = {
    expired: async () => {
      const first = await topics.publish('numbers', 0)
      for (let n = 0; n < 50; n++) await topics.publish('numbers', n)
      return told(first)
    },
    epoch: () => told('never.7'),
    unknown: async () => told(`${await topics.publish('numbers', 0)}0`),
    malformed: () => told('of nobody'),
    overflow: () => outrun('/waiting'),
  }

  for (const reason of GAP_REASONS) {
    it(`fits its schema: stream:gap, ${reason}`, async () => {
      const [[type, gap] = []] = await gaps[reason]()

      expect(type).to.equal('stream:gap')
      expect(gap).to.have.property('reason', reason)
    })
  }

  it('has no other reason than these', () => {
    const gap = { requested: '', earliest: null, latest: null, lost: null }
    for (const [event, data] of [
      ['stream:end', {}],
      ['stream:gap', gap],
    ] as const) {
      const faults = contract.eventFaults(schemaOf('/waiting'), {
        event,
        id: undefined,
        data: JSON.stringify({ ...data, reason: 'whim' }),
      })

      expect(faults, event).to.deep.equal(['/reason must be equal to one of the allowed values'])
    }
  })

  it('fits its schema: stream:error, with a code or with issues', async () => {
    for (const path of ['/failing', '/invalid']) {
      const [first] = await all(path)

      expect(first?.[0]).to.equal('stream:error')
    }
  })

  it('fits its schema: problem details', async () => {
    const problem = await (await fetch(`${served.url}/refused/one`)).json()
    const media = contract.document.paths['/refused/{id}']?.get?.responses[400]?.content?.['application/problem+json']

    expect(contract.faults(media?.schema as Schema, problem)).to.deep.equal([])
    expect(contract.faults(media?.schema as Schema, { ...(problem as object), status: '400' })).to.not.deep.equal([])
  })
})
