import { expect } from 'chai'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type AppOptions, Body, Controller, createApp, Get, HttpError, Param, Post, type Problem, SSE } from 'okapi'
import request from 'supertest'
import { overhear } from './support/console.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'

const PROBLEM = 'application/problem+json; charset=utf-8'

describe('createApp', () => {
  let runs = 0

  @Controller('/notes')
  class Notes {
    @Get('/:id')
    find(@Param('id') id: string) {
      return { id }
    }

    @Post()
    add(@Body({ validate: false }) note: object) {
      return note
    }

    @SSE('/live', { method: 'POST' })
    *live(@Body({ validate: false }) note: object) {
      runs++
      yield note
    }

    @SSE('/live/ticks')
    *ticks() {
      runs++
      yield 'tick'
    }

    @Get('/failed/:how')
    async failed(@Param('how') how: string) {
      if (how === 'challenged') {
        throw new HttpError(401, 'Who is it?', { code: 'NO_TOKEN', headers: { 'www-authenticate': 'Bearer' } })
      }
      if (how === 'exposed') throw Object.assign(new Error('It is gone'), { statusCode: 410, expose: true })
      if (how === 'text') throw 'password=hunter2'
      if (how === 'nothing') throw undefined
      throw Object.assign(new Error('password=hunter2'), { detail: 'at db.internal', code: 'ECONNREFUSED' })
    }
  }

  beforeEach(() => {
    runs = 0
  })
  afterEach(closeAll)

  const start = async (options: Omit<AppOptions, 'controllers'> = {}) => (await serve([Notes], options)).app.server
  type Answer = { status: number; headers: Record<string, string>; body: unknown; text: string }
  const expectProblem = ({ status, headers, body, text }: Answer, problem: Omit<Problem, 'type'>) => {
    expect(body).to.deep.equal({ type: 'about:blank', ...problem })
    expect(status).to.equal(problem.status)
    expect(headers['content-type']).to.equal(PROBLEM)
    expect(text).not.to.match(/stack|\.js|node:|hunter2/)
  }

  it('makes a Fastify app that listens, counts its streams, and closes', async () => {
    const app = await createApp({ controllers: [Notes] })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })

    const stream = await subscribe(`${url}/notes/live/ticks`)

    expect((await stream.rest())[0]?.data).to.equal('tick')
    expect(app.streams.size).to.equal(0)
    await app.close()
  })

  describe('answers with problem details', () => {
    it('an unknown path', async () => {
      expectProblem(await request(await start()).get('/nowhere?token=secret'), {
        title: 'Not Found',
        status: 404,
        detail: 'Nothing is served at /nowhere',
      })
    })

    it('a wrong method, with those that are right', async () => {
      const answer = await request(await start()).delete('/notes/7')

      expectProblem(answer, { title: 'Method Not Allowed', status: 405, detail: 'DELETE is not allowed here' })
      expect(answer.headers.allow).to.equal('GET, HEAD')
    })

    it('a wrong method on a stream, which does not begin', async () => {
      const server = await start()

      const get = await request(server).put('/notes/live/ticks')
      const post = await request(server).get('/notes')

      expect([get.status, get.headers.allow]).to.deep.equal([405, 'GET'])
      expect([post.status, post.headers.allow]).to.deep.equal([405, 'POST'])
      expect(runs).to.equal(0)
    })

    it('a path that cannot be decoded', async () => {
      expectProblem(await request(await start()).get('/notes/%zz'), {
        title: 'Bad Request',
        status: 400,
        detail: "'/notes/%zz' is not a valid url component",
        code: 'FST_ERR_BAD_URL',
      })
    })

    for (const path of ['/notes', '/notes/live']) {
      it(`malformed JSON for ${path}`, async () => {
        const answer = await request(await start())
          .post(path)
          .type('json')
          .send('{"a":')

        expectProblem(answer, {
          title: 'Bad Request',
          status: 400,
          detail: "Body is not valid JSON but content-type is set to 'application/json'",
          code: 'FST_ERR_CTP_INVALID_JSON_BODY',
        })
        expect(runs).to.equal(0)
      })

      it(`a content type that nobody reads for ${path}`, async () => {
        const answer = await request(await start())
          .post(path)
          .type('application/xml')
          .send('<a/>')

        expectProblem(answer, {
          title: 'Unsupported Media Type',
          status: 415,
          code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE',
        })
        expect(runs).to.equal(0)
      })

      it(`a body that is too large for ${path}`, async () => {
        const server = await start({ fastify: { bodyLimit: 10 } })

        const answer = await request(server).post(path).send({ text: 'longer than ten' })

        expectProblem(answer, {
          title: 'Payload Too Large',
          status: 413,
          detail: 'Request body is too large',
          code: 'FST_ERR_CTP_BODY_TOO_LARGE',
        })
        expect(runs).to.equal(0)
      })
    }

    const failures: [how: string, problem: Omit<Problem, 'type'>][] = [
      ['challenged', { title: 'Unauthorized', status: 401, detail: 'Who is it?', code: 'NO_TOKEN' }],
      ['exposed', { title: 'Gone', status: 410, detail: 'It is gone' }],
      ['text', { title: 'Internal Server Error', status: 500 }],
      ['nothing', { title: 'Internal Server Error', status: 500 }],
      ['unknown', { title: 'Internal Server Error', status: 500 }],
    ]
    for (const [how, problem] of failures) {
      it(`an error that a method throws (${how})`, async () => {
        expectProblem(await request(await start()).get(`/notes/failed/${how}`), problem)
      })
    }

    it('an error with its headers', async () => {
      const { headers } = await request(await start()).get('/notes/failed/challenged')

      expect(headers['www-authenticate']).to.equal('Bearer')
    })

    it('an error of a hook, before a stream begins', async () => {
      const server = await start({
        setup: app => {
          app.addHook('preHandler', async () => {
            throw new HttpError(403, 'Not for you')
          })
        },
      })

      const answer = await request(server).get('/notes/live/ticks').set('accept', 'text/event-stream')

      expectProblem(answer, { title: 'Forbidden', status: 403, detail: 'Not for you' })
      expect(runs).to.equal(0)
    })
  })

  it('knows by the options of the router which paths are the same', async () => {
    const server = await start({ fastify: { routerOptions: { ignoreTrailingSlash: true, caseSensitive: false } } })

    const slash = await request(server).delete('/notes/7/')
    const upper = await request(server).delete('/NOTES/7')
    const strict = await request(await start()).delete('/NOTES/7')

    expect([slash.status, upper.status, strict.status]).to.deep.equal([405, 405, 404])
  })

  describe('with the option setup', () => {
    it('runs hooks and serves routes and plugins that are added there', async () => {
      const plugin = fastifyPlugin(async (app: FastifyInstance) => {
        app.decorateRequest('user', 'somebody')
      })
      const server = await start({
        setup: async app => {
          await app.register(plugin)
          app.addHook('onRequest', async (_request, reply) => {
            reply.header('x-hook', 'yes')
          })
          app.get('/own', request => ({ user: (request as unknown as { user: string }).user }))
        },
      })

      const own = await request(server).get('/own')
      const note = await request(server).get('/notes/7')

      expect(own.body).to.deep.equal({ user: 'somebody' })
      expect([own.headers['x-hook'], note.headers['x-hook']]).to.deep.equal(['yes', 'yes'])
    })

    it('takes what the methods of Fastify return', async () => {
      for (const setup of [
        (app: FastifyInstance) => app.register(async scope => scope.get('/own', () => 'mine')),
        async (app: FastifyInstance) => app.register(async scope => scope.get('/own', () => 'mine')),
        (app: FastifyInstance) => app.get('/own', () => 'mine'),
        async (app: FastifyInstance) => app.get('/own', () => 'mine'),
      ]) {
        expect((await request(await start({ setup })).get('/own')).text).to.equal('mine')
      }
    })

    it('answers errors of routes that are added there too', async () => {
      const server = await start({
        setup: async app => {
          await app.register(async scope => {
            scope.get('/own', () => {
              throw new Error('password=hunter2')
            })
          })
        },
      })

      expectProblem(await request(server).get('/own'), { title: 'Internal Server Error', status: 500 })
    })

    it('answers unknown paths by a handler that is set there', async () => {
      const server = await start({
        setup: app => {
          app.setNotFoundHandler((_request, reply) => reply.code(200).send('the page'))
        },
      })

      expect((await request(server).get('/nowhere')).text).to.equal('the page')
      expect((await request(server).get('/notes/7')).body).to.deep.equal({ id: '7' })
    })

    it('closes what was opened there when the boot fails', async () => {
      const closed: string[] = []
      const setup = (app: FastifyInstance) => {
        app.addHook('onClose', async () => {
          closed.push('setup')
        })
      }

      expect(await refusal([Notes, Notes], { setup })).to.match(/^Notes\.find: serves GET \/notes\/:id/)
      expect(closed).to.deep.equal(['setup'])
    })

    it('fails with what is thrown there', async () => {
      const cause = new Error('No database')

      const error = await createApp({
        controllers: [Notes],
        setup: () => {
          throw cause
        },
      }).catch((error: unknown) => error)

      expect(error).to.equal(cause)
    })

    it('fails with what a plugin throws that is registered there', async () => {
      const cause = new Error('No database')
      const setup = (app: FastifyInstance) => {
        app.register(async () => {
          throw cause
        })
      }

      const error = await createApp({ controllers: [Notes], setup }).catch((error: unknown) => error)

      expect(error).to.equal(cause)
    })
  })

  it('lets the options of Fastify say how a broken path is answered', async () => {
    const server = await start({
      fastify: { frameworkErrors: (_error, _request, reply) => (reply as unknown as FastifyReply).send('broken') },
    })

    expect((await request(server).get('/notes/%zz')).text).to.equal('broken')
  })

  it('needs no options but controllers, and serves none without', async () => {
    const app = await createApp({ controllers: [] })

    const { errors } = await overhear(async () => {
      expect((await request(app.server).get('/')).status).to.equal(404)
    })

    expect(errors).to.deep.equal([])
    await app.close()
  })
})
