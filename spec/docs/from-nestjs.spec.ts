import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { IsEnum, IsInt, IsUUID } from 'class-validator'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Controller, type ControllerClass, createApp, event, Get, json, NotFoundError, Param, Query, SSE } from 'okapi'
import { interval, map, switchMap, take, throwError, timer } from 'rxjs'
import { examplesOf, isController } from '../support/examples.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'docs/from-nestjs.md'
const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'
const silent = { fastify: { logger: false } } as const

describe(paper, () => {
  const { find, load } = examplesOf('docs/from-nestjs.md')
  const serveExample = async (name: string, controller: string): Promise<string> => {
    const declared = await load<Record<string, ControllerClass>>(name)
    return (await serve([declared[controller]].filter(isController), silent)).url
  }
  const ask = async (url: string, init?: RequestInit): Promise<string> => {
    const response = await fetch(url, init)
    return `${response.status} ${await response.text()}`
  }

  afterEach(closeAll)

  it('cats: converts, checks, answers and refuses', async () => {
    const { app } = await load<{ app: FastifyInstance }>('cats')
    const add = (payload: object) => app.inject({ method: 'POST', url: '/cats', payload })
    const told = ({ statusCode, body }: LightMyRequestResponse) => `${statusCode} ${body}`

    expect(told(await add({ name: 'Tom', age: 3, legs: 5 }))).to.equal('201 {"id":1,"name":"Tom","age":3}')
    expect(told(await app.inject('/cats/1'))).to.equal('200 {"name":"Tom","age":3}')
    expect(told(await app.inject('/cats/2'))).to.match(/^404 .*There is no cat 2/)
    expect(told(await app.inject('/cats/two'))).to.match(/^400 .*is not a number/)
    expect(told(await add({ name: 7, age: -1 }))).to.match(/^400 .*name must be a string.*age must not be less than 0/)
    await app.close()
  })

  it('is right in what stands for the pipes', async () => {
    // biome-ignore lint/style/noEnum: what ParseEnumPipe is for
    enum Colour {
      Red = 'red',
    }
    // biome-ignore lint/style/noEnum: what ParseEnumPipe is for
    enum Level {
      Low,
    }
    class ByColour {
      @IsEnum(Colour)
      colour!: Colour
    }
    class ById {
      @IsUUID()
      id!: string
    }
    class ByCount {
      @IsInt()
      count!: number
    }

    @Controller('/pipes')
    class Pipes {
      @Get('/number')
      number(@Query('n') n: number) {
        return [n]
      }

      @Get('/whole')
      whole(@Query() { count }: ByCount) {
        return [count]
      }

      @Get('/items')
      items(@Query('id', { items: Number }) ids: number[]) {
        return ids
      }

      @Get('/texts')
      texts(@Query('id', { items: String }) ids: string[]) {
        return ids
      }

      @Get('/enum')
      enum(@Query('colour') colour: Colour, @Query('level') level: Level) {
        return [colour, level]
      }

      @Get('/colour')
      colour(@Query() { colour }: ByColour) {
        return [colour]
      }

      @Get('/id/:id')
      id(@Param() { id }: ById) {
        return [id]
      }
    }
    const url = `${(await serve([Pipes], silent)).url}/pipes`
    const uuid = '7d444840-9dc0-11d1-b245-5ffdce74fad2'

    expect(await ask(`${url}/number?n=1.5`)).to.equal('200 [1.5]')
    expect(await ask(`${url}/whole?count=2`)).to.equal('200 [2]')
    expect(await ask(`${url}/whole?count=1.5`)).to.match(/^400 .*count must be an integer number/)
    expect(await ask(`${url}/items?id=1&id=2`)).to.equal('200 [1,2]')
    expect(await ask(`${url}/items?id=1,2`)).to.match(/^400 /)
    expect(await ask(`${url}/texts?id=1&id=2`)).to.equal('200 ["1","2"]')
    expect(await ask(`${url}/texts?id=1,2`)).to.equal('200 ["1,2"]')
    expect(await ask(`${url}/enum?colour=green&level=7`)).to.equal('200 ["green",7]')
    expect(await ask(`${url}/enum?level=high`)).to.match(/^400 /)
    expect(await ask(`${url}/colour?colour=red`)).to.equal('200 ["red"]')
    expect(await ask(`${url}/colour?colour=green`)).to.match(/^400 /)
    expect(await ask(`${url}/id/${uuid}`)).to.equal(`200 ["${uuid}"]`)
    expect(await ask(`${url}/id/5`)).to.match(/^400 .*id must be a UUID/)
  })

  it('is right that createApp waits for an onReady hook, and fails with it', async () => {
    const told: string[] = []
    const create = (hook: () => Promise<void>) =>
      createApp({ ...silent, controllers: [], setup: app => app.addHook('onReady', hook) })

    const app = await create(async () => {
      await setImmediate()
      told.push('ready')
    })
    told.push('made')
    await app.close()

    expect(told).to.deep.equal(['ready', 'made'])
    const failed = await create(async () => Promise.reject(new Error('No line'))).catch(error => error)
    expect(failed).to.be.an('error').with.property('message', 'No line')
  })

  it('guards: let in by role', async () => {
    const url = `${await serveExample('guards', 'Cats')}/cats`

    expect(await ask(url)).to.equal('200 ["Tom"]')
    expect(await ask(`${url}/secret`)).to.match(/^403 /)
    expect(await ask(`${url}/secret`, { headers: { 'x-role': 'admin' } })).to.equal('200 ["Jerry"]')
  })

  it('interceptors: an answer is wrapped by a hook, a stream by a generator', async () => {
    const url = `${await serveExample('interceptors', 'Cats')}/cats`

    expect(await ask(url)).to.equal('200 {"data":["Tom","Jerry"]}')
    expect(await ask(`${url}/live`)).to.equal(
      `200 data: {"n":1,"value":"Tom"}\n\ndata: {"n":2,"value":"Jerry"}\n\n${END}`,
    )
  })

  it('filters: answer as it is shown', async () => {
    const response = await fetch(`${await serveExample('filters', 'Tickets')}/tickets`)

    expect(response.status).to.equal(409)
    expect(await response.json()).to.deep.equal(JSON.parse(find('filters', 'answer').code))
  })

  it('streams: an Observable and a generator are the same on the wire', async () => {
    const url = `${await serveExample('streams', 'Ticks')}/ticks`

    for (const path of ['observable', 'generator']) {
      const stream = await subscribe(`${url}/${path}`)
      await stream.take(2)
      stream.leave()

      expect(stream.text()).to.match(/^id: 0\nevent: tick\ndata: {"n":0}\n\nid: 1\nevent: tick\ndata: {"n":1}\n\n/)
    }
  })

  it('messages: are sent field by field', async () => {
    expect(await ask(`${await serveExample('messages', 'News')}/news`)).to.equal(
      `200 data: {"a":1}\n\nid: 7\nevent: tick\nretry: 10\ndata: two\ndata: lines\n\n${END}`,
    )
  })

  it('tests: answer by the fake', async () => {
    const { answer } = await load<{ answer: LightMyRequestResponse }>('tests')

    expect([answer.statusCode, answer.json()]).to.deep.equal([200, ['Fake']])
  })

  describe('on the wire', () => {
    let code: () => AsyncIterable<unknown>

    @Controller()
    class Wire {
      @SSE('/wire')
      yields() {
        return code()
      }

      @SSE('/forged')
      *forged() {
        yield event('a\nb')
      }

      @SSE('/soon')
      soon() {
        return timer(20).pipe(switchMap(() => throwError(() => new NotFoundError('none'))))
      }

      @SSE('/later')
      later() {
        return interval(1).pipe(
          take(2),
          map(n => {
            if (n === 1) throw new Error('pq: password authentication failed')
            return n
          }),
        )
      }

      @Get('/none')
      none() {
        throw new NotFoundError('none')
      }

      @Get('/nothing')
      nothing() {}
    }

    const AsyncGeneratorFunction = async function* () {}.constructor as new (
      ...words: string[]
    ) => (...values: unknown[]) => AsyncIterable<unknown>

    for (const [, , here, wire] of tableAfter(paper, '<!-- check: wire -->')) {
      const [statement = ''] = codesIn(here)

      it(`${statement} is sent as the table says`, async () => {
        const given = { event, json }
        const generator = new AsyncGeneratorFunction(...Object.keys(given), statement)
        code = () => generator(...Object.values(given))
        const { url } = await serve([Wire])
        const sent = codesIn(wire)[0]?.replaceAll('\\n', '\n')

        expect(await ask(`${url}/wire`)).to.equal(`200 ${sent}${END}`)
      })
    }

    it('is an error with a status, if a stream throws before its first event', async () => {
      const { url } = await serve([Wire], silent)
      const problem = '{"type":"about:blank","title":"Not Found","status":404,"detail":"none"}'

      expect(await ask(`${url}/soon`)).to.equal(`404 ${problem}`)
      expect(await ask(`${url}/none`)).to.equal(`404 ${problem}`)
      expect(await ask(`${url}/forged`)).to.match(/^500 /)
    })

    it('is a stream:error, if it throws later', async () => {
      const { url } = await serve([Wire], silent)

      expect(await ask(`${url}/later`)).to.equal(
        '200 data: 0\n\nevent: stream:error\ndata: {"type":"about:blank","title":"Internal Server Error","status":500}\n\n',
      )
    })

    it('is 204 after the end, and for nothing; 405 for HEAD on a stream, and for another method', async () => {
      const { url } = await serve([Wire])
      const put = await fetch(`${url}/none`, { method: 'PUT' })

      expect(await ask(`${url}/later`, { headers: { 'last-event-id': 'stream.end' } })).to.equal('204 ')
      expect(await ask(`${url}/nothing`)).to.equal('204 ')
      expect((await fetch(`${url}/wire`, { method: 'HEAD' })).status).to.equal(405)
      expect([put.status, put.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD'])
    })
  })
})
