import { expect } from 'chai'
import fastify, { type FastifyReply } from 'fastify'
import { dropUnsendable } from '../src/sendable.js'

describe('dropUnsendable', () => {
  const dropFrom = async (given: Record<string, string>): Promise<[Error | undefined, FastifyReply]> => {
    const app = fastify()
    let dropped: [Error | undefined, FastifyReply] | undefined
    app.get('/', async (_request, reply) => {
      reply.headers(given)
      dropped = [dropUnsendable(reply), reply]
      return ''
    })
    await app.inject('/')
    await app.close()
    return dropped as [Error | undefined, FastifyReply]
  }

  it('leaves what can be sent, and finds nothing wrong', async () => {
    const [failure, reply] = await dropFrom({ 'x-a': 'ä', 'x-b': '' })

    expect(failure).to.equal(undefined)
    expect(reply.getHeaders()).to.include({ 'x-a': 'ä', 'x-b': '' })
  })

  for (const [name, value] of [
    ['x-broken', 'a\r\nset-cookie: a=1'],
    ['x-broken', 'a\nb'],
    ['x-broken', '\0'],
    ['x-broken', '茶'],
    ['x broken', 'a'],
  ] as const) {
    it(`takes out ${JSON.stringify(`${name}: ${value}`)}, and says what is wrong`, async () => {
      const [failure, reply] = await dropFrom({ 'x-a': 'a', [name]: value })

      expect(failure).to.be.instanceOf(TypeError)
      expect(reply.getHeaders()).to.include({ 'x-a': 'a' }).and.not.to.have.property(name)
    })
  }
})
