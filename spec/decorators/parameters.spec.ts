import { once } from 'node:events'
import { connect } from 'node:http2'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { IsInt, Max } from 'class-validator'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type AppOptions,
  Body,
  Controller,
  Cookie,
  createParameter,
  EventWriter,
  ForbiddenError,
  Get,
  Guard,
  Header,
  LastEventId,
  metadata,
  Param,
  Post,
  Principal,
  Query,
  Reply,
  Req,
  Signal,
  SSE,
  Stream,
} from 'okapi'
import request from 'supertest'
import { protest, refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const signals: AbortSignal[] = []

/** A promise of nobody's: as the queries of some libraries are. */
class Lazy {
  readonly value: string

  constructor(value: string) {
    this.value = value
  }

  // biome-ignore lint/suspicious/noThenProperty: it is to be awaited
  then(resolve: (value: string) => void) {
    resolve(this.value)
  }
}

@Controller('/read')
class Readers {
  @Get('/param/:symbol/:day')
  param(@Param('day') day: Date, @Param('symbol') symbol: string) {
    return { symbol, day: day.getTime() }
  }

  @Get('/params/:symbol/:day')
  params(@Param() all: Record<string, string>) {
    return all
  }

  @Get('/rest/*')
  rest(@Param('*') path: string) {
    return path
  }

  @Get('/query')
  query(@Query('page') page: number, @Query('tag', { items: String }) tags: string[]) {
    return { page, tags }
  }

  @Get('/queries')
  queries(@Query() all: Record<string, string>) {
    return all
  }

  @Post('/body')
  body(@Body({ validate: false }) all: { n: number }) {
    return all
  }

  @Post('/body/property')
  property(@Body('n') n: number) {
    return { n }
  }

  @Get('/header')
  header(@Header('X-Request-Source') source: string) {
    return { source }
  }

  @Get('/headers')
  headers(@Header() all: Record<string, string>) {
    return { source: all['x-request-source'] }
  }

  @Get('/cookie')
  cookie(@Cookie('visits') visits: number, @Cookie() all: Record<string, string>) {
    return { visits, all }
  }

  @Get('/request')
  request(@Req() { method, url }: FastifyRequest) {
    return { method, url }
  }

  @Get('/reply')
  reply(@Reply() reply: FastifyReply) {
    reply.code(202).header('x-by', 'reply').send('sent')
  }

  @Get('/reply/later')
  later(@Reply() reply: FastifyReply) {
    setImmediate(() => reply.send('sent later'))
  }

  @Get('/reply/beside')
  beside(@Reply() reply: FastifyReply) {
    return reply.header('x-by', 'reply').code(203).send('sent')
  }

  @Get('/reply/headers')
  head(@Reply() reply: FastifyReply) {
    reply.code(201).header('x-by', 'reply').setCookie('seen', 'yes', { path: '/', httpOnly: true, sameSite: 'strict' })
    return { sent: true }
  }

  @Get('/gap')
  gap(@Query('page') page: number, unread = 'nobody') {
    return { page, unread }
  }

  @Get('/signal')
  async signal(@Signal() signal: AbortSignal) {
    signals.push(signal)
    await sleep(10_000, null, { signal })
  }

  @Get('/signal/done')
  done(@Signal() signal: AbortSignal) {
    signals.push(signal)
    return 'done'
  }
}

@Controller('/live')
class Live {
  @SSE('/last')
  *last(@LastEventId() id = 'none') {
    yield id
  }

  @SSE('/signal')
  async *signal(@Signal() signal: AbortSignal) {
    signals.push(signal)
    yield 'begun'
    await once(signal, 'abort')
  }

  @SSE('/stream')
  async stream(@Stream() stream: EventWriter) {
    await stream.event('tick', stream instanceof EventWriter)
  }

  @SSE('/reply')
  *reply(@Reply() reply: FastifyReply, @Req() request: FastifyRequest) {
    reply.header('x-stream', 'yes')
    yield request.url
  }
}

describe('parameter decorators', () => {
  let server: Awaited<ReturnType<typeof serve>>

  beforeEach(async () => {
    signals.length = 0
    server = await serve([Readers, Live])
  })
  afterEach(closeAll)

  const get = (path: string) => request(server.app.server).get(`/read${path}`)

  describe('@Param', () => {
    it('reads a parameter of the path as the type of the parameter', async () => {
      const { body } = await get('/param/A%C3%84%20B/2026-01-31')

      expect(body).to.deep.equal({ symbol: 'AÄ B', day: Date.UTC(2026, 0, 31) })
    })

    it('is answered 400 with its name if it does not convert', async () => {
      const { status, body } = await get('/param/A/today')

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([
        {
          in: 'path',
          property: 'day',
          constraint: 'date',
          detail: 'The path parameter "day" is not a date such as 2026-01-31T12:00:00Z',
        },
      ])
    })

    it('reads all of them without a name', async () => {
      const { body } = await get('/params/A/today')

      expect(body).to.deep.equal({ symbol: 'A', day: 'today' })
    })

    it('reads what a wildcard stands for', async () => {
      expect((await get('/rest/a/b')).text).to.equal('a/b')
    })
  })

  describe('@Query', () => {
    it('reads one value, and every value for an array', async () => {
      const { body } = await get('/query?page=2&tag=a&tag=b')

      expect(body).to.deep.equal({ page: 2, tags: ['a', 'b'] })
    })

    it('makes an array of a single value, and leaves out what is not given', async () => {
      expect((await get('/query?tag=a')).body).to.deep.equal({ tags: ['a'] })
      expect((await get('/query')).body).to.deep.equal({})
    })

    it('is answered 400 for several values where one is wanted', async () => {
      const { status, body } = await get('/query?page=1&page=2')

      expect(status).to.equal(400)
      expect(body.errors[0].detail).to.equal('The query parameter "page" is not a single value')
    })

    it('reads all of them without a name', async () => {
      expect((await get('/queries?a=1&b=2')).body).to.deep.equal({ a: '1', b: '2' })
    })
  })

  describe('@Body', () => {
    const post = (path: string) => request(server.app.server).post(`/read${path}`)

    it('reads the whole body unchecked if its type is an interface', async () => {
      expect((await post('/body').send({ n: 'x', m: 1 })).body).to.deep.equal({ n: 'x', m: 1 })
    })

    it('reads one property of the body', async () => {
      expect((await post('/body/property').send({ n: 5 })).body).to.deep.equal({ n: 5 })
    })

    it('has no property in an empty body, and is answered 400 where the body is null or a text', async () => {
      expect((await post('/body/property')).body).to.deep.equal({})
      for (const [type, sent] of [
        ['json', 'null'],
        ['text', 'n'],
      ] as const) {
        const { status, body } = await post('/body/property').type(type).send(sent)

        expect(status).to.equal(400)
        expect(body.errors[0]).to.have.property('detail', 'The body is not an object')
      }
    })

    it('is answered 400 with the name of the property if it has another type', async () => {
      const { status, body } = await post('/body/property').send({ n: true })

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([
        { in: 'body', property: 'n', constraint: 'number', detail: 'The property "n" of the body is not a number' },
      ])
    })
  })

  describe('@Header', () => {
    it('reads a header, in any case of letters', async () => {
      expect((await get('/header').set('x-request-SOURCE', 'spec')).body).to.deep.equal({ source: 'spec' })
    })

    it('reads all of them without a name', async () => {
      expect((await get('/headers').set('X-Request-Source', 'spec')).body).to.deep.equal({ source: 'spec' })
    })
  })

  describe('@Cookie', () => {
    it('reads one cookie, and all of them', async () => {
      const { body } = await get('/cookie').set('cookie', 'visits=3; theme=dark%20blue')

      expect(body).to.deep.equal({ visits: 3, all: { visits: '3', theme: 'dark blue' } })
    })

    it('is answered 400 with its name if it does not convert', async () => {
      const { status, body } = await get('/cookie').set('cookie', 'visits=many')

      expect(status).to.equal(400)
      expect(body.errors[0]).to.include({ in: 'cookie', property: 'visits' })
      expect(body.errors[0].detail).to.equal('The cookie "visits" is not a number')
    })
  })

  describe('@Req', () => {
    it("gives Fastify's request", async () => {
      expect((await get('/request?a=1')).body).to.deep.equal({ method: 'GET', url: '/read/request?a=1' })
    })
  })

  describe('@Reply', () => {
    it('sends in place of a returned value', async () => {
      const { status, headers, text } = await get('/reply')

      expect({ status, by: headers['x-by'], text }).to.deep.equal({ status: 202, by: 'reply', text: 'sent' })
    })

    it('sends after the method has returned nothing', async () => {
      expect((await get('/reply/later')).text).to.equal('sent later')
    })

    it('may be returned', async () => {
      const { status, text } = await get('/reply/beside')

      expect({ status, text }).to.deep.equal({ status: 203, text: 'sent' })
    })

    it('sets status, headers and cookies beside a returned value', async () => {
      const { status, headers, body } = await get('/reply/headers')

      expect(status).to.equal(201)
      expect(headers['x-by']).to.equal('reply')
      expect(headers['set-cookie']).to.deep.equal(['seen=yes; Path=/; HttpOnly; SameSite=Strict'])
      expect(body).to.deep.equal({ sent: true })
    })

    it('sets the headers of a stream before its first event', async () => {
      const stream = await subscribe(`${server.url}/live/reply`)

      expect(stream.headers.get('x-stream')).to.equal('yes')
      expect(await stream.take(1)).to.have.nested.property('[0].data', '/live/reply')
    })
  })

  describe('@LastEventId', () => {
    it('is undefined on the first visit, so that a default value works', async () => {
      expect((await request(server.app.server).get('/live/last')).text).to.match(/^data: none\n\n/)
    })

    it('is what the client sends when it comes back, the empty string too', async () => {
      const last = (id: string) => request(server.app.server).get('/live/last').set('last-event-id', id)

      expect((await last('42')).text).to.match(/^data: 42\n\n/)
      expect((await last('')).text).to.match(/^data: \n\n/)
    })
  })

  describe('@Signal', () => {
    it('fires when the client of a plain request leaves', async () => {
      const controller = new AbortController()
      const answer = fetch(`${server.url}/read/signal`, { signal: controller.signal }).catch(() => 'left')
      await until(() => signals.length === 1)

      controller.abort()

      expect(await answer).to.equal('left')
      await until(() => signals[0]?.aborted === true)
    })

    for (const http2 of [false, true]) {
      it(`has fired if the client left while hooks ran, over HTTP/${http2 ? 2 : 1}`, async () => {
        let arrived = false
        const setup: AppOptions['setup'] = app => {
          app.addHook('preHandler', async (_request, reply) => {
            const closed = once(reply.raw, 'close')
            arrived = true
            await closed
          })
        }
        const { url } = await serve([Readers], { setup, fastify: { http2 } })
        const leave = http2 ? askHttp2(`${url}/read/signal/done`) : askHttp1(`${url}/read/signal/done`)
        await until(() => arrived)

        leave()

        await until(() => signals.length === 1)
        expect(signals[0]?.aborted).to.equal(true)
      })
    }

    it('does not fire when a plain request has its answer', async () => {
      expect((await get('/signal/done')).text).to.equal('done')

      await server.app.close()

      expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false])
    })

    it('does not fire for a plain request when the app closes', async () => {
      const controller = new AbortController()
      const answer = fetch(`${server.url}/read/signal`, { signal: controller.signal }).catch(() => 'left')
      await until(() => signals.length === 1)

      const closed = server.app.close()
      await sleep(30)
      const early = signals[0]?.aborted
      controller.abort()

      expect(early).to.equal(false)
      expect(await answer).to.equal('left')
      await closed
    })

    it('fires when the client of a stream leaves', async () => {
      const stream = await subscribe(`${server.url}/live/signal`)
      await stream.take(1)

      stream.leave()

      await until(() => signals[0]?.aborted === true)
    })

    it('fires for a stream when the app closes', async () => {
      const stream = await subscribe(`${server.url}/live/signal`)
      await stream.take(1)

      await server.app.close()

      expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true])
      await stream.rest()
    })
  })

  describe('@Stream', () => {
    it('gives a writer that sends by calls', async () => {
      const { text } = await request(server.app.server).get('/live/stream')

      expect(text).to.match(/^event: tick\ndata: true\n\n/)
    })
  })

  describe('@Principal', () => {
    class Ada implements Guard {
      async allow() {
        return { id: 'ada', roles: ['admin'] }
      }
    }

    interface User extends Principal {
      roles: string[]
    }

    @Controller('/who')
    class Who {
      @Get('/guarded')
      @Guard(Ada)
      guarded(@Principal() user: User) {
        return user
      }

      @Get('/open')
      open(@Principal() principal?: Principal) {
        return { principal: principal ?? 'nobody' }
      }

      @SSE('/stream')
      @Guard(Ada)
      *stream(@Principal() principal: Principal) {
        yield principal.id
      }
    }

    it('gives who a guard has found, for a stream too, and undefined where none has asked', async () => {
      const { app } = await serve([Who])

      expect((await request(app.server).get('/who/guarded')).body).to.deep.equal({ id: 'ada', roles: ['admin'] })
      expect((await request(app.server).get('/who/open')).body).to.deep.equal({ principal: 'nobody' })
      expect((await request(app.server).get('/who/stream')).text).to.match(/^data: ada\n\n/)
    })
  })

  describe('createParameter', () => {
    class Page {
      @IsInt()
      @Max(9)
      page!: number
    }

    const Label = metadata<string>('Label')
    const Url = createParameter(request => request.url)
    const Labelled = createParameter((_request, context) => `${context.get(Label)} ${context.name}`)
    const Agent = createParameter(async (request, _context, name: string, times: number) => {
      await turn()
      return String(request.headers[name]).repeat(times)
    })
    const Thenable = createParameter(() => new Lazy('awaited'))
    const Forbidden = createParameter(() => {
      throw new ForbiddenError('Not yours')
    })
    const Broken = createParameter(() => Promise.reject(new Error('password=hunter2')))
    const Later = createParameter(
      async (request, _context, name: string) => (request.query as Record<string, unknown>)[name],
      { in: 'query', name: 'Later' },
    )
    const Pages = createParameter(request => request.query, { in: 'query' })
    const Nothing = createParameter(() => undefined, { in: 'body' })

    @Controller('/own')
    @Label('price')
    class Own {
      @Get('/url')
      url(@Url() url: string) {
        return url
      }

      @Get('/context')
      context(@Labelled() label: string) {
        return label
      }

      @Get('/agent')
      agent(@Agent('x-agent', 2) agent: string, @Query('n') n: number, @Thenable() text: string) {
        return { agent, n, text }
      }

      @Get('/forbidden')
      forbidden(@Forbidden() _never: string) {}

      @Get('/broken')
      broken(@Broken() _never: string) {}

      @Get('/later')
      later(@Later('page') page: number, @Later('size') size: number) {
        return { page, size }
      }

      @Get('/pages')
      pages(@Pages() page: Page) {
        return { isPage: page instanceof Page, ...page }
      }

      @Get('/nothing')
      nothing(@Nothing() page?: Page, @Nothing() id?: string) {
        return { page: page === undefined, id: id === undefined }
      }

      @Get('/raw')
      raw(@Url() url: number) {
        return typeof url
      }

      @SSE('/stream')
      *stream(@Url() url: string) {
        yield url
      }
    }

    const own = async (path: string) =>
      request((await serve([Own])).app.server)
        .get(`/own${path}`)
        .set('x-agent', 'a')

    it('makes a parameter of what a function reads from the request', async () => {
      expect((await own('/url?a=1')).text).to.equal('/own/url?a=1')
      expect((await own('/stream')).text).to.match(/^data: \/own\/stream\n\n/)
    })

    it('gives the function the route and its metadata', async () => {
      expect((await own('/context')).text).to.equal('price Own.context GET /own/context')
    })

    it('gives the function what the decorator was given, and waits for its promise', async () => {
      expect((await own('/agent?n=1')).body).to.deep.equal({ agent: 'aa', n: 1, text: 'awaited' })
    })

    it('answers what the function throws like any other error', async () => {
      const forbidden = await own('/forbidden')
      const broken = await own('/broken')

      expect([forbidden.status, forbidden.body.detail]).to.deep.equal([403, 'Not yours'])
      expect(broken.body).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })

    it('takes the value as it is, whatever the type of the parameter', async () => {
      expect((await own('/raw')).text).to.equal('string')
    })

    it('converts the value like one of the part that it is read from', async () => {
      expect((await own('/later?page=2')).body).to.deep.equal({ page: 2 })

      const { status, body } = await own('/later?page=two&size=big')

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([
        { in: 'query', property: 'page', constraint: 'number', detail: 'The query parameter "page" is not a number' },
        { in: 'query', property: 'size', constraint: 'number', detail: 'The query parameter "size" is not a number' },
      ])
    })

    it('checks a DTO like one of the part that it is read from', async () => {
      expect((await own('/pages?page=2')).body).to.deep.equal({ isPage: true, page: 2 })

      const { status, body } = await own('/pages?page=10')

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([
        { in: 'query', property: 'page', constraint: 'max', detail: 'page must not be greater than 9' },
      ])
    })

    it('may give nothing', async () => {
      expect((await own('/nothing')).body).to.deep.equal({ page: true, id: true })
    })

    it('refuses, at boot, a type that is lost or has no rules where it is to be checked', async () => {
      class Ruleless {}

      @Controller()
      class Unchecked {
        @Get()
        get(@Pages() _page: Ruleless) {}
      }
      @Controller()
      class Lost {
        @Get()
        get(@Pages() _page: () => void) {}
      }

      expect(await refusal([Unchecked])).to.match(/^Unchecked\.get, parameter 0: its type Ruleless has no rules/)
      expect(await refusal([Lost])).to.equal(
        'Lost.get, parameter 0: the type of @createParameter() is lost: import its class as a value, not by "import type"',
      )
    })

    it('names itself where it stands wrongly', () => {
      const said = protest(() => {
        class Doubly {
          find(@Url() @Later('id') id: string) {
            return id
          }
        }
        return Doubly
      })

      expect(said).to.equal("Doubly.find, parameter 0: has both @createParameter() and @Later('id'); keep one")
    })

    it('refuses what is no function', () => {
      expect(protest(() => createParameter(undefined as never))).to.equal(
        'createParameter(): needs a function (request, context), not undefined',
      )
    })
  })

  it('leave a parameter without a decorator to its default value', async () => {
    expect((await get('/gap?page=2')).body).to.deep.equal({ page: 2, unread: 'nobody' })
  })

  it('cannot stand on one parameter twice', () => {
    const said = protest(() => {
      class Doubly {
        find(@Query() @Param('id') id: string) {
          return id
        }
      }
      return Doubly
    })

    expect(said).to.equal("Doubly.find, parameter 0: has both @Query() and @Param('id'); keep one")
  })

  it('cannot stand on a parameter of a constructor', () => {
    const said = protest(() => {
      class Early {
        constructor(@(Body('name') as ParameterDecorator) readonly name: string) {}
      }
      return Early
    })

    expect(said).to.equal(
      "Early, constructor parameter 0: @Body('name') reads a request; there is none yet. Move it to a method",
    )
  })

  it('refuses an option of the validation that nobody reads', () => {
    const declared = (validate: unknown) =>
      protest(() => {
        class Orders {
          take(@Body({ validate: validate as object }) order: object) {
            return order
          }
        }
        return Orders
      })

    expect(declared({ whitelst: false })).to.equal(
      'Orders.take, parameter 0, @Body(), option validate: knows no whitelst: is it whitelist?',
    )
    expect(declared(true)).to.match(/^Orders\.take, parameter 0, @Body\(\), option validate: takes an object with /)
  })

  it('cannot stand on a parameter of a static method', () => {
    const said = protest(() => {
      class Fixed {
        static find(@Query('id') id: string) {
          return id
        }

        found() {
          return this
        }
      }
      return Fixed
    })

    expect(said).to.equal("Fixed.find: @Query('id') stands on a static method; make it a method")
  })
})

/** Asks, and does not wait for the answer. Returns how to leave. */
function askHttp1(url: string): () => void {
  const controller = new AbortController()
  fetch(url, { signal: controller.signal }).catch(() => 'left')
  return () => controller.abort()
}

function askHttp2(url: string): () => void {
  const session = connect(url)
  session.request({ ':path': new URL(url).pathname })
  return () => session.destroy()
}
