import { once } from 'node:events'
import { expect } from 'chai'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Controller, Get, type Hook, HttpError, NotFoundError, Post, Use } from 'okapi'
import request from 'supertest'
import { injectable, container as rootContainer } from 'tsyringe'
import { Instances } from '../src/container.js'
import { routeHooks } from '../src/hooks.js'
import { Connection, get, leaveAll } from './support/connection.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'
import { until } from './support/until.js'

let seen: string[] = []

/** A controller whose one method stands under these hooks. */
function under(...hooks: unknown[]) {
  @Controller('/used')
  class Used {
    @Post()
    @Get()
    @Use(...(hooks as Hook[]))
    use() {
      seen.push('method')
      return { used: true }
    }
  }
  return Used
}

const serverUnder = async (...hooks: unknown[]) => (await serve([under(...hooks)])).app.server

@injectable()
class Marks {
  push(mark: string) {
    seen.push(mark)
  }
}

describe('a hook', () => {
  beforeEach(() => {
    seen = []
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  describe('that is a function', () => {
    const forms: [what: string, hook: unknown][] = [
      [
        'with done',
        (_request: unknown, _reply: unknown, done: (error: undefined) => void) => done(void seen.push('hook')),
      ],
      ['that is async', async () => void seen.push('hook')],
      ['that returns a promise', () => Promise.resolve(seen.push('hook'))],
      ['that returns nothing', () => void seen.push('hook')],
    ]
    for (const [what, hook] of forms) {
      it(`runs on the request, ${what}`, async () => {
        const answer = await request(await serverUnder(hook)).get('/used')

        expect(answer.body).to.deep.equal({ used: true })
        expect(seen).to.deep.equal(['hook', 'method'])
      })
    }

    const failures: [what: string, hook: unknown][] = [
      ['passed to done', (_: unknown, __: unknown, done: (error: Error) => void) => done(new HttpError(402))],
      ['thrown later', async () => Promise.reject(new HttpError(402))],
      [
        'thrown at once',
        () => {
          throw new HttpError(402)
        },
      ],
    ]
    for (const [what, hook] of failures) {
      it(`ends the request by an error, ${what}`, async () => {
        expect((await request(await serverUnder(hook)).get('/used')).status).to.equal(402)
        expect(seen).to.deep.equal([])
      })
    }

    it('may switch a route off and on again while the app runs', async () => {
      let open = false
      const server = await serverUnder(() => {
        if (!open) throw new NotFoundError()
      })
      const status = async () => (await request(server).get('/used')).status

      const before = await status()
      open = true

      expect([before, await status()]).to.deep.equal([404, 200])
    })

    it('has the app for its this, as under Fastify', async () => {
      const { app } = await serve([
        under(function (this: { prefix: string; log: object }) {
          seen.push(`${typeof this.log} ${this.prefix}`)
        }),
      ])

      await request(app.server).get('/used')

      expect(seen[0]).to.equal('object ')
    })

    it('may answer in place of the method', async () => {
      const server = await serverUnder((_request: unknown, reply: FastifyReply) => reply.code(203).send('hook'))

      const { status, text } = await request(server).get('/used')

      expect({ status, text, seen }).to.deep.equal({ status: 203, text: 'hook', seen: [] })
    })
  })

  it('by name runs at its place, one or several', async () => {
    const mark = (name: string) => () => void seen.push(name)
    const server = await serverUnder({
      onResponse: mark('onResponse'),
      preHandler: [mark('preHandler'), mark('preHandler again')],
      onRequest: mark('onRequest'),
      preValidation: mark('preValidation'),
      preParsing: mark('preParsing'),
      preSerialization: (_request: unknown, _reply: unknown, payload: object) => ({ ...payload, more: 1 }),
      onSend: (_request: unknown, _reply: unknown, payload: string) => `[${payload}]`,
    })

    const { text } = await request(server).post('/used').send({ n: 1 })

    expect(text).to.equal('[{"used":true,"more":1}]')
    await until(() => seen.includes('onResponse'))
    expect(seen).to.deep.equal([
      'onRequest',
      'preParsing',
      'preValidation',
      'preHandler',
      'preHandler again',
      'method',
      'onResponse',
    ])
  })

  it('by name hears of an error, and of a client that leaves', async () => {
    const server = await serverUnder({
      onError: (_request: unknown, _reply: unknown, error: Error) => void seen.push(error.message),
      preHandler: () => Promise.reject(new HttpError(402, 'Pay first')),
    })
    expect((await request(server).get('/used')).status).to.equal(402)

    const { url } = await serve([
      under({
        onRequestAbort: async () => void seen.push('left'),
        preHandler: (_request: unknown, reply: FastifyReply) => {
          seen.push('waits')
          return once(reply.raw, 'close')
        },
      }),
    ])
    const connection = await Connection.open(url, get('/used'))
    await until(() => seen.includes('waits'))
    connection.leave()

    await until(() => seen.includes('left'))
    expect(seen.slice(0, 2)).to.deep.equal(['Pay first', 'waits'])
  })

  describe('that is a class', () => {
    @injectable()
    class Audit {
      constructor(private readonly marks: Marks) {}

      onRequest({ url }: FastifyRequest) {
        this.marks.push(`asked ${url}`)
      }

      async onSend(_request: FastifyRequest, reply: FastifyReply, payload: string) {
        reply.header('x-audit', 'yes')
        return payload
      }

      other() {
        this.marks.push('never')
      }
    }

    it('is made by the container, and has a method for each hook', async () => {
      const { headers, text } = await request(await serverUnder(Audit)).get('/used')

      expect(headers['x-audit']).to.equal('yes')
      expect(text).to.equal('{"used":true}')
      expect(seen).to.deep.equal(['asked /used', 'method'])
    })

    it('gives way to one that stands in for it', async () => {
      const container = rootContainer.createChildContainer()
      container.register<object>(Audit, { useValue: { preHandler: () => void seen.push('fake') } })
      const { app } = await serve([under(Audit)], { container })

      await request(app.server).get('/used')

      expect(seen).to.deep.equal(['fake', 'method'])
    })
  })

  describe('stops the boot', () => {
    const names =
      'These are: onRequest, preParsing, preValidation, preHandler, preSerialization, onSend, onResponse, onError, ' +
      'onTimeout, onRequestAbort'
    const wrong: [what: string, hook: unknown, message: string][] = [
      [
        'if it is undefined',
        undefined,
        'Used.use: @Use takes a hook function, a class, or hooks by name, not undefined: is it imported around in a circle?',
      ],
      ['if it is a text', 'cors', 'Used.use: @Use takes a hook function, a class, or hooks by name, not cors'],
      [
        'if it is an object without hooks',
        {},
        'Used.use: @Use takes a hook function, a class, or hooks by name, not [object Object]',
      ],
      ['with a name that Fastify has not', { onReply() {} }, `Used.use: @Use: onReply is no hook of a route. ${names}`],
      ['with what is no function', { onSend: 'x' }, 'Used.use: @Use: its onSend is no function'],
      ['with a class without hooks', class Empty {}, `Used.use, @Use(Empty): has no method that is a hook. ${names}`],
      [
        'with a class whose method wants done',
        class Old {
          onRequest(_request: unknown, _reply: unknown, done: () => void) {
            done()
          }
        },
        'Used.use, @Use(Old): its method onRequest takes "done", which it is not given: return a promise instead',
      ],
      [
        'with a function that is async and wants done, which Fastify refuses',
        async (_request: unknown, _reply: unknown, _done: unknown) => {},
        "Used.use: Async function has too many arguments. Async hooks should not use the 'done' argument.",
      ],
    ]
    for (const [what, hook, message] of wrong) {
      it(what, async () => {
        expect(await refusal([under(hook)])).to.equal(message)
      })
    }
  })
})

describe('routeHooks', () => {
  it('are none where there is no @Use, so that a route without it has none', () => {
    expect(routeHooks([], new Instances(rootContainer), 'Prices.list')).to.deep.equal({})
  })
})
