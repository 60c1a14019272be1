import { expect } from 'chai'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Controller, type ControllerClass, Get, type Guard, metadata, type RouteContext } from 'okapi'
import { container } from 'tsyringe'
import { ask } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, read } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

const paper = 'docs/guards.md'

describe(paper, () => {
  const { find, load } = examplesOf(paper)
  const serveExample = async (name: string, controller: string): Promise<string> => {
    const declared = await load<Record<string, ControllerClass>>(name)
    return (await serve([declared[controller] as ControllerClass])).url
  }

  afterEach(closeAll)

  it('guard: knows who asks, and for whom a route is', async () => {
    const url = `${await serveExample('guard', 'Prices')}/prices`
    const by = (key: string, method = 'GET') => ({ method, headers: { 'x-api-key': key } })

    expect(await ask(url)).to.match(/^401 .*Send a key in x-api-key/)
    expect(await ask(url, by('key-of-eve'))).to.match(/^401 /)
    expect(await ask(`${url}/live`)).to.match(/^401 /)
    expect(await ask(url, by('key-of-bob'))).to.equal('200 {"for":"bob"}')
    expect(await ask(`${url}/live`, by('key-of-bob'))).to.match(/^200 data: 12.5\n\n/)
    expect(await ask(url, by('key-of-bob', 'POST'))).to.match(/^403 /)
    expect(await ask(url, by('key-of-ada', 'POST'))).to.equal('204 ')
  })

  it('hooks: set a header, change the answer, and note what was answered', async () => {
    const url = `${await serveExample('hooks', 'Reports')}/reports`

    const response = await fetch(url)

    expect(response.headers.get('x-request-id')).to.equal('req-1')
    expect(await response.text()).to.equal('All is well.\n')
    const { Journal } = await load<{ Journal: new () => { lines: string[] } }>('hooks')
    const { lines } = container.resolve(Journal)
    await until(() => lines.length > 0)
    expect(await ask(`${url}/lines`)).to.equal('200 ["GET /reports 200"]')
  })

  it('is right that metadata can open single routes of an app that is closed', async () => {
    const Public = metadata<true>('Public')

    class Closed implements Guard {
      allow(_request: FastifyRequest, context: RouteContext) {
        return context.get(Public) === true
      }
    }

    @Controller('/house')
    class House {
      @Get()
      @Public(true)
      door() {
        return 'door'
      }

      @Get('/cellar')
      cellar() {
        return 'cellar'
      }
    }
    const { url } = await serve([House], { guards: [Closed] })

    expect(await ask(`${url}/house`)).to.equal('200 door')
    expect(await ask(`${url}/house/cellar`)).to.match(/^403 /)
  })

  it('tells what a context tells', () => {
    const [, told = ''] = read(paper).match(/Beside `get`, the context tells (.*?)\./) ?? []
    const declared = read('src/context.ts').match(/^export interface RouteContext\b.*?^}/ms)?.[0] ?? ''

    expect(codesIn(told)).to.have.members(declared.match(/(?<=^ {2}readonly )\w+(?=:)/gm) ?? [])
  })

  it('filters: answer errors of a controller, as it is shown, and of the app', async () => {
    const { app } = await load<{ app: FastifyInstance }>('filters')

    const soldOut = await app.inject('/tickets')
    const lost = await app.inject('/tickets/lost')
    await app.close()

    expect(soldOut.statusCode).to.equal(409)
    expect(soldOut.json()).to.deep.equal(JSON.parse(find('filters', 'answer').code))
    expect(lost.json()).to.deep.equal({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no such ticket',
    })
  })

  it('parameters: read, convert and check', async () => {
    const url = `${await serveExample('parameters', 'Settings')}/settings`
    const digits = (value: string) => ({ headers: { 'x-setting-digits': value } })

    expect(await ask(url)).to.equal('200 {"ip":"127.0.0.1","digits":2}')
    expect(await ask(url, digits('5'))).to.equal('200 {"ip":"127.0.0.1","digits":5}')
    expect(await ask(url, digits('five'))).to.match(/^400 .*The header \\"digits\\" is not a number/)
    expect(await ask(`${url}/range?between=1-9`)).to.equal('200 {"from":1,"to":9}')
    expect(await ask(`${url}/range?between=1-900`)).to.match(/^400 .*to must not be greater than 100/)
  })
})
