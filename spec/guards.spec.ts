import { expect } from 'chai'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import {
  type AppOptions,
  Controller,
  type ControllerClass,
  DefinitionError,
  Get,
  Guard,
  HttpError,
  type Principal,
  Req,
  type RouteContext,
} from 'okapi'
import request from 'supertest'
import { injectable, Lifecycle, container as rootContainer, scoped } from 'tsyringe'
import { Instances } from '../src/container.js'
import { contextOf } from '../src/context.js'
import { guardHook } from '../src/guards.js'
import { type LogLine, logger } from './support/logged.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

/** What the guard under test answers: a value, or what it throws. */
let answer: () => unknown = () => true
let seen: RouteContext | undefined

class Answering implements Guard {
  allow(_request: FastifyRequest, context: RouteContext) {
    seen = context
    return answer() as boolean
  }
}

@Controller('/guarded')
class Guarded {
  @Get()
  @Guard(Answering)
  get(@Req() { principal }: FastifyRequest) {
    return { principal }
  }
}

describe('a guard', () => {
  let lines: LogLine[] = []

  const ask = async (controller: ControllerClass = Guarded, options: Omit<AppOptions, 'controllers'> = {}) => {
    const { app } = await serve([controller], { fastify: { logger: logger(lines) }, ...options })
    return request(app.server).get('/guarded')
  }

  beforeEach(() => {
    lines = []
    answer = () => true
  })
  afterEach(closeAll)

  it('lets a request go on by true, at once or later', async () => {
    expect((await ask()).status).to.equal(200)
    answer = async () => true
    expect((await ask()).status).to.equal(200)
  })

  it('says by a principal who the request comes from', async () => {
    answer = async () => ({ id: 'ada', expiresAt: Date.now() + 60_000, roles: ['admin'] })

    const { status, body } = await ask()

    expect(status).to.equal(200)
    expect(body.principal).to.include({ id: 'ada' })
    expect(body.principal.roles).to.deep.equal(['admin'])
  })

  it('may set the principal itself', async () => {
    class Setting implements Guard {
      allow(request: FastifyRequest) {
        request.principal = { id: 'ada' }
        return true
      }
    }

    @Controller('/guarded')
    class Controlled extends Guarded {
      @Guard(Setting)
      override get(request: FastifyRequest) {
        return super.get(request)
      }
    }

    expect((await ask(Controlled)).body).to.deep.equal({ principal: { id: 'ada' } })
  })

  it('refuses with 403 by false', async () => {
    answer = async () => false

    const { status, text } = await ask()

    expect(status).to.equal(403)
    expect(text).to.equal('{"type":"about:blank","title":"Forbidden","status":403}')
    expect(lines).to.deep.equal([])
  })

  it('refuses with the status and the headers of an HttpError', async () => {
    answer = () => {
      throw new HttpError(401, 'Who are you?', { headers: { 'www-authenticate': 'Basic realm="prices"' } })
    }

    const { status, headers, body } = await ask()

    expect(status).to.equal(401)
    expect(headers['www-authenticate']).to.equal('Basic realm="prices"')
    expect(body.detail).to.equal('Who are you?')
  })

  it('refuses a principal whose time is over with 401', async () => {
    answer = () => ({ id: 'ada', expiresAt: Date.now() })

    const { status, body } = await ask()

    expect(status).to.equal(401)
    expect(body.detail).to.equal('The credential has expired')
  })

  const mistakes: [what: string, answer: () => unknown][] = [
    ['an error that nobody knows', () => Promise.reject(new Error('password=hunter2'))],
    ['undefined', () => undefined],
    ['null', () => null],
    ['a text that reads as true', () => 'yes'],
    ['a number', () => 1],
    ['an object without an id', () => ({ name: 'ada' })],
    ['an id that is no text', () => ({ id: 7 })],
    ['an end that is no time', () => ({ id: 'ada', expiresAt: '2026-01-01' })],
    ['an end that is no number', () => ({ id: 'ada', expiresAt: Number.NaN })],
  ]
  for (const [what, given] of mistakes) {
    it(`lets nobody in by mistake: ${what} is a 500 and is logged`, async () => {
      answer = given

      const { status, text } = await ask()

      expect(status).to.equal(500)
      expect(text).to.equal('{"type":"about:blank","title":"Internal Server Error","status":500}')
      expect(lines.map(({ msg }) => msg)).to.deep.equal(['A request failed'])
    })
  }

  it('names itself in the log if its answer is none', async () => {
    answer = () => undefined

    await ask()

    expect(lines[0]).to.have.nested.property(
      'err.message',
      'Guarded.get, @Guard(Answering) returned neither true, nor false, nor a principal { id, expiresAt }',
    )
  })

  it('sees the route', async () => {
    await ask()

    expect(seen).to.include({ controller: Guarded, method: 'get', name: 'Guarded.get GET /guarded', stream: false })
  })

  describe('from the container', () => {
    let made = 0

    @injectable()
    class Market {
      open = true
    }

    it('is made once for the app, with what is injected into it, though several routes name it', async () => {
      made = 0

      @injectable()
      class Counting implements Guard {
        constructor(private readonly market: Market) {
          made++
        }

        allow() {
          return this.market.open
        }
      }

      @Controller('/guarded')
      @Guard(Counting)
      class Counted {
        @Get()
        @Guard(Counting)
        get() {
          return made
        }

        @Get('/other')
        other() {
          return made
        }
      }

      expect((await ask(Counted)).text).to.equal('1')
    })

    it('is made for each request if it is scoped to the resolution', async () => {
      made = 0

      @scoped(Lifecycle.ResolutionScoped)
      class Counting implements Guard {
        readonly number = ++made

        allow() {
          return { id: `guard ${this.number}` }
        }
      }

      @Controller('/guarded')
      class Counted {
        @Get()
        @Guard(Counting)
        get(@Req() { principal }: FastifyRequest) {
          return principal?.id
        }
      }
      const { app } = await serve([Counted])
      const ids = [await request(app.server).get('/guarded'), await request(app.server).get('/guarded')]

      const numbers = ids.map(({ text }) => Number(text.slice('guard '.length)))
      expect((numbers[1] as number) - (numbers[0] as number)).to.equal(1)
    })

    it('gives way to one that stands in for it', async () => {
      const container = rootContainer.createChildContainer()
      container.register<Guard>(Answering, { useValue: { allow: () => ({ id: 'fake' }) } })
      answer = () => false

      expect((await ask(Guarded, { container })).body).to.deep.equal({ principal: { id: 'fake' } })
    })

    it('stands behind an abstract class', async () => {
      abstract class Abstract implements Guard {
        abstract allow(): Principal
      }
      class Concrete extends Abstract {
        allow() {
          return { id: 'concrete' }
        }
      }

      @Controller('/guarded')
      class Controlled {
        @Get()
        @Guard(Abstract)
        get(@Req() { principal }: FastifyRequest) {
          return principal
        }
      }
      const container = rootContainer.createChildContainer()
      container.register(Abstract as never, { useClass: Concrete })

      expect((await ask(Controlled, { container })).body).to.deep.equal({ id: 'concrete' })
      expect(await refusal([Controlled])).to.equal(
        'Controlled.get, @Guard(Abstract): has no method allow(request, context)',
      )
    })

    it('inherits what is injected into its base, decorated or not', async () => {
      @injectable()
      class Base implements Guard {
        constructor(protected readonly market: Market) {}

        allow() {
          return this.market.open
        }
      }
      class Derived extends Base {}

      @Controller('/guarded')
      class Controlled {
        @Get()
        @Guard(Derived)
        get() {
          return 'open'
        }
      }

      expect((await ask(Controlled)).text).to.equal('open')
    })
  })

  describe('stops the boot', () => {
    const controlled = (...guards: unknown[]) => {
      @Controller('/guarded')
      class Controlled {
        @Get()
        @Guard(...(guards as (typeof Answering)[]))
        get() {}
      }
      return Controlled
    }

    const wrong: [what: string, guard: unknown, message: string][] = [
      [
        'if it is undefined',
        undefined,
        'Controlled.get, @Guard(): takes a class, not undefined: is its class imported around in a circle?',
      ],
      ['if it is null', null, 'Controlled.get, @Guard(): takes a class, not null'],
      [
        'if it is a function',
        function allow() {},
        'Controlled.get, @Guard(allow): takes a class with a method allow(request, context), not a function: one is for @Use',
      ],
      [
        'if it is an instance',
        new Answering(),
        'Controlled.get, @Guard(): takes a class, not an object: give the class itself',
      ],
      ['without allow()', class Empty {}, 'Controlled.get, @Guard(Empty): has no method allow(request, context)'],
      [
        'if its parameters are unknown',
        class Undecorated extends Answering {
          readonly roles: string[]
          constructor(roles: string[]) {
            super()
            this.roles = roles
          }
        },
        'Controlled.get, @Guard(Undecorated): the types of the constructor parameters of Undecorated are unknown: ' +
          'give it @injectable(). Compile with "experimentalDecorators" and "emitDecoratorMetadata", by tsc or swc: ' +
          'esbuild, tsx and vitest emit no types',
      ],
    ]
    for (const [what, guard, message] of wrong) {
      it(what, async () => {
        expect(await refusal([controlled(guard)])).to.equal(message)
      })
    }

    it('if it cannot be made', async () => {
      class Uninjectable {
        constructor(readonly text: string) {}
      }

      @injectable()
      class Broken implements Guard {
        constructor(readonly uninjectable: Uninjectable) {}

        allow() {
          return true
        }
      }

      expect(await refusal([controlled(Answering, Broken)])).to.match(
        /^Controlled\.get, @Guard\(Broken\): cannot be resolved\. .*TypeInfo not known for "Uninjectable"/s,
      )
    })
  })
})

