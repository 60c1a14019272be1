import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import {
  All,
  Body,
  Controller,
  DefinitionError,
  Delete,
  describeApi,
  Get,
  Head,
  HttpCode,
  Options,
  Patch,
  Post,
  Put,
  Query,
  Req,
  SetHeader,
  SSE,
} from 'okapi'
import request from 'supertest'
import { protest, refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

describe('route decorators', () => {
  afterEach(closeAll)

  describe('of the verbs', () => {
    @Controller('/verbs')
    class Verbs {
      @Get()
      get() {
        return 'get'
      }

      @Post()
      post() {
        return 'post'
      }

      @Put()
      put() {
        return 'put'
      }

      @Patch()
      patch() {
        return 'patch'
      }

      @Delete()
      delete() {
        return 'delete'
      }

      @Options()
      options() {
        return 'options'
      }

      @Get('/head')
      head() {
        return 'the whole answer'
      }

      @Get('/own')
      whole() {
        return 'the whole answer'
      }

      @Head('/own')
      @SetHeader('x-head', 'own')
      own() {}

      @Get('/one')
      @Get('/two')
      @Put('/one')
      several(@Query('q') q: string = 'none') {
        return q
      }
    }

    for (const verb of ['get', 'post', 'put', 'patch', 'delete', 'options'] as const) {
      it(`answer ${verb.toUpperCase()} requests`, async () => {
        const { app } = await serve([Verbs])

        const { status, text } = await request(app.server)[verb]('/verbs')

        expect({ status, text }).to.deep.equal({ status: 200, text: verb })
      })
    }

    it('answer HEAD with the head of a @Get', async () => {
      const { app } = await serve([Verbs])

      const { status, headers, text } = await request(app.server).head('/verbs/head')

      expect({ status, length: headers['content-length'], text }).to.deep.equal({
        status: 200,
        length: '16',
        text: undefined,
      })
    })

    it('answer HEAD by a @Head of its own beside a @Get', async () => {
      const { app } = await serve([Verbs])

      const head = await request(app.server).head('/verbs/own')
      const get = await request(app.server).get('/verbs/own')

      expect(head.status).to.equal(204)
      expect(head.headers['x-head']).to.equal('own')
      expect(get.text).to.equal('the whole answer')
    })

    it('may stand on a method several times', async () => {
      const { app } = await serve([Verbs])

      expect((await request(app.server).get('/verbs/one?q=1')).text).to.equal('1')
      expect((await request(app.server).get('/verbs/two?q=2')).text).to.equal('2')
      expect((await request(app.server).put('/verbs/one?q=3')).text).to.equal('3')
    })
  })

  describe('@All', () => {
    @Controller('/echo')
    class Echo {
      @All('/:rest')
      echo(@Req() { method }: FastifyRequest, @Body('text') text?: string) {
        return { method, text }
      }

      @Get('/own')
      own() {
        return 'own'
      }
    }

    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      it(`answers ${method} requests`, async () => {
        const { app } = await serve([Echo])

        const { body } = await app.inject({ method, url: '/echo/x' })

        expect(JSON.parse(body)).to.deep.equal({ method })
      })
    }

    it('answers HEAD with the head of what it returns', async () => {
      const { app } = await serve([Echo])

      const { statusCode, headers, body } = await app.inject({ method: 'HEAD', url: '/echo/x' })

      expect([statusCode, headers['content-length'], body]).to.deep.equal([200, '17', ''])
    })

    it('reads the body where there is one', async () => {
      const { app } = await serve([Echo])

      const { body } = await app.inject({ method: 'PUT', url: '/echo/x', payload: { text: 'hello' } })

      expect(JSON.parse(body)).to.deep.equal({ method: 'PUT', text: 'hello' })
    })

    it('leaves a path to the route that names it', async () => {
      const { app } = await serve([Echo])

      expect((await app.inject('/echo/own')).body).to.equal('own')
    })

    it('takes the path, so that another method of it is refused', async () => {
      @Controller('/echo')
      class Doubled {
        @Get('/x')
        get() {}

        @All('/x')
        all() {}
      }

      expect(await refusal([Doubled])).to.equal(
        'Doubled.all: serves GET /echo/x, which Doubled.get serves already; change one of the paths',
      )
    })

    it('is documented under each method, and without a body under GET', () => {
      const { paths } = describeApi([Echo], { info: { title: 'Echo', version: '1' } })
      const documented = Object.entries(paths['/echo/{rest}'] ?? {})

      expect(documented.map(([method, operation]) => [method, 'requestBody' in operation])).to.deep.equal([
        ['get', false],
        ['post', true],
        ['put', true],
        ['patch', true],
        ['delete', true],
        ['options', true],
      ])
    })
  })

  describe('@SSE', () => {
    let runs = 0

    @Controller('/live')
    class Live {
      @SSE('/counted')
      async *counted() {
        runs++
        yield 1
      }

      @SSE('/asked', { method: 'POST', retry: 5 })
      *asked() {
        yield 'answered'
      }

      @SSE('', { method: 'PUT' })
      @HttpCode(202)
      @SetHeader('X-Stream', 'yes')
      *root() {
        yield 'root'
      }

      @Post()
      post() {
        return 'posted'
      }
    }

    beforeEach(() => {
      runs = 0
    })

    it('sends what the method yields as an event stream', async () => {
      const { url } = await serve([Live])

      const stream = await subscribe(`${url}/live/counted`)

      expect(stream.status).to.equal(200)
      expect(stream.headers.get('content-type')).to.equal('text/event-stream')
      expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['1', '{"reason":"done"}'])
    })

    it('answers another method if the options say so', async () => {
      const { app } = await serve([Live])

      const { text } = await request(app.server).post('/live/asked')

      expect(text).to.equal('retry: 5\n\ndata: answered\n\n')
    })

    it('stands beside other methods on one path, with a status and headers', async () => {
      const { app } = await serve([Live])

      const { status, headers, text } = await request(app.server).put('/live')
      const posted = await request(app.server).post('/live')

      expect(status).to.equal(202)
      expect(headers['x-stream']).to.equal('yes')
      expect(text).to.match(/^data: root\n\n/)
      expect(posted.text).to.equal('posted')
    })

    it('is not run by HEAD', async () => {
      const { app } = await serve([Live])

      const { status, headers } = await request(app.server).head('/live/counted')

      expect(status).to.equal(405)
      expect(headers.allow).to.equal('GET')
      expect(runs).to.equal(0)
    })
  })

  describe('refuse', () => {
    it('a field', () => {
      const said = protest(() => {
        class Fields {
          @(SSE('/x') as unknown as PropertyDecorator)
          x = async function* () {}
        }
        return Fields
      })

      expect(said).to.equal('Fields.x: @SSE stands on a field or accessor; make it a method: x() { … }')
    })

    it('an accessor', () => {
      const said = protest(() => {
        class Accessors {
          @Get('/x')
          get x() {
            return 1
          }
        }
        return Accessors
      })

      expect(said).to.equal('Accessors.x: @Get stands on a field or accessor; make it a method: x() { … }')
    })

    it('a static method', () => {
      const said = protest(() => {
        class Statics {
          @Delete('/x')
          static x() {}

          y() {}
        }
        return Statics
      })

      expect(said).to.equal('Statics.x: @Delete stands on a static method; make it a method')
    })

    it('a method whose name is a symbol', () => {
      const said = protest(() => {
        class Symbols {
          @Post('/x')
          [Symbol.iterator]() {}
        }
        return Symbols
      })

      expect(said).to.equal('Symbols.Symbol(Symbol.iterator): @Post needs a method with a name, not a symbol')
    })

    it('a path without its leading slash', async () => {
      @Controller('/prices')
      class Slashless {
        @Get('latest')
        latest() {}
      }

      expect(await refusal([Slashless])).to.equal(
        "Slashless.latest: the path 'latest' lacks the leading slash: '/latest'",
      )
    })
  })
})

describe('A decorator that is called as the standard has it', () => {
  it('stops the program with the name of the method, or the class, and the options of the compiler', () => {
    const cure = 'compile with "experimentalDecorators" and "emitDecoratorMetadata"'
    const called = (decorate: unknown, context: object) => () =>
      (decorate as (value: unknown, context: object) => void)(class {}, context)

    for (const [decorate, name] of [
      [Get('/'), '@Get'],
      [SSE('/'), '@SSE'],
      [SetHeader('x', 'y'), '@SetHeader'],
    ] as const) {
      expect(called(decorate, { kind: 'method', name: 'price' })).to.throw(
        DefinitionError,
        `price: ${name} is called as a standard decorator, which is told no types: ${cure}`,
      )
    }
    expect(called(Controller('/'), { kind: 'class', name: 'Prices' })).to.throw(
      DefinitionError,
      `Prices: @Controller is called as a standard decorator, which is told no types: ${cure}`,
    )
  })
})
