import { once } from 'node:events'
import { connect } from 'node:http2'
import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { EventSource } from 'eventsource'
import fastify, { type FastifyRequest, type RouteOptions } from 'fastify'
import {
  type AppOptions,
  Body,
  Catch,
  Controller,
  createParameter,
  filter,
  Get,
  Guard,
  HttpError,
  InvalidRequestError,
  metadata,
  okapi,
  Post,
  Principal,
  type RouteContext,
  SSE,
  UnauthorizedError,
  Use,
} from 'okapi'
import request from 'supertest'
import { Connection, leaveAll } from '../support/connection.js'
import { type LogLine, logger } from '../support/logged.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

let seen: string[] = []
const note = (what: string) => () => void seen.push(what)

/** A guard that notes that it was asked. */
const asking = (name: string, answer: boolean = true) =>
  class implements Guard {
    allow() {
      seen.push(name)
      return answer
    }
  }

const Roles = metadata<string[]>('Roles')

/** Knows who asks by a header, and whether the route is for them. */
class Members implements Guard {
  async allow({ headers: { authorization } }: FastifyRequest, context: RouteContext) {
    if (authorization === undefined) throw new UnauthorizedError('Who is it?')
    if (authorization === 'broken') throw new Error('password=hunter2')
    const roles = context.get(Roles)
    return roles === undefined || roles.includes(authorization) ? { id: authorization } : false
  }
}

class Order {
  @IsInt()
  count!: number
}

const FORBIDDEN = '{"type":"about:blank","title":"Forbidden","status":403}'

