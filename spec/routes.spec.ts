import { expect } from 'chai'
import { Body, Controller, type ControllerClass, Get, Head, Param, Post, Query, SetHeader, SSE } from 'okapi'
import request from 'supertest'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

@Controller('/prices')
class Prices {
  @Get('/:symbol')
  price(@Param('symbol') symbol: string) {
    return symbol
  }
}

describe('addControllers', () => {
  afterEach(closeAll)

  describe('refuses the boot', () => {
    it('with a class that is no controller', async () => {
      class Stranger {}

      expect(await refusal([Stranger])).to.equal('Stranger: is not a controller: give the class @Controller(prefix)')
    })

    it('a controller of another copy of the package, which has a ledger of its own', async () => {
      class Foreign {}
      Reflect.defineMetadata('okapi:controller', true, Foreign)

      expect(await refusal([Foreign])).to.equal(
        'Foreign: is a controller of another copy of okapi: "npm ls okapi" tells where it is',
      )
    })

    const items: [what: string, item: unknown, message: string][] = [
      [
        'a class that is not there yet',
        undefined,
        'is no class but undefined. Is its class imported around in a circle?',
      ],
      ['null', null, 'is no class but null: give the class, not an instance'],
      ['an instance', new Prices(), 'is no class but object: give the class, not an instance'],
    ]
    for (const [what, item, message] of items) {
      it(`with ${what} among the controllers`, async () => {
        expect(await refusal([Prices, item as ControllerClass])).to.equal(`controllers, item 1: ${message}`)
      })
    }

    it('with two methods on one route', async () => {
      @Controller('/prices')
      class More {
        @Get('/:id')
        one(@Param('id') id: string) {
          return id
        }
      }

      expect(await refusal([Prices, More])).to.equal(
        'More.one: serves GET /prices/:id, which Prices.price serves already; change one of the paths',
      )
    })

    it('with a stream and an answer on one route', async () => {
      @Controller('/live')
      class Both {
        @Get()
        get() {}

        @SSE('/')
        *live() {
          yield 1
        }
      }

      expect(await refusal([Both])).to.equal(
        'Both.live: serves GET /live, which Both.get serves already; change one of the paths',
      )
    })

    it('with a controller that is there twice', async () => {
      expect(await refusal([Prices, Prices])).to.equal(
        'Prices.price: serves GET /prices/:symbol, which Prices.price serves already; change one of the paths',
      )
    })

    it('with a route that the app serves itself', async () => {
      const said = await refusal([Prices], {
        setup: app => {
          app.get('/prices/:symbol', () => 'mine')
        },
      })

      expect(said).to.equal(
        'Prices.price: serves GET /prices/:symbol, which a route of the app serves already; change one of the paths',
      )
    })

    it('with parameters or headers on a method without a route', async () => {
      @Controller()
      class Routeless {
        find(@Query('q') q: string) {
          return q
        }
      }

      @Controller()
      class Headed {
        @SetHeader('x', 'y')
        find() {}
      }

      expect(await refusal([Routeless])).to.equal('Routeless.find: is decorated but has no route: give it @Get or @SSE')
      expect(await refusal([Headed])).to.equal('Headed.find: is decorated but has no route: give it @Get or @SSE')
    })

    it('with a generator under @Get', async () => {
      @Controller()
      class Generators {
        @Get('/x')
        async *x() {
          yield 1
        }
      }

      @Controller()
      class Iterators {
        @Post('/x')
        *x() {
          yield 1
        }
      }

      expect(await refusal([Generators])).to.equal(
        "Generators.x: is a generator, which only a stream can send: declare it with @SSE('/x')",
      )
      expect(await refusal([Iterators])).to.equal(
        "Iterators.x: is a generator, which only a stream can send: declare it with @SSE('/x', { method: 'POST' })",
      )
    })

    it('with a path that Fastify refuses', async () => {
      @Controller('/items')
      class Items {
        @Get('/:id(^\\d+$)')
        number(@Param('id') id: number) {
          return { id }
        }

        @Get('/:name(^[a-z]+$)')
        name(@Param('name') name: string) {
          return { name }
        }
      }

      expect(await refusal([Items])).to.equal(
        "Items.name: Method 'GET' already declared for route '/items/:name(^[a-z]+$)'",
      )
    })

    it('with a parameter that the path does not have', async () => {
      @Controller('/prices')
      class Misspelt {
        @Get('/:symbol/:day')
        @Get('/:symbol')
        price(@Param('symbol') symbol: string, @Param('day') day: string, @Param('dya') dya: string) {
          return [symbol, day, dya]
        }
      }

      expect(await refusal([Misspelt])).to.equal(
        "Misspelt.price, parameter 2: @Param('dya') names nothing in the path /prices/:symbol, /prices/:symbol/:day",
      )
    })

    it('with a wildcard that the path does not have', async () => {
      @Controller('/files')
      class Files {
        @Get('/:name')
        file(@Param('*') path: string) {
          return path
        }
      }

      expect(await refusal([Files])).to.equal(
        "Files.file, parameter 0: @Param('*') names nothing in the path /files/:name",
      )
    })

    it('with a body that no request has', async () => {
      @Controller()
      class Chat {
        @SSE('/chat')
        *chat(@Body({ validate: false }) prompt: { text: string }) {
          yield prompt.text
        }
      }

      @Controller()
      class Heads {
        @Get()
        @Head()
        get(@Query('q') q: string, @Body('text') text: string) {
          return q + text
        }
      }

      expect(await refusal([Chat])).to.equal(
        'Chat.chat, parameter 0: @Body() reads a body, which GET has not: declare the method with @Post, or ' +
          "@SSE(path, { method: 'POST' })",
      )
      expect(await refusal([Heads])).to.equal(
        "Heads.get, parameter 1: @Body('text') reads a body, which GET has not: declare the method with @Post, or " +
          "@SSE(path, { method: 'POST' })",
      )
    })

    const options = [
      [{ highWaterMark: 0 }, 'highWaterMark is a whole number from 1 to 2147483647, not 0'],
      [{ headDelay: 1.5 }, 'headDelay is a whole number from 0 to 2147483647, not 1.5'],
      [{ retry: -1 }, 'retry is a whole number from 0 to 2147483647, not -1'],
    ] as const
    for (const [option, message] of options) {
      it(`with the stream options ${JSON.stringify(option)}`, async () => {
        @Controller()
        class Streams {
          @SSE('/x', option)
          *x() {
            yield 1
          }
        }

        expect(await refusal([Streams])).to.equal(`Streams.x: The stream option ${message}`)
      })
    }

    it('with a serializer that is none', async () => {
      @Controller()
      class Streams {
        @SSE('/x', { serializer: { serialize: 'json' } as never })
        *x() {
          yield 1
        }
      }

      expect(await refusal([Streams])).to.equal(
        'Streams.x: The stream option serializer is an object with a method serialize(data)',
      )
    })
  })

  it('takes a parameter that only one of the paths of a method has', async () => {
    @Controller('/days')
    class Days {
      @Get()
      @Get('/:day')
      get(@Param('day') day: string = 'today') {
        return day
      }
    }
    const { app } = await serve([Days])

    expect((await request(app.server).get('/days')).text).to.equal('today')
    expect((await request(app.server).get('/days/monday')).text).to.equal('monday')
  })

  it('takes a body that only one of the methods of a path has', async () => {
    @Controller()
    class Notes {
      @Get('/note')
      @Post('/note')
      note(@Body('text') text: string = 'none') {
        return text
      }
    }
    const { app } = await serve([Notes])

    expect((await request(app.server).get('/note')).text).to.equal('none')
    expect((await request(app.server).post('/note').send({ text: 'hello' })).text).to.equal('hello')
  })
})
