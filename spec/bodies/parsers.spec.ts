import { expect } from 'chai'
import fastify, { type FastifyInstance } from 'fastify'
import { DefinitionError } from 'okapi'
import { addParser } from '../../src/bodies/parsers.js'

describe('addParser', () => {
  let app: FastifyInstance

  beforeEach(() => {
    app = fastify()
    app.post('/', ({ body }, reply) => {
      if (body instanceof Buffer) return reply.send({ bytes: body.toString('latin1') })
      return reply.send({ body })
    })
  })
  afterEach(() => app.close())

  const post = async (type: string, payload: string | Buffer): Promise<unknown> => {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': type },
      payload,
    })
    return statusCode === 200 ? JSON.parse(body) : statusCode
  }

  it('reads text by its charset', async () => {
    await addParser(app, 'here', 'text/plain', false)
    await addParser(app, 'here', 'text/csv', false)

    expect(await post('text/plain; charset=latin1', Buffer.from('Zürich', 'latin1'))).to.deep.equal({ body: 'Zürich' })
    expect(await post('text/csv', 'a,b')).to.deep.equal({ body: 'a,b' })
    expect(await post('text/plain; charset=none', 'a')).to.equal(415)
  })

  it('reads every text of a range', async () => {
    await addParser(app, 'here', 'text/*', false)

    expect(await post('text/markdown', '# a')).to.deep.equal({ body: '# a' })
    expect(await post('text/plain; charset=latin1', Buffer.from('ü', 'latin1'))).to.deep.equal({ body: 'ü' })
  })

  it('takes the bytes of any media type, also those that are parsed elsewhere', async () => {
    const types = ['application/json', 'image/png', 'application/x-www-form-urlencoded']
    for (const type of types) await addParser(app, 'here', type, true)

    for (const type of types) {
      expect(await post(type, '{"a" : 1}'), type).to.deep.equal({ bytes: '{"a" : 1}' })
    }
  })

  it('takes the bytes of a range, and of everything', async () => {
    await addParser(app, 'here', 'application/*', true)
    expect(await post('application/json', '{}')).to.deep.equal({ bytes: '{}' })
    expect(await post('image/png', 'x')).to.equal(415)

    const other = fastify()
    await addParser(other, 'here', '*/*', true)
    other.post('/', ({ body }) => ({ bytes: String(body) }))
    const { body } = await other.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'text/plain' },
      payload: 'x',
    })
    expect(body).to.equal('{"bytes":"x"}')
    await other.close()
  })

  it('reads forms, and JSON of other names', async () => {
    await addParser(app, 'here', 'application/x-www-form-urlencoded', false)
    await addParser(app, 'here', 'application/vnd.api+json', false)

    expect(await post('application/x-www-form-urlencoded', 'a=1&b=2&b=3')).to.deep.equal({
      body: { a: '1', b: ['2', '3'] },
    })
    expect(await post('application/vnd.api+json', '{"a":1}')).to.deep.equal({ body: { a: 1 } })
    expect(await post('application/vnd.api+json', '{"__proto__":1}')).to.equal(400)
  })

  it('adds @fastify/multipart, unless the app has it', async () => {
    await addParser(app, 'here', 'multipart/form-data', false)
    await addParser(app, 'here', 'multipart/form-data', false)

    expect(app.hasRequestDecorator('isMultipart')).to.equal(true)
  })

  it('leaves a parser of the app alone', async () => {
    app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) =>
      done(null, String(body).split(',')),
    )
    await addParser(app, 'here', 'text/csv', false)

    expect(await post('text/csv', 'a,b')).to.deep.equal({ body: ['a', 'b'] })
  })

  it('refuses what nothing reads', async () => {
    const error = await addParser(app, 'Photos.add', 'image/png', false).catch((error: unknown) => error)

    expect(error).to.be.instanceOf(DefinitionError)
    expect(error).to.have.property(
      'message',
      'Photos.add: nothing reads image/png: declare the body as a Buffer, or add a parser to the app',
    )
  })
})
