import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import { Controller, Get, Guard, type Metadata, metadata, type RouteContext, SetMetadata } from 'okapi'
import request from 'supertest'
import { protest } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

const Roles = metadata<string[]>('Roles')
const Cost = metadata<number>('Cost')
const undefinedKey = undefined as unknown as Metadata<string>

/** What a guard reads of a route. */
let read: unknown[] = []

class Reading implements Guard {
  allow(_request: FastifyRequest, context: RouteContext) {
    read = [context.get(Roles), context.get(Cost), context.get('label')]
    return true
  }
}

@Controller('/base')
@Roles(['reader'])
@SetMetadata('label', 'base')
@Guard(Reading)
class Base {
  @Get('/class')
  ofClass() {}

  @Get('/method')
  @Roles(['admin'])
  @SetMetadata(Cost, 0)
  ofMethod() {}
}

@Controller('/derived')
@SetMetadata('label', 'derived')
@Roles(['guest'])
class Derived extends Base {
  @Cost(5)
  override ofMethod() {}
}

describe('metadata', () => {
  const readBy = async (path: string) => {
    const { app } = await serve([Base, Derived])
    await request(app.server).get(path).expect(204)
    return read
  }

  afterEach(closeAll)

  it('of a class holds for its methods', async () => {
    expect(await readBy('/base/class')).to.deep.equal([['reader'], undefined, 'base'])
  })

  it('of a method wins over that of its class', async () => {
    expect(await readBy('/base/method')).to.deep.equal([['admin'], 0, 'base'])
  })

  it('of a class wins over that of its base', async () => {
    expect(await readBy('/derived/class')).to.deep.equal([['guest'], undefined, 'derived'])
  })

  it('of a method is inherited key by key, and still wins over that of the class', async () => {
    expect(await readBy('/derived/method')).to.deep.equal([['admin'], 5, 'derived'])
  })

  describe('is refused', () => {
    it('without a name', () => {
      expect(protest(() => metadata(''))).to.equal("metadata(): needs a name: metadata('roles')")
      expect(protest(() => metadata(undefined as never))).to.equal("metadata(): needs a name: metadata('roles')")
    })

    it('without a value, where its decorator is not called', () => {
      const said = protest(() => {
        class Prices {
          @(Roles as unknown as MethodDecorator)
          list() {}
        }
        return Prices
      })

      expect(said).to.equal('Prices.list: @Roles is given no value; call it: @Roles(…)')
    })

    it('with a value that is undefined, which would read as no condition', () => {
      const said = protest(() => {
        @Roles(undefined as never)
        class Prices {}
        return Prices
      })

      expect(said).to.equal('Prices: @Roles: its value is undefined. Is it imported around in a circle?')
    })

    it('with a key that is undefined', () => {
      const said = protest(() => {
        class Prices {
          @SetMetadata(undefinedKey, 'x')
          list() {}
        }
        return Prices
      })

      expect(said).to.equal('Prices.list: @SetMetadata: its key is undefined. Is it imported around in a circle?')
    })

    it('twice at one place', () => {
      const said = protest(() => {
        class Prices {
          @Roles(['a'])
          @SetMetadata(Roles, ['b'])
          list() {}
        }
        return Prices
      })

      expect(said).to.equal('Prices.list: @Roles stands here twice; keep one')
    })

    it('on a field and on a parameter', () => {
      const field = protest(() => {
        class Prices {
          @(Roles([]) as PropertyDecorator)
          list = []
        }
        return Prices
      })
      const parameter = protest(() => {
        class Prices {
          list(@(Roles([]) as unknown as ParameterDecorator) _id: string) {}
        }
        return Prices
      })

      expect(field).to.equal('Prices.list: @Roles stands on a field or accessor; make it a method: list() { … }')
      expect(parameter).to.equal('Prices.list: @Roles stands on a parameter; put it on the method or the class')
    })
  })
})
