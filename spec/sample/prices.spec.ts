import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import request from 'supertest'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, startSample } from '../support/sample.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

interface Told {
  event: string | undefined
  id: string | undefined
  data: { number: number; symbol: string; price: number; viewers: number; quotes: unknown[] }
}

async function take(stream: Subscription, count: number): Promise<Told[]> {
  const events = await stream.take(count)
  return events.map(({ event, id, data }) => ({ event, id, data: JSON.parse(data) }))
}

describe('Prices', () => {
  afterEach(closeSamples)

  it('tells a newcomer the whole market first, then each quote', async () => {
    const { url } = await startSample({ clock: new FastClock(100) })
    const stream = await subscribe(`${url}/prices/live`)

    const [market, viewers, ...quotes] = await take(stream, 12)
    stream.leave()

    expect([market?.event, market?.data.quotes, market?.data.number]).to.deep.equal(['market', market?.data.quotes, 0])
    expect(market?.data.quotes).to.have.length(20)
    expect([viewers?.event, viewers?.data.viewers]).to.deep.equal(['viewers', 1])
    expect(quotes.map(({ event }) => event)).to.deep.equal(quotes.map(() => 'price'))
    expect(quotes.map(({ data }) => data.number)).to.deep.equal(quotes.map((_, index) => index + 1))
    for (const { data } of quotes) expect(data.price).to.be.above(0)
  })

  it('goes on where a client left off', async () => {
    const { url } = await startSample({ clock: new FastClock(100) })
    const other = await subscribe(`${url}/prices/live`)
    const first = await subscribe(`${url}/prices/live`)
    const seen = (await take(first, 10)).filter(({ event }) => event === 'price')
    first.leave()
    await other.take(20)
    const last = seen[seen.length - 1] as Told

    const second = await subscribe(`${url}/prices/live`, { headers: { 'last-event-id': last.id ?? '' } })
    const next = (await take(second, 20)).filter(({ event }) => event !== 'viewers')

    expect(next.map(({ event }) => event)).to.deep.equal(next.map(() => 'price'))
    expect(next.map(({ data }) => data.number)).to.deep.equal(next.map((_, index) => last.data.number + index + 1))
    second.leave()
    other.leave()
  })

  it('counts the viewers, and rests when nobody watches', async () => {
    const { app, url, clock } = await startSample({ clock: new FastClock(100) })
    const first = await subscribe(`${url}/prices/live`)
    const second = await subscribe(`${url}/prices/live`)
    const [market] = await take(second, 1)
    expect(market?.data.viewers).to.equal(2)

    second.leave()
    let viewers: number[] = []
    while (viewers[viewers.length - 1] !== 1 || viewers.length < 3) {
      const events = await take(first, 1)
      viewers = viewers.concat(events.filter(({ event }) => event === 'viewers').map(({ data }) => data.viewers))
    }
    first.leave()

    expect(viewers).to.deep.equal([1, 2, 1])
    await until(() => app.streams.size === 0 && clock.waiting === 0)
  })

  it('cuts the connection of a viewer who asks for it, and of nobody else', async () => {
    const { app, url } = await startSample({ clock: new FastClock(100) })
    const viewer = randomUUID()
    const stream = await subscribe(`${url}/prices/live?viewer=${viewer}`)
    const other = await subscribe(`${url}/prices/live?viewer=${randomUUID()}`)
    await stream.take(1)
    const cut = (body: object) => request(app.server).post('/prices/cut').send(body)

    await cut({ viewer }).expect(204)

    const error = await stream.rest().catch((error: Error) => error)
    expect(error).to.be.an('error')
    expect(await other.take(3)).to.have.length(3)
    other.leave()
    await until(() => app.streams.size === 0)
    await cut({ viewer }).expect(404)
    await cut({ viewer: 'somebody' }).expect(400)
  })
})

describe('Market', () => {
  afterEach(closeSamples)

  it('stops with its app', async () => {
    const { url, clock } = await startSample({ clock: new FastClock(100) })
    const stream = await subscribe(`${url}/prices/live`)
    await stream.take(3)

    await closeSamples()

    await until(() => clock.waiting === 0)
    expect(clock.waits).to.include(250)
  })
})