describe('A guarded route', () => {
  let runs = 0

  @Controller('/members')
  @Guard(Members)
  class Area {
    @Get()
    @Roles(['ada', 'bob'])
    get(@Principal() { id }: Principal) {
      runs++
      return { id }
    }

    @Post()
    @Roles(['ada'])
    post(@Body() order: Order) {
      runs++
      return order
    }

    @SSE('/live')
    @Roles(['ada'])
    async *live(@Principal() { id }: Principal) {
      runs++
      yield id
    }
  }

  beforeEach(() => {
    seen = []
    runs = 0
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  it('goes through everything in the order that docs/guards.md tells', async () => {
    const Noted = createParameter(note('parameter'))

    class Checked {
      @IsInt()
      n!: number
    }

    @Use(note('@Use of the base class'))
    @Guard(asking('guard of the base class'))
    abstract class Base {
      @Use(note('@Use of the base method'), {
        preParsing: note('preParsing'),
        preValidation: note('preValidation'),
        preHandler: note('preHandler'),
        preSerialization: note('preSerialization'),
        onSend: note('onSend'),
        onResponse: note('onResponse'),
      })
      @Guard(asking('guard of the base method'))
      post(_noted: unknown, _body: Checked): unknown {
        return {}
      }
    }

    @Controller('/order')
    @Guard(asking('guard of the class'))
    @Use(note('@Use of the class'))
    class Ordered extends Base {
      @Guard(asking('guard of the method'))
      @Post()
      @Use(note('@Use of the method'))
      override post(@Noted() _noted: unknown, @Body() body: Checked) {
        seen.push('method')
        return body
      }
    }
    const { app } = await serve([Ordered], {
      guards: [asking('guard of the app')],
      setup: app => void app.addHook('onRequest', async () => void seen.push('hook of the app')),
    })

    seen = []
    await request(app.server).post('/order').send({ n: 1 }).expect(200)

    await until(() => seen.includes('onResponse'))
    expect(seen).to.deep.equal([
      'hook of the app',
      '@Use of the base class',
      '@Use of the class',
      '@Use of the base method',
      '@Use of the method',
      'guard of the app',
      'guard of the base class',
      'guard of the class',
      'guard of the base method',
      'guard of the method',
      'preParsing',
      'preValidation',
      'preHandler',
      'parameter',
      'method',
      'preSerialization',
      'onSend',
      'onResponse',
    ])
  })

  it('is open to whom all guards allow, and to nobody else', async () => {
    for (const [first, second, status] of [
      [true, true, 200],
      [true, false, 403],
      [false, true, 403],
    ] as const) {
      @Controller()
      @Guard(asking('first', first))
      class Both {
        @Get('/')
        @Guard(asking('second', second))
        get() {
          return 'both'
        }
      }
      seen = []
      const { app } = await serve([Both])

      await request(app.server).get('/').expect(status)

      expect(seen).to.deep.equal(first ? ['first', 'second'] : ['first'])
    }
  })

  it('is closed by a guard of the app to every controller', async () => {
    @Controller('/open')
    class Open {
      @Get()
      get() {
        return 'open'
      }
    }
    const { app } = await serve([Open, Area], { guards: [asking('app', false)] })

    expect((await request(app.server).get('/open')).status).to.equal(403)
    expect((await request(app.server).get('/members')).status).to.equal(403)
  })

  it('answers 401, 403 and 200 by who asks', async () => {
    const { app } = await serve([Area])
    const ask = (user?: string) =>
      request(app.server)
        .get('/members')
        .set(user ? { authorization: user } : {})

    expect((await ask()).body).to.include({ status: 401, detail: 'Who is it?' })
    expect((await ask('eve')).text).to.equal(FORBIDDEN)
    expect((await ask('bob')).body).to.deep.equal({ id: 'bob' })
    expect(runs).to.equal(1)
  })

  it('lets nobody in by an error of its guard', async () => {
    const { app } = await serve([Area])

    const { status, text } = await request(app.server).get('/members').set('authorization', 'broken')

    expect(status).to.equal(500)
    expect(text).not.to.contain('hunter2')
    expect(runs).to.equal(0)
  })

  it('does not tell one request from whom another came', async () => {
    @Controller('/mixed')
    class Mixed {
      @Get('/guarded')
      @Guard(Members)
      guarded(@Principal() { id }: Principal) {
        return id
      }

      @Get('/open')
      open(@Principal() principal?: Principal) {
        return { known: principal !== undefined }
      }
    }
    const { url } = await serve([Mixed])
    const guarded = await fetch(`${url}/mixed/guarded`, { headers: { authorization: 'ada' } })
    expect(await guarded.text()).to.equal('ada')

    const open = await fetch(`${url}/mixed/open`, { headers: { authorization: 'ada' } })

    expect(await open.json()).to.deep.equal({ known: false })
  })

  it('refuses before the body has come', async () => {
    const { url } = await serve([Area])

    const connection = await Connection.open(
      url,
      'POST /members HTTP/1.1\r\nhost: okapi\r\nauthorization: eve\r\n' +
        'content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{',
    )

    await connection.has(FORBIDDEN)
    expect(connection.text).to.match(/^HTTP\/1\.1 403 Forbidden\r\n/)
  })

  it('refuses with 403 what would be refused with 400, 413 or 415 as well', async () => {
    const { app } = await serve([Area], { fastify: { bodyLimit: 100 } })
    const post = (user: string, type: string, body: string) =>
      request(app.server).post('/members').set('authorization', user).type(type).send(body)

    for (const [type, body, status] of [
      ['json', '{', 400],
      ['json', '{"count":"x"}', 400],
      ['json', JSON.stringify({ count: 'x'.repeat(200) }), 413],
      ['application/unknown', 'x', 415],
    ] as const) {
      expect((await post('eve', type, body)).status).to.equal(403)
      expect((await post('ada', type, body)).status).to.equal(status)
    }
  })

  it('refuses HEAD as it refuses GET', async () => {
    const { app } = await serve([Area])
    const head = (user: string) => request(app.server).head('/members').set('authorization', user)

    expect((await head('eve')).status).to.equal(403)
    expect(runs).to.equal(0)
    expect((await head('ada')).status).to.equal(200)
  })

  it('refuses over HTTP/2 too', async () => {
    const { url } = await serve([Area], { fastify: { http2: true } })
    const session = connect(url)
    const stream = session.request({ ':path': '/members', authorization: 'eve' })

    const [headers] = await once(stream, 'response')

    expect(headers[':status']).to.equal(403)
    session.destroy()
  })

  describe('that streams', () => {
    it('is refused before the stream opens', async () => {
      const { app, url } = await serve([Area])

      const stream = await subscribe(`${url}/members/live`, { headers: { authorization: 'eve' } })
      await stream.rest()

      expect(stream.status).to.equal(403)
      expect(stream.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      expect(stream.text()).to.equal(FORBIDDEN)
      expect({ runs, open: app.streams.size }).to.deep.equal({ runs: 0, open: 0 })
    })

    it('streams to whom it allows', async () => {
      const { url } = await serve([Area])

      const stream = await subscribe(`${url}/members/live`, { headers: { authorization: 'ada' } })

      expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['ada', '{"reason":"done"}'])
    })

    it('ends an EventSource that is refused', async () => {
      const { url } = await serve([Area])
      const source = new EventSource(`${url}/members/live`)

      const [error] = (await once(source, 'error')) as [{ code?: number }]

      expect(error.code).to.equal(401)
      expect(source.readyState).to.equal(EventSource.CLOSED)
    })

    it('asks again when a client comes back, also with the mark of the end', async () => {
      const { app } = await serve([Area])

      const { status } = await request(app.server)
        .get('/members/live')
        .set({ authorization: 'eve', 'last-event-id': 'stream.end' })

      expect(status).to.equal(403)
    })
  })

  it('stands in an app of somebody else, by the plugin', async () => {
    const app = fastify()
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send('not mine'))
    await app.register(okapi, {
      controllers: [Area],
      prefix: '/api',
      guards: [asking('app')],
      filters: [filter(UnauthorizedError, () => new HttpError(407))],
    })
    await app.ready()
    const ask = (headers: Record<string, string>) => app.inject({ url: '/api/members', headers })

    expect((await ask({ authorization: 'ada' })).json()).to.deep.equal({ id: 'ada' })
    expect((await ask({ authorization: 'eve' })).body).to.equal(FORBIDDEN)
    expect((await ask({})).statusCode).to.equal(407)
    expect(seen).to.deep.equal(['app', 'app', 'app'])
    await app.close()
  })

  it('takes request.principal that an app has declared already, and what its hooks have set', async () => {
    const app = fastify()
    app.decorateRequest('principal')
    app.addHook('onRequest', async request => {
      request.principal = { id: 'hook' }
    })
    @Controller('/who')
    class Who {
      @Get()
      who(@Principal() { id }: Principal) {
        return id
      }
    }
    await app.register(okapi, { controllers: [Who], prefix: '/a' })
    await app.register(okapi, { controllers: [Who], prefix: '/b' })

    expect((await app.inject('/a/who')).body).to.equal('hook')
    expect((await app.inject('/b/who')).body).to.equal('hook')
    await app.close()
  })

  it('costs the others nothing: a route without any of this has no hook and no error handler', async () => {
    const routes: RouteOptions[] = []
    const setup: AppOptions['setup'] = app => void app.addHook('onRoute', route => void routes.push(route))

    @Controller('/plain')
    class Plain {
      @Get()
      get() {
        return 'plain'
      }
    }
    await serve([Plain, Area], { setup })
    const keysOf = (path: string) => Object.keys(routes.find(({ url }) => url === path) ?? {})

    expect(keysOf('/plain')).not.to.include.any.members(['onRequest', 'preHandler', 'onSend', 'errorHandler'])
    expect(keysOf('/members')).to.include('onRequest').and.not.include('errorHandler')
  })
})

describe('A filtered error', () => {
  class SoldOut extends Error {
    readonly left: number

    constructor(left: number) {
      super('secret: the warehouse is empty')
      this.left = left
    }
  }

  const soldOut = ({ left }: SoldOut, { url }: FastifyRequest) =>
    new HttpError(409, 'Sold out', {
      code: 'SOLD_OUT',
      headers: { 'retry-after': '60' },
      problem: { type: 'https://example.com/sold-out', title: 'Nothing left', instance: url, left },
    })

  const problem = (url: string) => ({
    type: 'https://example.com/sold-out',
    title: 'Nothing left',
    status: 409,
    detail: 'Sold out',
    code: 'SOLD_OUT',
    instance: url,
    left: 3,
  })

  const fail = (): never => {
    throw new SoldOut(3)
  }

  const Failing = createParameter(fail)

  class FailingGuard implements Guard {
    allow(): boolean {
      return fail()
    }
  }

  let lines: LogLine[] = []
  let told: unknown[] = []

  @Controller('/shop')
  @Catch(SoldOut, soldOut)
  class Shop {
    @Get('/plain')
    plain() {
      fail()
    }

    @Get('/later')
    async later() {
      fail()
    }

    @Get('/parameter')
    parameter(@Failing() _value: string) {}

    @Get('/hook')
    @Use(fail)
    hook() {}

    @Get('/send')
    @Use({ onSend: (_request, _reply, payload) => (payload === 'sent' ? fail() : Promise.resolve(payload)) })
    send() {
      return 'sent'
    }

    @Get('/guard')
    @Guard(FailingGuard)
    guard() {}

    @SSE('/early')
    async *early() {
      yield fail()
    }

    @SSE('/late', { onError: error => void told.push(error) })
    async *late() {
      yield 1
      fail()
    }

    @SSE('/unknown')
    async *unknown() {
      yield 1
      throw new TypeError('secret')
    }

    @SSE('/broken')
    @Catch(TypeError, () => {
      throw new Error('secret of the filter')
    })
    async *broken() {
      yield 1
      throw new TypeError('secret')
    }

    @Post('/body')
    @Catch(InvalidRequestError, ({ issues }) => new HttpError(422, undefined, { problem: { wrong: issues.length } }))
    body(@Body() _order: Order) {}
  }

  const start = () => serve([Shop], { fastify: { logger: logger(lines) } })

  beforeEach(() => {
    lines = []
    told = []
  })
  afterEach(closeAll)

  for (const path of ['plain', 'later', 'parameter', 'hook', 'send', 'guard', 'early']) {
    it(`is answered with its problem, wherever it arises (${path})`, async () => {
      const { app } = await start()

      const { status, headers, body } = await request(app.server).get(`/shop/${path}`)

      expect(status).to.equal(409)
      expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
      expect(headers['retry-after']).to.equal('60')
      expect(body).to.deep.equal(problem(`/shop/${path}`))
      expect(lines).to.deep.equal([])
    })
  }

  it('ends a stream that has begun with its problem; the log and onError are told the error itself', async () => {
    const { url } = await start()

    const stream = await subscribe(`${url}/shop/late`)
    await stream.rest()

    expect(stream.text()).to.equal(
      'data: 1\n\nevent: stream:error\ndata: {"type":"https://example.com/sold-out","title":"Nothing left",' +
        '"status":409,"detail":"Sold out","code":"SOLD_OUT","instance":"/shop/late","left":3}\n\n',
    )
    expect(told).to.have.length(1)
    expect(told[0]).to.be.instanceOf(SoldOut)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.have.nested.property('err.message', 'secret: the warehouse is empty')
  })

  for (const path of ['unknown', 'broken']) {
    it(`tells a stream nothing of an error that no filter has an answer for (${path})`, async () => {
      const { url } = await start()

      const stream = await subscribe(`${url}/shop/${path}`)
      await stream.rest()

      expect(stream.text()).to.equal(
        'data: 1\n\nevent: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n',
      )
      expect(lines.map(({ msg }) => msg)).to.deep.equal(
        path === 'broken' ? ['An event stream failed', 'An error filter failed'] : ['An event stream failed'],
      )
    })
  }

  it('may be one of the framework: a body that is invalid', async () => {
    const { app } = await start()

    const { status, body } = await request(app.server).post('/shop/body').send({ count: 'x' })

    expect(status).to.equal(422)
    expect(body).to.deep.equal({ type: 'about:blank', title: 'Unprocessable Entity', status: 422, wrong: 1 })
  })
})
