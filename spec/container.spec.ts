import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import {
  type AppOptions,
  Controller,
  type ControllerClass,
  custom,
  Get,
  JsonSerializer,
  SERIALIZER,
  type Serializer,
  SSE,
  STREAM_OPTIONS,
} from 'okapi'
import request from 'supertest'
import {
  type Disposable,
  delay,
  inject,
  injectable,
  Lifecycle,
  container as rootContainer,
  scoped,
  singleton,
} from 'tsyringe'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

@injectable()
class Market {
  price(): number {
    return 5
  }
}

interface Clock {
  now(): number
}

/** Says whose it is: `@route 1`. */
class Marked implements Serializer {
  readonly mark: string

  constructor(mark: string) {
    this.mark = mark
  }

  serialize(data: unknown): string {
    return `@${this.mark} ${data}`
  }
}

describe('the container of an app', () => {
  afterEach(closeAll)

  const start = async (controllers: ControllerClass[], options: Omit<AppOptions, 'controllers'> = {}) =>
    (await serve(controllers, options)).app.server

  describe('and a controller', () => {
    it('injects into its constructor, by class and by token', async () => {
      @Controller()
      class Prices {
        constructor(
          private readonly market: Market,
          @inject('Clock') private readonly clock: Clock,
        ) {}

        @Get('/price')
        price() {
          return { price: this.market.price(), now: this.clock.now() }
        }
      }
      const container = rootContainer.createChildContainer()
      container.register<Clock>('Clock', { useValue: { now: () => 0 } })

      const server = await start([Prices], { container })

      expect((await request(server).get('/price')).body).to.deep.equal({ price: 5, now: 0 })
    })

    it('injects what stands in for a class in the container that is given', async () => {
      @Controller()
      class Prices {
        constructor(private readonly market: Market) {}

        @Get('/price')
        price() {
          return this.market.price()
        }
      }
      const container = rootContainer.createChildContainer()
      container.register(Market, { useValue: { price: () => 42 } })

      const fake = await start([Prices], { container })
      const real = await start([Prices])

      expect((await request(fake).get('/price')).text).to.equal('42')
      expect((await request(real).get('/price')).text).to.equal('5')
    })

    let made = 0
    class Numbered {
      readonly id = ++made

      @Get('/id')
      get() {
        return this.id
      }
    }
    const counted = async (Counted: ControllerClass, apps = 1) => {
      made = 0
      const servers = await Promise.all(Array.from({ length: apps }, () => start([Counted])))
      const ids: string[] = []
      for (const server of servers) {
        for (const _ of 'ab') ids.push((await request(server).get('/id')).text)
      }
      return ids
    }

    it('makes one for the app if nothing else is said', async () => {
      @Controller()
      class Counted extends Numbered {}

      expect(await counted(Counted, 2)).to.deep.equal(['1', '1', '2', '2'])
    })

    it('makes one for all apps if it is a singleton', async () => {
      @singleton()
      @Controller()
      class Counted extends Numbered {}

      expect(await counted(Counted, 2)).to.deep.equal(['1', '1', '1', '1'])
    })

    it('makes one for each request if it is scoped to the resolution, after one to try', async () => {
      @Controller()
      @scoped(Lifecycle.ResolutionScoped)
      class Counted extends Numbered {}

      expect(await counted(Counted)).to.deep.equal(['2', '3'])
    })

    it('makes one for each app if it is scoped to the container', async () => {
      @scoped(Lifecycle.ContainerScoped)
      @Controller()
      class Counted extends Numbered {}

      expect(await counted(Counted, 2)).to.deep.equal(['1', '1', '2', '2'])
    })

    it('injects the one of the app into whoever asks for it', async () => {
      @Controller('/counter')
      class Counter {
        count = 0

        @Get()
        get() {
          return ++this.count
        }
      }

      @Controller('/reader')
      class Reader {
        constructor(private readonly counter: Counter) {}

        @Get()
        get() {
          return this.counter.count
        }
      }
      const server = await start([Counter, Reader])

      await request(server).get('/counter')

      expect((await request(server).get('/reader')).text).to.equal('1')
    })

    it('shares what is scoped to the container within an app', async () => {
      @scoped(Lifecycle.ContainerScoped)
      class Shared {
        count = 0
      }

      @Controller('/one')
      class One {
        constructor(private readonly shared: Shared) {}

        @Get()
        get() {
          return ++this.shared.count
        }
      }

      @Controller('/two')
      class Two {
        constructor(private readonly shared: Shared) {}

        @Get()
        get() {
          return ++this.shared.count
        }
      }
      const [first, second] = [await start([One, Two]), await start([One, Two])]

      expect((await request(first).get('/one')).text).to.equal('1')
      expect((await request(first).get('/two')).text).to.equal('2')
      expect((await request(second).get('/two')).text).to.equal('1')
    })

    it('disposes what it made, once, when the app closes', async () => {
      const disposed: string[] = []

      @scoped(Lifecycle.ContainerScoped)
      class Pool implements Disposable {
        async dispose() {
          await Promise.resolve()
          disposed.push('pool')
        }
      }

      @Controller()
      class Holder implements Disposable {
        constructor(readonly pool: Pool) {}

        @Get()
        get() {
          return disposed.length
        }

        dispose() {
          disposed.push('controller')
        }
      }
      const { app } = await serve([Holder])
      await request(app.server).get('/')
      const before = [...disposed]

      await app.close()

      expect(before).to.deep.equal([])
      expect(disposed.sort()).to.deep.equal(['controller', 'pool'])
    })
  })

  describe('and the serializer of a stream', () => {
    @Controller('/live')
    class Plain {
      @SSE('/app')
      *app() {
        yield 1
      }

      @SSE('/route', { serializer: new Marked('route') })
      *route() {
        yield 2
        yield custom(3, new Marked('message'))
      }
    }

    @Controller('/marked', { streamOptions: { serializer: new Marked('controller'), retry: 7 } })
    class MarkedPlain {
      @SSE('/controller')
      *controller() {
        yield 1
      }

      @SSE('/route', { serializer: new Marked('route') })
      *route() {
        yield 2
      }
    }

    const data = async (path: string, options: Omit<AppOptions, 'controllers'> = {}) => {
      const { app } = await serve([Plain, MarkedPlain], options)
      const { text } = await request(app.server).get(path)
      return text.match(/^data: .*(?=\n\n)/gm)?.slice(0, -1)
    }
    const withToken = () => {
      const container = rootContainer.createChildContainer()
      container.register(SERIALIZER, { useValue: new Marked('token') })
      return container
    }
    const streamOptions = { serializer: new Marked('options') }

    it('is the default one where nobody says anything', async () => {
      expect(await data('/live/app')).to.deep.equal(['data: 1'])
    })

    it('is that of the token SERIALIZER if it is registered', async () => {
      expect(await data('/live/app', { container: withToken() })).to.deep.equal(['data: @token 1'])
    })

    it('is that of the stream options of the app rather than that of the token', async () => {
      expect(await data('/live/app', { container: withToken(), streamOptions })).to.deep.equal(['data: @options 1'])
    })

    it('is that of the controller rather than that of the app', async () => {
      expect(await data('/marked/controller', { streamOptions })).to.deep.equal(['data: @controller 1'])
    })

    it('is that of the route rather than that of the controller', async () => {
      expect(await data('/marked/route', { streamOptions })).to.deep.equal(['data: @route 2'])
    })

    it('is that of the message rather than that of the route', async () => {
      expect(await data('/live/route', { streamOptions })).to.deep.equal(['data: @route 2', 'data: @message 3'])
    })

    it('is made by the container if it is given as a class, with what is injected into it', async () => {
      @injectable()
      class Injected implements Serializer {
        constructor(private readonly market: Market) {}

        serialize(data: unknown) {
          return `${data} at ${this.market.price()}`
        }
      }

      @Controller()
      class Live {
        @SSE('/live', { serializer: Injected })
        *live() {
          yield 'tea'
        }

        @SSE('/token', { serializer: SERIALIZER })
        *token() {
          yield 'tea'
        }
      }
      const container = rootContainer.createChildContainer()
      container.register(SERIALIZER, { useClass: JsonSerializer })

      const server = await start([Live], { container })

      expect((await request(server).get('/live')).text).to.match(/^data: tea at 5\n\n/)
      expect((await request(server).get('/token')).text).to.match(/^data: "tea"\n\n/)
    })

    it('refuses the boot if there is none behind the token', async () => {
      @Controller()
      class Live {
        @SSE('/live', { serializer: Symbol('xml') })
        *live() {
          yield 1
        }
      }

      expect(await refusal([Live])).to.equal(
        'Live.live, option serializer: cannot be resolved. Attempted to resolve unregistered dependency token: ' +
          '"Symbol(xml)". Register the token in the container of the app',
      )
    })
  })

  describe('and the token STREAM_OPTIONS', () => {
    @Controller('/live')
    class Live {
      @SSE('/app')
      *app() {
        yield 1
      }

      @SSE('/route', { retry: 3 })
      *route() {
        yield 1
      }
    }

    const container = () => {
      const container = rootContainer.createChildContainer()
      container.register(STREAM_OPTIONS, { useValue: { retry: 1, end: false } })
      return container
    }

    it('gives the options of every stream, below those of a route', async () => {
      const server = await start([Live], { container: container() })

      expect((await request(server).get('/live/app')).text).to.equal('retry: 1\n\ndata: 1\n\n')
      expect((await request(server).get('/live/route')).text).to.equal('retry: 3\n\ndata: 1\n\n')
    })

    it('gives way to the option streamOptions as a whole', async () => {
      const server = await start([Live], { container: container(), streamOptions: { retry: 2 } })

      expect((await request(server).get('/live/app')).text).to.match(/^retry: 2\n\ndata: 1\n\nid: stream\.end\n/)
    })

    it('refuses the boot with an option that makes no sense', async () => {
      expect(await refusal([Live], { streamOptions: { pingInterval: -1 } })).to.equal(
        'option streamOptions: The stream option pingInterval is a whole number from 0 to 2147483647, not -1',
      )
    })
  })

  describe('refuses the boot', () => {
    it('with a class that is not injectable', async () => {
      class Uninjectable {
        constructor(readonly market: Market) {}
      }

      @Controller()
      class Prices {
        constructor(readonly source: Uninjectable) {}
      }

      expect(await refusal([Prices])).to.equal(
        'Prices, constructor: cannot be resolved. Cannot inject the dependency "source" at position #0 of "Prices" ' +
          'constructor. Reason:\n    TypeInfo not known for "Uninjectable". Is the class @injectable(), by the same copy of ' +
          'tsyringe, and imported as a value, not by "import type" or around in a circle? An interface needs @inject(token)',
      )
    })

    it('with an interface', async () => {
      @Controller()
      class Prices {
        constructor(readonly clock: Clock) {}
      }

      expect(await refusal([Prices])).to.equal(
        'Prices, constructor: cannot be resolved. Cannot inject the dependency "clock" at position #0 of "Prices" ' +
          'constructor. Reason:\n    TypeInfo not known for "Object". Is the class @injectable(), by the same copy of ' +
          'tsyringe, and imported as a value, not by "import type" or around in a circle? An interface needs @inject(token)',
      )
    })

    it('with a token that nobody registered', async () => {
      @Controller()
      class Prices {
        constructor(@inject('Clock') readonly clock: Clock) {}
      }

      expect(await refusal([Prices])).to.equal(
        'Prices, constructor: cannot be resolved. Cannot inject the dependency "clock" at position #0 of "Prices" ' +
          'constructor. Reason:\n    Attempted to resolve unregistered dependency token: "Clock". Register the token ' +
          'in the container of the app',
      )
    })

    it('with a constructor that throws', async () => {
      const cause = new Error('No database')

      @Controller()
      class Prices {
        readonly price = this.connect()

        connect(): number {
          throw cause
        }
      }

      expect(await refusal([Prices])).to.equal('Prices, constructor: cannot be resolved. No database')
    })

    it('with something thrown that is no error', async () => {
      @Controller()
      class Prices {
        readonly price = this.connect()

        connect(): number {
          throw 'No database'
        }
      }

      expect(await refusal([Prices])).to.equal('Prices, constructor: cannot be resolved. No database')
    })

    it('with a constructor whose parameter types the compiler has not kept', async () => {
      class Prices {
        constructor(readonly market: Market) {}
      }
      Controller()(Prices)

      expect(await refusal([Prices])).to.equal(
        'Prices, constructor: the types of its parameters are unknown. Compile with "experimentalDecorators" and ' +
          '"emitDecoratorMetadata", by tsc or swc: esbuild, tsx and vitest emit no types',
      )
    })

    it('with the constructor of a base class whose parameter types the compiler has not kept', async () => {
      abstract class Base {
        constructor(readonly market: Market) {}

        @Get()
        price() {
          return this.market.price()
        }
      }

      @Controller()
      class Prices extends Base {}

      expect(await refusal([Prices])).to.equal(
        'Prices, constructor: is that of Base, whose parameter types are unknown: decorate it too, with @Controller() ' +
          'or @injectable()',
      )
    })

    it('with such a constructor further up, whatever the classes between have', async () => {
      abstract class Bare {
        constructor(readonly market: Market) {}
      }
      abstract class Between extends Bare {
        @Get()
        price() {
          return this.market.price()
        }
      }

      @Controller()
      class Prices extends Between {}

      expect(await refusal([Prices])).to.match(
        /^Prices, constructor: is that of Bare, whose parameter types are unknown/,
      )
    })

    it('not with one between that writes a constructor of its own', async () => {
      abstract class Bare {
        constructor(readonly price: number) {}
      }
      abstract class Between extends Bare {
        constructor() {
          super(7)
        }
      }

      @Controller('/own')
      class Own extends Between {
        @Get()
        own() {
          return this.price
        }
      }

      expect((await request(await start([Own])).get('/own')).text).to.equal('7')
    })

    it('not with a base class whose constructor can do without', async () => {
      @Controller('/emitter')
      class Emitter extends EventEmitter {
        @Get()
        price() {
          return 5
        }
      }

      abstract class Base {
        @Get()
        price() {
          return 6
        }
      }

      @Controller('/derived')
      class Derived extends Base {}
      const server = await start([Emitter, Derived])

      expect((await request(server).get('/emitter')).text).to.equal('5')
      expect((await request(server).get('/derived')).text).to.equal('6')
    })

    it('not with classes that need one another by delay', async () => {
      @injectable()
      class Chicken {
        readonly name = 'chicken'

        constructor(@inject(delay(() => Egg)) readonly egg: { name: string }) {}
      }

      @injectable()
      class Egg {
        readonly name = 'egg'
      }

      @Controller()
      class Farm {
        constructor(private readonly chicken: Chicken) {}

        @Get()
        get() {
          return this.chicken.egg.name
        }
      }

      expect((await request(await start([Farm])).get('/')).text).to.equal('egg')
    })
  })
})
