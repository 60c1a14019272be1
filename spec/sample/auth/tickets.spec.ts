import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { type AppOptions, Topics } from 'okapi'
import { container } from 'tsyringe'
import { bySecret, claims } from '../../../sample/auth/jwt.js'
import { createTicketSample, Subscriptions } from '../../../sample/auth/tickets.js'
import { closeAll, type Served, start } from '../../support/serve.js'
import { subscribe } from '../../support/subscribe.js'
import { sign } from '../../support/tokens.js'
import { until } from '../../support/until.js'

const secret = 'a secret of 32 characters, or more'
const key = new TextEncoder().encode(secret)
const tokenOf = (sub: string, exp?: number) =>
  sign(key, { alg: 'HS256' }, { sub, aud: claims.allowedAud, ...(exp ? { exp } : {}) })
const bearing = (token: string) => ({ authorization: `Bearer ${token}` })

describe('The sample of tickets', () => {
  const path = '/quotes/live'
  let topics = new Topics()
  let subscriptions = new Subscriptions()

  const begin = async (options: Omit<AppOptions, 'controllers' | 'setup'> = {}) => {
    const child = container.createChildContainer().registerInstance(Subscriptions, subscriptions)
    return start(
      await createTicketSample(bySecret(secret), { fastify: { logger: false }, ...options, topics, container: child }),
    )
  }
  const ask = ({ url }: Served, headers: Record<string, string>, wish: string = path) =>
    fetch(`${url}/tickets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ path: wish }),
    })
  const ticketOf = async (served: Served, sub: string, exp?: number) => {
    const { ticket } = (await (await ask(served, bearing(await tokenOf(sub, exp)))).json()) as { ticket: string }
    return ticket
  }
  const status = async (url: string, headers: Record<string, string> = {}) => {
    const stream = await subscribe(url, { headers })
    stream.leave()
    return stream.status
  }

  beforeEach(() => {
    topics = new Topics()
    subscriptions = new Subscriptions()
  })
  afterEach(async () => {
    await closeAll()
    await topics.close()
  })

  it('gives a ticket to whoever brings a token, and keeps it out of caches', async () => {
    const answer = await ask(await begin(), bearing(await tokenOf('ada')))

    expect(answer.status).to.equal(201)
    expect(answer.headers.get('cache-control')).to.equal('no-store')
    expect(answer.headers.get('referrer-policy')).to.equal('no-referrer')
    expect(await answer.json()).to.have.all.keys('ticket', 'expiresAt')
  })

  it('gives none to others, and none for a ticket', async () => {
    const served = await begin()
    const ticket = await ticketOf(served, 'ada')

    expect((await ask(served, {})).status).to.equal(401)
    expect((await ask(served, bearing('token'))).status).to.equal(401)
    const response = await fetch(`${served.url}/tickets?ticket=${ticket}`, { method: 'POST' })
    expect(response.status).to.equal(401)
    expect((await ask(served, bearing(await tokenOf('ada')), 'https://evil.example/')).status).to.equal(400)
  })

  it('lets in who has one, once', async () => {
    const served = await begin()
    const ticket = await ticketOf(served, 'ada')

    const stream = await subscribe(`${served.url}${path}?ticket=${ticket}`)
    await topics.publish('quotes', 'To be, or not to be')

    expect(stream.status).to.equal(200)
    expect(stream.headers.get('referrer-policy')).to.equal('no-referrer')
    expect((await stream.take(1)).map(({ data }) => data)).to.deep.equal(['To be, or not to be'])
    stream.leave()
    expect(await status(`${served.url}${path}?ticket=${ticket}`), 'a replayed ticket').to.equal(401)
  })

  it('refuses a ticket that was never issued, or for another path', async () => {
    const served = await begin()
    const { ticket } = (await (await ask(served, bearing(await tokenOf('ada')), '/orders/live')).json()) as {
      ticket: string
    }

    for (const wrong of [ticket, 'x', '', `${ticket}&ticket=${ticket}`]) {
      expect(await status(`${served.url}${path}?ticket=${wrong}`), wrong).to.equal(401)
    }
  })

  it('takes a ticket and a token together if both are good and of the same reader', async () => {
    const served = await begin()
    const [ada, bob] = [bearing(await tokenOf('ada')), bearing(await tokenOf('bob'))]
    const by = async (ticket: string, headers: Record<string, string>) =>
      status(`${served.url}${path}?ticket=${ticket}`, headers)

    expect(await by(await ticketOf(served, 'ada'), ada)).to.equal(200)
    expect(await by(await ticketOf(served, 'ada'), bob)).to.equal(400)
    expect(await by(await ticketOf(served, 'ada'), bearing('token'))).to.equal(401)
    expect(await by('x', ada)).to.equal(401)
    expect(await by(await ticketOf(served, 'ada'), { authorization: 'Basic eDp5' })).to.equal(200)
  })

  it('ends a stream with its token, not before, and goes on with a new one where it left off', async () => {
    const served = await begin()
    const exp = Math.floor(Date.now() / 1_000) + 3
    const first = await subscribe(`${served.url}${path}?ticket=${await ticketOf(served, 'ada', exp)}`)
    const one = await topics.publish('quotes', 'one')

    const told = await first.rest()
    const endedAt = Date.now()
    await topics.publish('quotes', 'two')
    expect((await ask(served, bearing(await tokenOf('ada', exp)))).status).to.equal(401)
    const ticket = await ticketOf(served, 'ada')
    const second = await subscribe(`${served.url}${path}?${new URLSearchParams({ ticket, lastEventId: one })}`)

    expect(told.map(({ event, data }) => [event, data])).to.deep.equal([
      [undefined, 'one'],
      ['stream:end', '{"reason":"expired"}'],
    ])
    expect(endedAt).to.be.at.least(exp * 1_000)
    expect((await second.take(1)).map(({ data }) => data)).to.deep.equal(['two'])
    second.leave()
  })

  it('refuses with 403 a reader who comes back and has no subscription any more', async () => {
    const served = await begin()
    const stream = await subscribe(`${served.url}${path}?ticket=${await ticketOf(served, 'ada')}`)
    const one = await topics.publish('quotes', 'one')
    stream.leave()
    const asked = async () => ({ ticket: await ticketOf(served, 'ada'), lastEventId: one })
    expect(await status(`${served.url}${path}?${new URLSearchParams(await asked())}`)).to.equal(200)

    subscriptions.end('ada')

    const back = await fetch(`${served.url}${path}?${new URLSearchParams(await asked())}`)
    expect(back.status).to.equal(403)
    expect(await back.json()).to.include({ detail: 'Your subscription has ended' })
    const byToken = { ...bearing(await tokenOf('ada')), 'last-event-id': one }
    expect(await status(`${served.url}${path}`, byToken)).to.equal(403)
  })

  it('tells its log of no ticket', async () => {
    const lines: string[] = []
    const served = await begin({ fastify: { logger: { stream: { write: (line: string) => void lines.push(line) } } } })
    const ticket = await ticketOf(served, 'ada')

    await status(`${served.url}${path}?ticket=${ticket}`)
    await status(`${served.url}${path}?ticket=${ticket}`)
    await until(() => lines.filter(line => line.includes('request completed')).length === 3)

    expect(lines.join('')).to.contain(`"url":"${path}?ticket=…"`)
    expect(lines.join('')).not.to.contain(ticket)
  })

  it('needs no tickets for an EventSource that can send headers: a new token each time it comes back', async () => {
    const served = await begin({ streamOptions: { retry: 10 } })
    const given: string[] = []
    const told: string[] = []
    const source = new EventSource(`${served.url}${path}`, {
      fetch: async (input, init) => {
        const token = await tokenOf('ada', Math.floor(Date.now() / 1_000) + 60 + given.length)
        given.push(token)
        return fetch(input, { ...init, headers: { ...init.headers, ...bearing(token) } })
      },
    })
    source.onmessage = ({ data }) => told.push(data)
    await until(() => source.readyState === source.OPEN)
    await topics.publish('quotes', 'one')
    await until(() => told.length === 1)

    served.app.streams.cut()
    await topics.publish('quotes', 'two')

    await until(() => told.length === 2)
    source.close()
    expect(told).to.deep.equal(['one', 'two'])
    expect(new Set(given).size).to.equal(2)
  })
})
