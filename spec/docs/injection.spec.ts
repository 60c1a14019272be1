import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { Controller, createApp, Get } from 'okapi'
import * as tsyringe from 'tsyringe'
import { ask } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, read } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'

const paper = 'docs/injection.md'

class Undecorated {
  readonly name = 'undecorated'
}

describe(paper, () => {
  const { load } = examplesOf(paper)

  afterEach(closeAll)

  for (const [name, path, body] of [
    ['injection', '/market', '{"open":false}'],
    ['tokens', '/time', '"1970-01-01T00:00:00.000Z"'],
  ] as const) {
    it(`${name}: takes what the container of the app has`, async () => {
      const { app } = await load<{ app: FastifyInstance }>(name)

      expect((await app.inject(path)).body).to.equal(body)
      await app.close()
    })
  }

  it('names only what tsyringe exports', () => {
    const [, named = ''] = read(paper).match(/import (`.*`) from tsyringe/) ?? []

    expect(codesIn(named)).to.have.length(5)
    expect(Object.keys(tsyringe)).to.include.members(codesIn(named))
  })

  it('injects a class without a decorator, if its constructor takes nothing', async () => {
    @Controller('/name')
    class Names {
      constructor(private readonly undecorated: Undecorated) {}

      @Get()
      name() {
        return this.undecorated.name
      }
    }

    const { url } = await serve([Names])

    expect(await ask(`${url}/name`)).to.equal('200 undecorated')
  })

  it('stops the boot of an app that cannot make a controller, and makes each of them then', async () => {
    const made: string[] = []

    @Controller('/one')
    class One {
      constructor() {
        made.push('one')
      }
    }

    @Controller('/two')
    class Two {
      constructor() {
        made.push('two')
        throw new Error('No database')
      }
    }

    const error = await createApp({ controllers: [One, Two], fastify: { logger: false } }).catch(error => error)

    expect(error).to.include({ code: 'ERR_DEFINITION' })
    expect(made).to.deep.equal(['one', 'two'])
  })

  it('is right that what is one for the process is disposed with the app that made it first', async () => {
    @tsyringe.singleton()
    class Shared {
      open = true

      dispose(): void {
        this.open = false
      }
    }

    @Controller('/shared')
    class Users {
      constructor(private readonly shared: Shared) {}

      @Get()
      open() {
        return this.shared.open
      }
    }
    const [first, second] = [await serve([Users]), await serve([Users])]

    await first.app.close()

    expect(await ask(`${second.url}/shared`)).to.equal('200 false')
  })
})
