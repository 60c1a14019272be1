import { mock } from 'node:test'
import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import {
  BadRequestError,
  Controller,
  DefinitionError,
  Get,
  type Ticket,
  type TicketGrant,
  TicketLimitError,
  type TicketStore,
  Tickets,
  type TicketsOptions,
} from 'okapi'
import request from 'supertest'
import { container as rootContainer } from 'tsyringe'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

const ada = { id: 'ada' }
const path = '/prices/live'

/** A request that brings a ticket. */
function asking(ticket: unknown, url = `${path}?ticket=${ticket}`, method = 'GET'): FastifyRequest {
  return { query: { ticket }, url, method } as unknown as FastifyRequest
}

async function refusalOf(issuing: Promise<Ticket>): Promise<TicketLimitError> {
  const error = await issuing.then(
    () => new Error('It was issued'),
    (error: unknown) => error,
  )
  if (error instanceof TicketLimitError) return error
  throw error
}

describe('Tickets', () => {
  const now = Date.now()
  let passed = 0
  const wait = (milliseconds: number): void => {
    passed = milliseconds
  }

  beforeEach(() => {
    wait(0)
    mock.method(Date, 'now', () => now + passed)
  })
  afterEach(async () => {
    mock.reset()
    await closeAll()
  })

  it('are 256 random bits each, for 30 seconds', async () => {
    const tickets = new Tickets({ perPrincipal: 1_000 })

    const issued = await Promise.all(Array.from({ length: 1_000 }, () => tickets.issue(ada, path)))

    expect(new Set(issued.map(({ ticket }) => ticket)).size).to.equal(1_000)
    for (const { ticket, expiresAt } of issued) {
      expect(ticket).to.match(/^[\w-]{43}$/)
      expect(Buffer.from(ticket, 'base64url')).to.have.length(32)
      expect(expiresAt).to.equal(now + 30_000)
    }
  })

  it('say who they were issued to, once', async () => {
    const tickets = new Tickets()
    const { ticket } = await tickets.issue(ada, path)

    expect(await tickets.verify(asking(ticket))).to.equal(ada)
    expect(await tickets.verify(asking(ticket))).to.equal(undefined)
  })

  it('let in one of many who use the same at the same time', async () => {
    const tickets = new Tickets()
    const { ticket } = await tickets.issue(ada, path)

    const answers = await Promise.all(Array.from({ length: 50 }, () => tickets.verify(asking(ticket))))

    expect(answers.filter(Boolean)).to.deep.equal([ada])
  })

  const wrong: [what: string, asked: (ticket: string) => FastifyRequest][] = [
    ['another path', ticket => asking(ticket, `/orders?ticket=${ticket}`)],
    ['a path below', ticket => asking(ticket, `${path}/all?ticket=${ticket}`)],
    ['the path with another letter', ticket => asking(ticket, `${path.toUpperCase()}?ticket=${ticket}`)],
    ['another method', ticket => asking(ticket, undefined, 'POST')],
  ]
  for (const [what, asked] of wrong) {
    it(`are no good for ${what}, and used up nevertheless`, async () => {
      const tickets = new Tickets()
      const { ticket } = await tickets.issue(ada, path)

      expect(await tickets.verify(asked(ticket))).to.equal(undefined)
      expect(await tickets.verify(asking(ticket))).to.equal(undefined)
    })
  }

  it('are good for the path with any query', async () => {
    const tickets = new Tickets()
    const { ticket } = await tickets.issue(ada, path)

    expect(await tickets.verify(asking(ticket, `${path}?symbol=OKP&ticket=${ticket}`))).to.equal(ada)
  })

  it('end after their time', async () => {
    const tickets = new Tickets({ ttl: 1_000 })
    const [first, second] = [await tickets.issue(ada, path), await tickets.issue(ada, path)]

    wait(999)
    expect(await tickets.verify(asking(first.ticket))).to.equal(ada)
    wait(1_000)
    expect(await tickets.verify(asking(second.ticket))).to.equal(undefined)
  })

  for (const ticket of ['', 'x', '__proto__', ['a', 'b'], {}]) {
    it(`are not ${JSON.stringify(ticket)}, which is refused and not taken for none`, async () => {
      const tickets = new Tickets()

      expect(tickets.present(asking(ticket))).to.equal(true)
      expect(await tickets.verify(asking(ticket))).to.equal(undefined)
    })
  }

  it('are not there where the query has none', () => {
    expect(new Tickets().present({ query: {} } as FastifyRequest)).to.equal(false)
  })

  for (const wrong of [
    '',
    'prices',
    'https://evil.example/',
    '/a?b',
    '/a#b',
    '/a b',
    '/\n',
    `/${'a'.repeat(1_024)}`,
    7,
    undefined,
  ]) {
    it(`are issued for a path, not for ${JSON.stringify(wrong)?.slice(0, 30)}`, async () => {
      const error = await new Tickets().issue(ada, wrong as string).catch((error: unknown) => error)

      expect(error).to.be.instanceOf(BadRequestError)
    })
  }

  describe('have bounds:', () => {
    it('one more of a principal is refused with 429 until the first is used or has ended', async () => {
      const tickets = new Tickets({ perPrincipal: 2 })
      const { ticket } = await tickets.issue(ada, path)
      wait(10_000)
      await tickets.issue(ada, path)

      const error = await refusalOf(tickets.issue(ada, path))
      expect(error).to.include({
        statusCode: 429,
        code: 'ERR_TICKET_LIMIT',
        message: 'Too many tickets of yours are unused: use one, or try again later',
      })
      expect(error.headers).to.deep.equal({ 'retry-after': '20' })

      await tickets.issue({ id: 'bob' }, path)
      await tickets.verify(asking(ticket))
      await tickets.issue(ada, path)
      expect((await refusalOf(tickets.issue(ada, path))).headers).to.deep.equal({ 'retry-after': '30' })
      wait(40_000)
      await tickets.issue(ada, path)
      await tickets.issue(ada, path)
      expect((await refusalOf(tickets.issue(ada, path))).statusCode).to.equal(429)
    })

    it('one more of all is refused with 503, and none that was issued is taken away', async () => {
      const tickets = new Tickets({ max: 2 })
      const { ticket } = await tickets.issue(ada, path)
      await tickets.issue({ id: 'bob' }, path)
      wait(1_001)

      const error = await refusalOf(tickets.issue({ id: 'dan' }, path))
      expect(error).to.include({
        statusCode: 503,
        message: 'Too many tickets are unused: use one, or try again later',
      })
      expect(error.headers).to.deep.equal({ 'retry-after': '29' })

      expect(await tickets.verify(asking(ticket))).to.equal(ada)
      await tickets.issue({ id: 'dan' }, path)
    })

    it('20 of a principal, and 10,000 of all, if nobody says otherwise', async () => {
      const tickets = new Tickets()
      for (let n = 0; n < 20; n++) await tickets.issue(ada, path)
      expect((await refusalOf(tickets.issue(ada, path))).statusCode).to.equal(429)

      for (let n = 20; n < 10_000; n++) await tickets.issue({ id: `${n}` }, path)
      expect((await refusalOf(tickets.issue({ id: 'eve' }, path))).statusCode).to.equal(503)
    })

    for (const options of [
      { ttl: 0 },
      { max: -1 },
      { perPrincipal: 1.5 },
      { ttl: Number.NaN },
      { max: '9' as never },
    ]) {
      const [[name, value] = []] = Object.entries(options)

      it(`${name} is not ${value}`, async () => {
        const message = `Tickets, option ${name}: is a whole number from 1, not ${value}`

        expect(() => new Tickets(options)).to.throw(DefinitionError, message)
        expect(await refusal([Office], { tickets: options })).to.equal(message)
      })
    }
  })

  describe('in a store of your own', () => {
    /** As a shared store keeps them: as text. */
    class Shelf implements TicketStore {
      readonly texts = new Map<string, string>()

      async put(key: string, grant: TicketGrant) {
        this.texts.set(key, JSON.stringify(grant))
      }

      async take(key: string) {
        const text = this.texts.get(key)
        this.texts.delete(key)
        return text === undefined ? undefined : (JSON.parse(text) as TicketGrant)
      }
    }

    it('are known to all who share it', async () => {
      const store = new Shelf()
      const { ticket } = await new Tickets({ store }).issue(ada, path)

      expect(await new Tickets({ store }).verify(asking(ticket))).to.deep.equal(ada)
      expect(await new Tickets({ store }).verify(asking(ticket))).to.equal(undefined)
    })

    it('cannot be read there', async () => {
      const store = new Shelf()
      const { ticket } = await new Tickets({ store }).issue(ada, path)

      expect(JSON.stringify([...store.texts])).not.to.contain(ticket)
      expect([...store.texts.keys()][0]).to.match(/^[\w-]{43}$/)
    })

    it('end after their time, though the store keeps them', async () => {
      const tickets = new Tickets({ store: new Shelf() })
      const { ticket } = await tickets.issue(ada, path)

      wait(30_000)

      expect(await tickets.verify(asking(ticket))).to.equal(undefined)
    })
  })

  @Controller('/office')
  class Office {
    constructor(private readonly tickets: Tickets) {}

    @Get()
    issue() {
      return this.tickets.issue(ada, path)
    }
  }

  it('are injected: those of the app, with its options', async () => {
    const options: TicketsOptions = { ttl: 5_000 }
    const { app } = await serve([Office], { tickets: options })
    const other = await serve([Office])

    expect((await request(app.server).get('/office')).body.expiresAt).to.equal(now + 5_000)
    expect((await request(other.app.server).get('/office')).body.expiresAt).to.equal(now + 30_000)
  })

  it('may be those of several apps', async () => {
    const tickets = new Tickets()
    const container = rootContainer.createChildContainer().register(Tickets, { useValue: tickets })

    for (const options of [{ tickets }, { container }]) {
      const { app } = await serve([Office], options)
      const { ticket } = (await request(app.server).get('/office')).body
      expect(await tickets.verify(asking(ticket))).to.equal(ada)
    }
  })

  it('are refused in the form of other limits', async () => {
    const { app } = await serve([Office], { tickets: { perPrincipal: 1 } })
    await request(app.server).get('/office').expect(200)

    const { status, headers, body } = await request(app.server).get('/office')

    expect(status).to.equal(429)
    expect(headers['retry-after']).to.equal('30')
    expect(body.code).to.equal('ERR_TICKET_LIMIT')
  })
})
