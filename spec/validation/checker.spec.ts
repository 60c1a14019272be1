import { expect } from 'chai'
import { Exclude, Expose, Transform, Type } from 'class-transformer'
import {
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDate,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Max,
  ValidateNested,
} from 'class-validator'
import { type AppOptions, Body, Controller, Cookie, createApp, Get, Header, Param, Post, Query, SSE } from 'okapi'
import request from 'supertest'
import { overhear } from '../support/console.js'
import { closeAll, serve } from '../support/serve.js'

class Item {
  @IsString()
  name!: string

  @IsPositive()
  @Max(1000)
  price!: number
}

class Address {
  @Length(2, 2)
  country!: string
}

class Order {
  @IsEmail()
  email!: string

  @ValidateNested()
  @Type(() => Address)
  address!: Address

  @IsArray()
  @ArrayMinSize(1)
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[]

  @IsOptional()
  @IsString()
  note?: string

  total(): number {
    return this.items.reduce((sum, { price }) => sum + price, 0)
  }
}

/** What the compiler makes of an enum of numbers. */
const Size = { 0: 'Small', 1: 'Large', Small: 0, Large: 1 }

class Shelf {
  @ValidateNested()
  @Type(() => Item)
  first!: Item

  @IsEnum(Size)
  size!: 0 | 1
}

class Search {
  @IsString()
  q!: string

  @IsInt()
  @Max(100)
  limit = 20

  @IsBoolean()
  exact = false

  @IsOptional()
  @IsDate()
  since?: Date

  @IsOptional()
  @IsInt({ each: true })
  @Type(() => Number)
  ids?: number[]

  @IsOptional()
  @Transform(({ value }) => value.split(','))
  @IsString({ each: true })
  tags?: string[]

  @IsOptional()
  @Expose({ name: 'page_size' })
  @IsInt()
  pageSize?: number

  @Exclude()
  @IsOptional()
  @IsString()
  secret?: string
}

class Recent extends Search {
  @IsIn(['day', 'week'])
  within!: string
}

class Which {
  @IsInt()
  id!: number
}

class Seat {
  @IsInt()
  ticket!: number
}

class Grouped {
  @IsInt({ groups: ['checked'] })
  n!: number
}

class Fragile {
  @IsString()
  @Transform(({ value }) => value.trim())
  code!: string
}

