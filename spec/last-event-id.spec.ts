import { expect } from 'chai'
import { Controller, LastEventId, SSE, Topics } from 'okapi'
import request from 'supertest'
import { askHttp2 } from './support/ask-http2.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'

describe('The last event ID in a query', () => {
  @Controller()
  class Streams {
    constructor(private readonly topics: Topics) {}

    @SSE('/last')
    *last(@LastEventId() last?: string) {
      yield [last ?? null]
    }

    @SSE('/posted', { method: 'POST' })
    *posted(@LastEventId() last?: string) {
      yield [last ?? null]
    }

    @SSE('/topic')
    topic() {
      return this.topics.subscribe('news')
    }
  }

  const ask = async (query: string, headers: Record<string, string> = {}, method: 'get' | 'post' = 'get') => {
    const { app } = await serve([Streams])
    return request(app.server)
      [method](`/${method === 'get' ? 'last' : 'posted'}${query}`)
      .set(headers)
  }
  const told = async (...asked: Parameters<typeof ask>) =>
    JSON.parse((await ask(...asked)).text.match(/data: (.*)/)?.[1] ?? '')

  afterEach(closeAll)

  it('is that of a client that cannot send a header', async () => {
    expect(await told('?lastEventId=7')).to.deep.equal(['7'])
  })

  it('may be any text that a header may be', async () => {
    expect(await told(`?lastEventId=${encodeURIComponent('é, 日 and 😀')}`)).to.deep.equal(['é, 日 and 😀'])
  })

  it('gives way to the header, which is newer', async () => {
    expect(await told('?lastEventId=7', { 'last-event-id': '9' })).to.deep.equal(['9'])
  })

  it('is none where it is empty', async () => {
    expect(await told('?lastEventId=')).to.deep.equal([null])
    expect(await told('')).to.deep.equal([null])
  })

  for (const query of [
    '?lastEventId=a%0Ab',
    '?lastEventId=a%0Db',
    '?lastEventId=a%00b',
    '?lastEventId=1&lastEventId=2',
  ]) {
    it(`is refused where no header could say it: ${query}`, async () => {
      const { status, body } = await ask(query)

      expect(status).to.equal(400)
      expect(body.detail).to.equal('The query "lastEventId" is no last event ID')
    })
  }

  it('is heeded over HTTP/2 too', async () => {
    const { url } = await serve([Streams], { fastify: { http2: true } })

    const answer = askHttp2(Number(new URL(url).port), '/last?lastEventId=7')

    await answer.sees('data: ["7"]')
    answer.leave()
  })

  it('is nothing to a client that can send a header: one by POST', async () => {
    expect(await told('?lastEventId=7', {}, 'post')).to.deep.equal([null])
  })

  it('ends a client whose stream has said all', async () => {
    expect((await ask('?lastEventId=stream.end')).status).to.equal(204)
  })

  it('goes on with a topic where another EventSource has left it', async () => {
    const topics = new Topics()
    const { url } = await serve([Streams], { topics })
    const [, two] = [await topics.publish('news', 'one'), await topics.publish('news', 'two')]
    await topics.publish('news', 'three')

    const second = await subscribe(`${url}/topic?lastEventId=${two}`)

    expect((await second.take(1)).map(({ data }) => data)).to.deep.equal(['three'])
    second.leave()
    await topics.close()
  })
})
