import { expect } from 'chai'
import { Controller, Get, Guard, Use } from 'okapi'
import request from 'supertest'
import { protest, refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

let asked: string[] = []

const noting = (name: string) =>
  class implements Guard {
    allow() {
      asked.push(name)
      return true
    }
  }
const hook = (name: string) => () => void asked.push(name)

describe('guard decorators', () => {
  const orderOf = async (type: new () => object, path = '/') => {
    asked = []
    const { app } = await serve([type])
    await request(app.server).get(path).expect(204)
    return asked.join(' ')
  }

  afterEach(closeAll)

  describe('@Guard', () => {
    it('asks those of the class before those of the method, and from the first to the last', async () => {
      @Controller()
      @Guard(noting('a'), noting('b'))
      @Guard(noting('c'))
      class Ordered {
        @Guard(noting('d'), noting('e'))
        @Get()
        @Guard(noting('f'))
        get() {}
      }

      expect(await orderOf(Ordered)).to.equal('a b c d e f')
    })

    it('holds for what extends the class: for methods that are added, and those that are declared anew', async () => {
      @Guard(noting('base'))
      abstract class Base {
        @Get()
        @Guard(noting('method of base'))
        get() {}
      }

      @Controller()
      @Guard(noting('class'))
      class Derived extends Base {
        @Get('/again')
        @Guard(noting('method'))
        override get() {}

        @Get('/own')
        own() {}
      }

      expect(await orderOf(Derived, '/again')).to.equal('base class method of base method')
      expect(await orderOf(Derived, '/own')).to.equal('base class')
    })
  })

  describe('@Use', () => {
    it('runs those of the class before those of the method, and from the first to the last', async () => {
      @Controller()
      @Use(hook('a'), hook('b'))
      @Use(hook('c'))
      class Ordered {
        @Use(hook('d'), hook('e'))
        @Get()
        @Use(hook('f'))
        get() {}
      }

      expect(await orderOf(Ordered)).to.equal('a b c d e f')
    })

    it('runs before all guards, wherever it stands', async () => {
      @Controller()
      @Guard(noting('guard of class'))
      @Use(hook('class'))
      class Ordered {
        @Get()
        @Guard(noting('guard of method'))
        @Use(hook('method'))
        get() {}
      }

      expect(await orderOf(Ordered)).to.equal('class method guard of class guard of method')
    })
  })

  for (const [name, decorator] of [
    ['@Guard', Guard(noting('x'))],
    ['@Use', Use(hook('x'))],
  ] as const) {
    describe(`${name} is refused`, () => {
      it('on a field', () => {
        const said = protest(() => {
          class Prices {
            @(decorator as PropertyDecorator)
            list = []
          }
          return Prices
        })

        expect(said).to.equal(`Prices.list: ${name} stands on a field or accessor; make it a method: list() { … }`)
      })

      it('on a static method', () => {
        const said = protest(() => {
          class Prices {
            @decorator
            static list() {}

            listed() {}
          }
          return Prices
        })

        expect(said).to.equal(`Prices.list: ${name} stands on a static method; make it a method`)
      })

      it('on a parameter, of a method and of the constructor', () => {
        const parameter = decorator as unknown as ParameterDecorator
        const method = protest(() => {
          class Prices {
            list(@parameter _id: string) {}
          }
          return Prices
        })
        const made = protest(() => {
          class Prices {
            constructor(@parameter readonly id: string) {}
          }
          return Prices
        })

        expect(method).to.equal(`Prices.list: ${name} stands on a parameter; put it on the method or the class`)
        expect(made).to.equal(`Prices: ${name} stands on a parameter; put it on the method or the class`)
      })

      it('on a method without a route, which it would not watch over', async () => {
        @Controller()
        class Prices {
          @decorator
          list() {}
        }

        expect(await refusal([Prices])).to.equal('Prices.list: is decorated but has no route: give it @Get or @SSE')
      })

      it('if it names none', () => {
        const empty = name === '@Guard' ? Guard() : Use()
        const method = protest(() => {
          class Prices {
            @empty
            list() {}
          }
          return Prices
        })
        const whole = protest(() => {
          @empty
          class Prices {}
          return Prices
        })

        expect([method, whole]).to.deep.equal([`Prices.list: ${name}() names none`, `Prices: ${name}() names none`])
      })
    })
  }
})