describe('what a guard needs of its app', () => {
  const booted: string[] = []

  class Needing implements Guard {
    allow() {
      return true
    }

    async boot(app: FastifyInstance, where: string) {
      booted.push(where)
      if (!app.hasDecorator('engine')) throw new DefinitionError(where, 'needs an engine')
    }
  }

  @Controller('/cars')
  @Guard(Needing)
  class Cars {
    @Get()
    list() {}

    @Get('/one')
    one() {}
  }

  afterEach(closeAll)

  it('is looked for at boot, for each of its routes, when the plugins are there', async () => {
    await serve([Cars], {
      setup: app => void app.decorate('engine', {}),
    })

    expect(booted.splice(0)).to.deep.equal(['Cars.list, @Guard(Needing)', 'Cars.one, @Guard(Needing)'])
  })

  it('stops the boot if it is missing', async () => {
    expect(await refusal([Cars])).to.equal('Cars.list, @Guard(Needing): needs an engine')
  })
})

describe('guardHook', () => {
  class Prices {}
  const context = contextOf({ controller: Prices, method: 'list', name: 'Prices.list', stream: false }, new Map())
  const instances = new Instances(rootContainer.createChildContainer())

  it('is nothing where there are no guards, so that a route without them has no hook', () => {
    expect(guardHook([], instances, context, fastify())).to.equal(undefined)
  })

  it('refuses at boot what is no guard', () => {
    expect(() => guardHook([class {}], instances, context, fastify())).to.throw(DefinitionError)
  })
})
