import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import {
  binary,
  Controller,
  type ControllerClass,
  custom,
  event,
  json,
  type OpenApiDocument,
  type Serializer,
  ServerSentEvent,
  SSE,
  text,
} from 'okapi'
import { examplesOf, isController } from '../support/examples.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'docs/from-okapi-for-go.md'
const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'

class XmlSerializer implements Serializer {
  serialize(): string {
    return '<update/>'
  }
}

/** What the code in the tables speaks of. */
const given = { binary, custom, event, json, text, ServerSentEvent, XmlSerializer, data: {} }

describe(paper, () => {
  const { find, load } = examplesOf('docs/from-okapi-for-go.md')
  const serveExample = async (name: string): Promise<string> => {
    const declared = await load<Record<string, ControllerClass>>(name)
    return (await serve(Object.values(declared).filter(isController))).url
  }
  const ask = async (url: string, init?: RequestInit): Promise<string> => {
    const response = await fetch(url, init)
    return `${response.status} ${await response.text()}`
  }

  afterEach(closeAll)

  it('time: sends the time, until the client leaves', async () => {
    const { app } = await load<{ app: FastifyInstance }>('time')
    const { port } = app.addresses()[0] as { port: number }
    const stream = await subscribe(`http://127.0.0.1:${port}/time`)

    const events = await stream.take(2)
    stream.leave()
    await app.close()

    expect(stream.text()).to.match(/^(data: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n\n){2}/)
    expect(events).to.have.length(2)
  })

  for (const name of ['events', 'channel']) {
    it(`${name}: sends ten updates, and ends`, async () => {
      const counts = Array.from({ length: 10 }, (_, count) => `event: update\ndata: {"count":${count}}\n\n`)

      expect(await ask(`${await serveExample(name)}/events`)).to.equal(`200 ${counts.join('')}${END}`)
    })
  }

  it('options: sends what the serializer makes', async () => {
    expect(await ask(`${await serveExample('options')}/xml-events`)).to.equal(`200 ${find('options', 'answer').code}`)
  })

  it('input: takes what follows the rules, with its defaults, and tells all that does not', async () => {
    const url = await serveExample('input')
    const put = (id: string, book: object, headers = {}) =>
      ask(`${url}/books/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(book),
      })

    expect(await put('7', { name: 'Okapi', price: 10 }, { 'x-api-key': 'k' })).to.equal(
      '200 {"id":7,"book":{"name":"Okapi","price":10,"status":"available"}}',
    )
    const refused = await put('seven', { name: 'Go', price: 1 })
    const { errors } = JSON.parse(refused.slice(4)) as { errors: { in: string; property: string }[] }
    expect(refused.slice(0, 3)).to.equal('400')
    expect(errors.map(issue => `${issue.in} ${issue.property}`)).to.deep.equal([
      'path id',
      'header X-API-Key',
      'body name',
      'body price',
    ])
  })

  it('errors: are answered as it is shown', async () => {
    const response = await fetch(`${await serveExample('errors')}/books/7`)

    expect(response.status).to.equal(404)
    expect(await response.json()).to.deep.equal(JSON.parse(find('errors', 'answer').code))
  })

  it('groups: let in who may, and set what they set', async () => {
    const { app, seen } = await load<{ app: FastifyInstance; seen: string[] }>('groups')
    const by = (url: string) => app.inject({ url, headers: { authorization: 'Bearer of good news' } })

    expect((await app.inject('/api/admin/dashboard')).statusCode).to.equal(403)
    expect((await by('/api/admin/dashboard')).json()).to.deep.equal({ up: true })
    expect((await by('/api/admin/dashboard')).headers).to.not.have.property('cache-control')
    expect((await by('/api/admin/visits')).headers['cache-control']).to.equal('private, max-age=60')
    expect(seen).to.have.length(4)
    await app.close()
  })

  it('openapi: says what the method says', async () => {
    const { app } = await load<{ app: FastifyInstance }>('openapi')
    const document = (await app.inject('/openapi.json')).json() as OpenApiDocument
    const books = (await app.inject('/books?limit=1')).json()
    await app.close()

    const operation = document.paths['/books']?.get
    expect(operation?.summary).to.equal('List all books')
    expect(operation?.parameters).to.deep.equal([{ name: 'limit', in: 'query', schema: { type: 'number' } }])
    expect(operation?.responses[200]?.content).to.deep.equal({
      'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Book' } } },
    })
    expect(books).to.deep.equal([{ name: 'The Go Programming Language' }])
  })

  it('page: is HTML, escaped', async () => {
    const response = await fetch(await serveExample('page'))

    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    expect(`${await response.text()}\n`).to.equal(find('page', 'answer').code)
  })

  it('closing: is over when it is over', async () => {
    const { app } = await load<{ app: FastifyInstance }>('closing')

    expect(await app.inject('/').catch((error: Error) => error.message)).to.match(/closed/)
  })

  describe('on the wire', () => {
    let code: () => AsyncIterable<unknown>

    @Controller()
    class Wire {
      @SSE('/wire', { end: false })
      yields() {
        return code()
      }

      @SSE('/forged')
      *forged() {
        yield event('tick\ndata: forged', 1)
      }

      @SSE('/late')
      *late() {
        yield 1
        yield event('secret', 2n, { id: '2' })
      }

      @SSE('/thrown')
      *thrown() {
        yield 1
        throw new Error('pq: password authentication failed')
      }
    }

    const AsyncGeneratorFunction = async function* () {}.constructor as new (
      ...words: string[]
    ) => (...values: unknown[]) => AsyncIterable<unknown>

    const sent = async (statement: string): Promise<string> => {
      const generator = new AsyncGeneratorFunction(...Object.keys(given), statement)
      code = () => generator(...Object.values(given))
      const { url } = await serve([Wire])
      return (await ask(`${url}/wire`)).replace(/^200 /, '')
    }
    const unescaped = (code = '') => code.replaceAll('\\n', '\n')
    const silent = { fastify: { logger: false } } as const

    it('are all calls of the guide, and the channel of a message', () => {
      const names = tableAfter(paper, '<!-- check: calls -->').map(([go]) => codesIn(go)[0]?.match(/\w+(?=[({])/)?.[0])

      expect(names).to.deep.equal([
        ...['SSESendData', 'SSESendJSON', 'SSESendText', 'SSESendBinary', 'SSEvent', 'SSESendEvent'],
        ...['SSEStream', 'SSEStreamWithOptions', 'SendSSECustom', 'Message'],
      ])
    })

    for (const [go, here, wire] of tableAfter(paper, '<!-- check: calls -->')) {
      const [statement = ''] = codesIn(here)
      if (!statement.startsWith('yield')) continue

      it(`${codesIn(go)[0]} is ${statement}`, async () => {
        expect(await sent(statement)).to.equal(unescaped(codesIn(wire)[0]))
      })
    }

    for (const [yielded, , here] of tableAfter(paper, '<!-- check: wire -->')) {
      const [value = ''] = codesIn(yielded)

      it(`${value} is sent as the table says`, async () => {
        expect(await sent(`yield ${value}`)).to.equal(unescaped(codesIn(here)[0]))
      })
    }

    it('is nothing of an event that would forge another one, but an error with a status', async () => {
      const { url } = await serve([Wire], silent)

      expect(await ask(`${url}/forged`)).to.equal(
        '500 {"type":"about:blank","title":"Internal Server Error","status":500}',
      )
    })

    it('is nothing of a later event without a text, and nothing of what was thrown', async () => {
      const { url } = await serve([Wire], silent)
      const failed =
        'data: 1\n\nevent: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n'

      expect(await ask(`${url}/late`)).to.equal(`200 ${failed}`)
      expect(await ask(`${url}/thrown`)).to.equal(`200 ${failed}`)
    })

    it('are the headers of the table', async () => {
      code = async function* () {}
      const { url } = await serve([Wire])

      const { status, headers } = await fetch(`${url}/wire`)

      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-cache, no-transform')
      expect(headers.get('x-accel-buffering')).to.equal('no')
    })

    it('is nothing for a client that comes back to a stream that was over', async () => {
      const { url } = await serve([Wire])

      expect(await ask(`${url}/late`, { headers: { 'last-event-id': 'stream.end' } })).to.equal('204 ')
    })
  })
})
