import { expect } from 'chai'
import type { EventSourceMessage } from 'eventsource-parser'
import {
  Controller,
  Get,
  HttpError,
  InvalidRequestError,
  openapiOf,
  Param,
  type Schema,
  SSE,
  Subscription,
  Topics,
} from 'okapi'
import { Contract } from '../support/contract.js'
import { closeAll, type Served, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

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
    return this.topics.get('waiting').subscribe()
  }

  @Get('/refused/:id')
  refused(@Param('id') id: number) {
    return id
  }
}

describe('What the framework sends', () => {
  let served: Served
  let contract: Contract

  beforeEach(async () => {
    served = await serve([Frames], { openapi: { info: { title: 'Frames', version: '1' }, page: false } })
    contract = new Contract(openapiOf(served.app))
  })

  afterEach(closeAll)

  /** Reads a stream, and says what is wrong with its events; gives the framework's own. */
  async function heldTo(path: string, events: EventSourceMessage[]): Promise<[string, unknown][]> {
    const media = contract.document.paths[path]?.get?.responses[200]?.content?.['text/event-stream']
    for (const event of events)
      expect(contract.eventFaults(media?.itemSchema as Schema, event), JSON.stringify(event)).to.deep.equal([])
    return events.flatMap(({ event, data }) => (event?.startsWith('stream:') ? [[event, JSON.parse(data)]] : []))
  }

  it('fits its schema: stream:end of a stream that is done', async () => {
    const events = await (await subscribe(`${served.url}/done`)).rest()

    expect(await heldTo('/done', events)).to.deep.equal([['stream:end', { reason: 'done' }]])
  })

  it('fits its schema: stream:end of a server that closes', async () => {
    const stream = await subscribe(`${served.url}/waiting`)
    await served.app.close()

    expect(await heldTo('/waiting', await stream.rest())).to.deep.equal([['stream:end', { reason: 'closing' }]])
  })

  it('fits its schema: stream:error, with a code or with issues', async () => {
    for (const path of ['/failing', '/invalid']) {
      const [first] = await heldTo(path, await (await subscribe(served.url + path)).rest())
      expect(first?.[0]).to.equal('stream:error')
    }
  })

  it('fits its schema: stream:gap', async () => {
    const stream = await subscribe(`${served.url}/waiting`, { headers: { 'last-event-id': 'never.7' } })
    const [[type, gap] = []] = await heldTo('/waiting', await stream.take(1))
    stream.leave()

    expect(type).to.equal('stream:gap')
    expect(gap).to.include.keys('requested', 'reason')
  })

  it('fits its schema: problem details', async () => {
    const problem = await (await fetch(`${served.url}/refused/one`)).json()
    const media = contract.document.paths['/refused/{id}']?.get?.responses[400]?.content?.['application/problem+json']

    expect(contract.faults(media?.schema as Schema, problem)).to.deep.equal([])
    expect(contract.faults(media?.schema as Schema, { ...(problem as object), status: '400' })).to.not.deep.equal([])
  })
})