describe('Checker', () => {
  let calls = 0

  @Controller()
  class Orders {
    @Post('/orders')
    add(@Body() order: Order) {
      calls++
      return { total: order.total(), order, made: order.items[0] instanceof Item }
    }

    @Get('/orders')
    find(@Query() search: Search) {
      return { ...search, since: search.since?.getTime() }
    }

    @Get('/seats')
    seat(@Query() seat: Seat) {
      return seat
    }

    @Get('/orders/recent')
    recent(@Query() recent: Recent) {
      return recent
    }

    @Get('/orders/:id')
    one(@Param() which: Which, @Header() headers: Which, @Cookie() cookies: Which) {
      return [which, headers, cookies]
    }

    @Post('/which')
    which(@Body() which: Which) {
      return which
    }

    @Post('/shelf')
    shelf(@Body() shelf: Shelf) {
      return shelf
    }

    @Post('/grouped')
    grouped(@Body() grouped: Grouped) {
      return grouped
    }

    @Post('/fragile/:id')
    fragile(@Param('id') id: number, @Body() fragile: Fragile) {
      return [id, fragile]
    }

    @SSE('/live', { method: 'POST' })
    *live(@Body() order: Order) {
      calls++
      yield order.email
    }

    @SSE('/live')
    *search(@Query() search: Search) {
      calls++
      yield search
    }
  }

  const start = async (validation: NonNullable<AppOptions['validation']> = {}) =>
    (await serve([Orders], { validation })).app.server
  const valid = { email: 'a@example.org', address: { country: 'CH' }, items: [{ name: 'tea', price: 5 }] }
  let server: Awaited<ReturnType<typeof start>>

  beforeEach(async () => {
    calls = 0
    server = await start()
  })
  afterEach(closeAll)

  it('makes a DTO of the body, with its methods and those nested in it', async () => {
    const { status, body } = await request(server).post('/orders').send(valid)

    expect(status).to.equal(200)
    expect(body).to.deep.equal({ total: 5, order: valid, made: true })
  })

  it('removes what the class has no rule for', async () => {
    const { body } = await request(server)
      .post('/orders')
      .send({ ...valid, admin: true, address: { country: 'CH', secret: 1 } })

    expect(body.order).to.deep.equal(valid)
  })

  it('does not convert what is in a body, where JSON has types', async () => {
    expect((await request(server).post('/which').send({ id: 5 })).body).to.deep.equal({ id: 5 })
    expect((await request(server).post('/which').send({ id: '5' })).body.errors).to.deep.equal([
      issue('id', 'isInt', 'id must be an integer number'),
    ])
  })

  it('lists every violated constraint of every property, nested ones and those in arrays too', async () => {
    const { status, headers, body } = await request(server)
      .post('/orders')
      .send({ email: 'nobody', address: { country: 'Chile' }, items: [valid.items[0], { name: 1, price: 'free' }] })

    expect(status).to.equal(400)
    expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
    expect(body).to.deep.equal({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The body of the request is invalid',
      code: 'ERR_INVALID_REQUEST',
      errors: [
        issue('email', 'isEmail', 'email must be an email'),
        issue('address.country', 'isLength', 'country must be shorter than or equal to 2 characters'),
        issue('items.1.name', 'isString', 'name must be a string'),
        issue('items.1.price', 'max', 'price must not be greater than 1000'),
        issue('items.1.price', 'isPositive', 'price must be a positive number'),
      ],
    })
    expect(calls).to.equal(0)
  })

  it('has nothing to say of a decorator that throws, beside a value that is wrong too', async () => {
    const app = await createApp({ controllers: [Orders] })

    const { errors } = await overhear(async () => {
      const { status, body } = await request(app.server).post('/fragile/first').send({ code: 5 })

      expect(status).to.equal(500)
      expect(body).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })

    expect(errors[0]?.[1]).to.have.nested.property('err.message', 'value.trim is not a function')
    await app.close()
  })

  it('refuses a body that is missing, or no object', async () => {
    const missing = await request(server).post('/orders')
    const list = await request(server).post('/orders').send([valid])
    const nothing = await request(server).post('/orders').type('json').send('null')

    expect(missing.body.errors).to.deep.equal([issue('', 'object', 'The body is missing')])
    expect(list.body.errors).to.deep.equal([issue('', 'object', 'The body is not an object')])
    expect(nothing.body.errors).to.deep.equal([issue('', 'object', 'The body is not an object')])
  })

  it('refuses what is nested too deeply for code that looks into it', async () => {
    const deep = `{"id":5,"more":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const strict = await start({ forbidNonWhitelisted: true })

    const { status, body } = await request(strict).post('/which').type('json').send(deep)

    expect(status).to.equal(400)
    expect(body.errors).to.deep.equal([issue('', 'depth', 'The body is nested too deeply')])
  })

  it('refuses more properties than class-transformer can compare, unless they need not be looked at', async () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n]))

    const right = await request(server)
      .post('/which')
      .send({ id: 5, ...many })
    const wrong = await request(server)
      .post('/which')
      .send({ id: '5', ...many })

    expect(right.body).to.deep.equal({ id: 5 })
    expect(wrong.status).to.equal(400)
    expect(wrong.body.errors).to.deep.equal([issue('', 'properties', 'The body has too many properties')])
  })

  it('refuses what the rules let pass though it is declared as something else', async () => {
    const { status, body } = await request(server)
      .post('/shelf')
      .send({ first: [{ name: 'x', price: 1 }], size: 'Small' })
    const right = await request(server)
      .post('/shelf')
      .send({ first: { name: 'x', price: 1 }, size: 0 })

    expect(right.body).to.deep.equal({ first: { name: 'x', price: 1 }, size: 0 })
    expect(status).to.equal(400)
    expect(body.errors).to.deep.equal([
      issue('first', 'object', 'first must be an object'),
      issue('size', 'number', 'size must be a number'),
    ])
  })

  it('refuses keys over which class-transformer stumbles', async () => {
    const { status, body } = await request(await start({ forbidNonWhitelisted: true }))
      .post('/which')
      .send({ id: 5, more: { constructor: 'x' } })

    expect(status).to.equal(400)
    expect(body.errors).to.deep.equal([
      issue('', 'object', 'The body has a property that every object has: constructor'),
    ])
  })

  it('takes nothing of a prototype, and no key that every object has', async () => {
    const text = '{"id":5,"toString":"x","constructor":{"name":"x"},"hasOwnProperty":1}'

    const { status, body } = await request(server).post('/which').type('json').send(text)

    expect(status).to.equal(200)
    expect(body).to.deep.equal({ id: 5 })
    expect((await request(server).post('/which').type('json').send('{"id":5,"__proto__":{"x":1}}')).status).to.equal(
      400,
    )
  })

  describe('outside the body', () => {
    it('converts text to the types of the properties, and keeps their default values', async () => {
      const { body } = await request(server).get('/orders?q=5&exact=true&since=2026-01-31&ids=7')

      expect(body).to.deep.equal({ q: '5', limit: 20, exact: true, since: Date.UTC(2026, 0, 31), ids: [7] })
    })

    it('converts where the type is told by a default value alone', async () => {
      expect((await request(server).get('/orders?q=a&limit=5')).body).to.deep.equal({ q: 'a', limit: 5, exact: false })
    })

    it('leaves the decorators of class-transformer to see what was sent', async () => {
      const { body } = await request(server).get('/orders?q=a&tags=x,y&ids=1&ids=2&page_size=3&secret=s')

      expect(body).to.deep.equal({
        ...{ q: 'a', limit: 20, exact: false },
        ...{ tags: ['x', 'y'], ids: [1, 2], pageSize: 3 },
      })
    })

    it('lists what did not convert by the rule of its property', async () => {
      const { status, body } = await request(server).get('/orders?q=a&q=b&limit=12px&exact=maybe&since=2026-02-30')

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([
        issue('q', 'isString', 'q must be a string', 'query'),
        issue('limit', 'max', 'limit must not be greater than 100', 'query'),
        issue('limit', 'isInt', 'limit must be an integer number', 'query'),
        issue('exact', 'isBoolean', 'exact must be a boolean value', 'query'),
        issue('since', 'isDate', 'since must be a Date instance', 'query'),
      ])
    })

    it('knows the types and rules of a class that the DTO extends', async () => {
      const { body } = await request(server).get('/orders/recent?q=a&limit=5&within=day')
      const wrong = await request(server).get('/orders/recent?q=a&limit=500&within=year')

      expect(body).to.deep.equal({ q: 'a', limit: 5, exact: false, within: 'day' })
      expect(wrong.body.errors.map(({ property }: { property: string }) => property)).to.have.members([
        'within',
        'limit',
      ])
    })

    it('reads DTOs of the path, the headers and the cookies', async () => {
      const { body } = await request(server).get('/orders/1').set({ id: '2', cookie: 'id=3; other=4' })

      expect(body).to.deep.equal([{ id: 1 }, { id: 2 }, { id: 3 }])
    })

    it('is not misled by names that every object has', async () => {
      const { status, body } = await request(server).get('/orders?q=a&__proto__=x&__proto__=y&constructor=z')

      expect(status).to.equal(200)
      expect(body).to.deep.equal({ q: 'a', limit: 20, exact: false })
    })
  })

  describe('for a stream', () => {
    it('refuses an invalid DTO with an ordinary answer, and never calls the method', async () => {
      const post = await request(server).post('/live').set('accept', 'text/event-stream').send({ items: [] })
      const get = await request(server).get('/live?limit=1000').set('accept', 'text/event-stream')

      for (const { status, headers } of [post, get]) {
        expect(status).to.equal(400)
        expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
      }
      expect(post.body.errors.map(({ constraint }: { constraint: string }) => constraint)).to.include('arrayMinSize')
      expect(get.body.errors).to.have.length(2)
      expect(calls).to.equal(0)
    })

    it('begins with a valid DTO', async () => {
      const post = await request(server).post('/live').send(valid)
      const get = await request(server).get('/live?q=a&limit=5')

      expect(post.text).to.equal('data: a@example.org\n\n')
      expect(get.text).to.match(/^data: \{"q":"a","limit":5,"exact":false\}\n\n/)
    })
  })

  describe('with the option validation', () => {
    it('keeps unknown properties without a whitelist', async () => {
      const open = await start({ whitelist: false, forbidUnknownValues: false })

      const { body } = await request(open)
        .post('/orders')
        .send({ ...valid, admin: true })

      expect(body.order).to.have.property('admin', true)
    })

    it('checks the rules of a group', async () => {
      const grouped = await start({ groups: ['checked'] })

      expect((await request(grouped).post('/grouped').send({ n: 1 })).body).to.deep.equal({ n: 1 })
      expect((await request(grouped).post('/grouped').send({ n: 'x' })).status).to.equal(400)
    })

    it('refuses unknown properties if they are forbidden', async () => {
      const strict = await start({ forbidNonWhitelisted: true })

      const { status, body } = await request(strict)
        .post('/orders')
        .send({ ...valid, admin: true })

      expect(status).to.equal(400)
      expect(body.errors).to.deep.equal([issue('admin', 'whitelistValidation', 'property admin should not exist')])
    })

    it('does not take for unknown what a query says to the framework', async () => {
      const strict = request(await start({ forbidNonWhitelisted: true }))

      const { body } = await strict.get('/orders?q=a&lastEventId=7&ticket=x')

      expect(body).to.deep.equal({ q: 'a', limit: 20, exact: false })
      expect((await strict.get('/orders?q=a&lastEventID=7')).body.errors).to.deep.equal([
        issue('lastEventID', 'whitelistValidation', 'property lastEventID should not exist', 'query'),
      ])
      expect((await strict.get('/seats?ticket=7')).body).to.deep.equal({ ticket: 7 })
    })
  })
})

function issue(property: string, constraint: string, detail: string, part = 'body') {
  return { in: part, property, constraint, detail }
}
