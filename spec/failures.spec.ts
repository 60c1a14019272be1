import { expect } from 'chai'
import fastify, { type FastifyInstance } from 'fastify'
import { HttpError } from 'okapi'
import { answerProblem, problemHandler, type Translate } from '../src/failures.js'

describe('problemHandler', () => {
  let app: FastifyInstance
  let logged: [details: object, message: string][] = []
  const log = { error: (...line: [object, string]) => void logged.push(line), warn: () => {} }

  const ask = async (error: unknown, translate?: Translate) => {
    app.setErrorHandler(problemHandler(log, translate))
    app.get('/', async () => Promise.reject(error))
    return app.inject('/')
  }

  beforeEach(() => {
    app = fastify()
    logged = []
  })
  afterEach(() => app.close())

  it('answers an error as problem details, with the headers that it brings', async () => {
    const { statusCode, headers, body } = await ask(new HttpError(405, undefined, { headers: { allow: 'GET' } }))

    expect(statusCode).to.equal(405)
    expect(headers).to.include({ allow: 'GET', 'content-type': 'application/problem+json; charset=utf-8' })
    expect(body).to.equal('{"type":"about:blank","title":"Method Not Allowed","status":405}')
    expect(logged).to.deep.equal([])
  })

  it('logs what is the fault of the server, and tells nothing of it', async () => {
    const error = new Error('password=hunter2')

    const { statusCode, body } = await ask(error)

    expect(statusCode).to.equal(500)
    expect(body).not.to.contain('hunter2')
    expect(logged).to.deep.equal([[{ err: error, reqId: 'req-1', method: 'GET', url: '/' }, 'A request failed']])
  })

  it('answers what the error is translated to, and logs the error itself', async () => {
    const error = new Error('password=hunter2')

    const { statusCode } = await ask(
      error,
      (given, { url }) => new HttpError(given === error && url === '/' ? 502 : 500),
    )

    expect(statusCode).to.equal(502)
    expect(logged[0]?.[0]).to.have.property('err', error)
  })
})

describe('answerProblem', () => {
  it('returns the problem that it sends', async () => {
    const app = fastify()
    let problem: unknown
    app.get('/', (_request, reply) => {
      problem = answerProblem(reply, new HttpError(410, 'Gone for good'))
    })

    const { body } = await app.inject('/')

    expect(JSON.parse(body)).to.deep.equal(problem)
    await app.close()
  })
})
