import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { Body, Controller, Cookie, EventWriter, Get, Header, Param, Post, Query, Req, Stream } from 'okapi'
import request from 'supertest'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

class Point {
  @IsInt()
  x!: number

  @IsInt()
  y!: number
}

class Page {
  @IsInt()
  page = 1

  @IsInt()
  size = 20
}

class Unruly {
  name!: string
}

describe('argumentReader', () => {
  @Controller()
  class Arguments {
    @Get('/required')
    required(
      @Query('q', { required: true }) q: string,
      @Header('X-Key', { required: true }) key: string,
      @Cookie('sid', { required: true }) sid: string,
    ) {
      return [q, key, sid]
    }

    @Post('/property')
    property(@Body('point') point: Point, @Body('label', { required: true }) label: string) {
      return { point, label, checked: point instanceof Point }
    }

    @Post('/points')
    points(@Body('center', { required: true }) center: Point) {
      return center
    }

    @Post('/number')
    number(@Body() n: number) {
      return { n }
    }

    @Post('/list')
    list(@Body({ items: String }) list: string[]) {
      return list
    }

    @Post('/whole')
    whole(@Body(undefined, { required: true }) text: string) {
      return text
    }

    @Post('/native')
    native(@Body({ validate: false }) native: Map<string, string>) {
      return { native }
    }

    @Post('/both/:id')
    both(@Body() point: Point, @Query() page: Page, @Param('id') id: number) {
      return { point, page, id }
    }

    @Get('/dto')
    dto(@Query('page') page: Page) {
      return { page }
    }
  }

  let server: Awaited<ReturnType<typeof serve>>['app']['server']

  beforeEach(async () => {
    server = (await serve([Arguments])).app.server
  })
  afterEach(closeAll)

  const post = (path: string, body: string | object) => {
    const type = typeof body === 'string' ? 'text/plain' : 'application/json'
    return request(server).post(path).type(type).send(body)
  }

  it('names every required value that a request lacks', async () => {
    const { status, body } = await request(server).get('/required?q=')

    expect(status).to.equal(400)
    expect(body.detail).to.equal('The request is invalid')
    expect(body.errors).to.deep.equal([
      { in: 'header', property: 'X-Key', constraint: 'required', detail: 'The header "X-Key" is missing' },
      { in: 'cookie', property: 'sid', constraint: 'required', detail: 'The cookie "sid" is missing' },
    ])
  })

  it('reads the properties of a body that is an object, and of no other', async () => {
    for (const [given, found] of [
      ['[]', 'object'],
      ['null', 'object'],
      ['"x"', 'object'],
      ['{}', 'required'],
    ] as const) {
      const { status, body } = await request(server).post('/property').type('json').send(given)

      expect(status).to.equal(400)
      expect(body.errors[0]).to.have.property('constraint', found)
    }
    const { body } = await request(server).post('/property')
    expect(body.errors[0]).to.have.property('constraint', 'required')
  })

  it('takes the empty string for a value', async () => {
    const { body } = await request(server).get('/required?q=').set({ 'x-key': '', cookie: 'sid=' })

    expect(body).to.deep.equal(['', '', ''])
  })

  it('lists the issues of all parameters in one answer', async () => {
    const { status, body } = await post('/both/first?size=x', { x: 1 })

    expect(status).to.equal(400)
    expect(body.detail).to.equal('The request is invalid')
    expect(body.errors).to.deep.equal([
      { in: 'body', property: 'y', constraint: 'isInt', detail: 'y must be an integer number' },
      { in: 'query', property: 'size', constraint: 'isInt', detail: 'size must be an integer number' },
      { in: 'path', property: 'id', constraint: 'number', detail: 'The path parameter "id" is not a number' },
    ])
  })

  it('gives every parameter its value', async () => {
    const { body } = await post('/both/7?size=5', { x: 1, y: 2 })

    expect(body).to.deep.equal({ point: { x: 1, y: 2 }, page: { page: 1, size: 5 }, id: 7 })
  })

  it('needs no types for a method without parameters', async () => {
    @Controller()
    class Bare {
      @Get()
      get() {
        return 'bare'
      }
    }
    Reflect.deleteMetadata('design:paramtypes', Bare.prototype, 'get')
    const { app } = await serve([Bare])

    expect((await request(app.server).get('/')).text).to.equal('bare')
  })

  it('takes the text as it is for a type that is no class, as swc says of an enum', async () => {
    @Controller()
    class Colours {
      @Get()
      get(@Query('colour') colour: string) {
        return colour
      }
    }
    Reflect.defineMetadata('design:paramtypes', [{ Red: 'red' }], Colours.prototype, 'get')
    const { app } = await serve([Colours])

    expect((await request(app.server).get('/?colour=red')).text).to.equal('red')
  })

  describe('of a DTO with a name', () => {
    it('makes it of one value', async () => {
      const { body } = await post('/property', { point: { x: 1, y: 2 }, label: 'home' })

      expect(body).to.deep.equal({ point: { x: 1, y: 2 }, label: 'home', checked: true })
    })

    it('leaves it undefined if there is no value', async () => {
      expect((await post('/property', { label: 'home' })).body).to.deep.equal({ label: 'home', checked: false })
    })

    it('names its properties below its own', async () => {
      const { body } = await post('/property', { point: { x: 1 }, label: null })

      expect(body.errors).to.deep.equal([
        { in: 'body', property: 'point.y', constraint: 'isInt', detail: 'y must be an integer number' },
        {
          in: 'body',
          property: 'label',
          constraint: 'required',
          detail: 'The property "label" of the body is missing',
        },
      ])
    })

    it('refuses a request without it if it is required', async () => {
      expect((await post('/points', {})).body.errors).to.deep.equal([
        {
          in: 'body',
          property: 'center',
          constraint: 'object',
          detail: 'The property "center" of the body is missing',
        },
      ])
    })

    it('refuses a text in its place', async () => {
      expect((await request(server).get('/dto?page=1')).body.errors).to.deep.equal([
        { in: 'query', property: 'page', constraint: 'object', detail: 'The query parameter "page" is not an object' },
      ])
    })
  })

  describe('of a whole body', () => {
    it('converts a text to its type', async () => {
      expect((await post('/number', '12')).body).to.deep.equal({ n: 12 })
      expect((await post('/number', 'twelve')).body.errors).to.deep.equal([
        { in: 'body', property: '', constraint: 'number', detail: 'The body is not a number' },
      ])
    })

    it('takes an array and nothing else for an array', async () => {
      expect((await post('/list', ['1', 'a'])).body).to.deep.equal(['1', 'a'])
      expect((await post('/list', { 0: 'a' })).body.errors).to.deep.equal([
        { in: 'body', property: '', constraint: 'array', detail: 'The body is not an array' },
      ])
    })

    it('refuses an empty one if it is required', async () => {
      expect((await request(server).post('/whole')).body.errors).to.deep.equal([
        { in: 'body', property: '', constraint: 'required', detail: 'The body is missing' },
      ])
      expect((await post('/whole', 'hello')).text).to.equal('hello')
    })

    it('takes what is not to be checked as it is, whatever it is declared as', async () => {
      expect((await post('/native', { any: 'thing' })).body).to.deep.equal({ native: { any: 'thing' } })
    })
  })

  describe('refuses at boot', () => {
    it('a method whose parameter types the compiler has not kept', async () => {
      @Controller()
      class Untyped {
        @Get('/:id')
        find(@Param('id') id: string) {
          return id
        }
      }
      Reflect.deleteMetadata('design:paramtypes', Untyped.prototype, 'find')

      expect(await refusal([Untyped])).to.equal(
        'Untyped.find: the types of its parameters are unknown. Compile with "experimentalDecorators" and ' +
          '"emitDecoratorMetadata", by tsc or swc: esbuild, tsx and vitest emit no types',
      )
    })

    it('a parameter whose class was not there yet when its method was declared', async () => {
      @Controller()
      class Circular {
        @Post()
        add(@Req() _request: unknown, @Body() point: Point) {
          return point
        }
      }
      Reflect.defineMetadata('design:paramtypes', [Object, undefined], Circular.prototype, 'add')

      expect(await refusal([Circular])).to.equal(
        'Circular.add, parameter 1: the type of @Body() is unknown: its class is imported around in a circle',
      )
    })

    it('a parameter whose class is imported as a type', async () => {
      @Controller()
      class Erased {
        @Post()
        add(@Body() point: Point) {
          return point
        }
      }
      Reflect.defineMetadata('design:paramtypes', [Function], Erased.prototype, 'add')

      expect(await refusal([Erased])).to.equal(
        'Erased.add, parameter 0: the type of @Body() is lost: import its class as a value, not by "import type"',
      )
    })

    it('a DTO without rules', async () => {
      @Controller()
      class Trusting {
        @Post()
        add(@Body() unruly: Unruly) {
          return unruly
        }
      }

      expect(await refusal([Trusting])).to.equal(
        'Trusting.add, parameter 0: its type Unruly has no rules, so that nothing would be checked. Give its ' +
          'properties decorators of class-validator, or say { validate: false } to take the value unchecked',
      )
    })

    it('@Stream on a method that does not stream', async () => {
      @Controller()
      class Plain {
        @Get()
        send(@Stream() stream: EventWriter) {
          return stream.closed
        }
      }

      expect(await refusal([Plain])).to.equal(
        'Plain.send, parameter 0: @Stream() needs a stream: declare the method with @SSE',
      )
    })

    for (const [decorator, name] of [
      [Query, 'Query'],
      [Param, 'Param'],
      [Header, 'Header'],
      [Cookie, 'Cookie'],
    ] as const) {
      it(`@${name}() without a name for a single value`, async () => {
        @Controller()
        class Nameless {
          @Get('/:id')
          find(@decorator() id: number) {
            return id
          }
        }

        expect(await refusal([Nameless])).to.equal(
          `Nameless.find, parameter 0: @${name}() reads all of them, which is no Number: name the one, ` +
            `@${name}('…'), or declare a DTO class for all`,
        )
      })
    }
  })
})
