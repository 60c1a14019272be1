import { expect } from 'chai'
import fastify, { type FastifyInstance } from 'fastify'
import {
  type AppOptions,
  Controller,
  Get,
  NotFoundError,
  type OkapiOptions,
  okapi,
  Post,
  SSE,
  Streams,
  Tickets,
  Topics,
} from 'okapi'
import { Lifecycle, scoped } from 'tsyringe'
import { resolveOptions } from '../../src/sse/options.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, read, tableAfter } from '../support/papers.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'docs/options.md'

/** Options of an app that the plugin does not take: a name that it takes is refused by the compiler. */
const ofTheAppAlone: readonly Exclude<keyof AppOptions, keyof OkapiOptions>[] = [
  'static',
  'spa',
  'cors',
  'securityHeaders',
  'rateLimit',
  'compress',
  'etag',
  'signals',
  'fastify',
  'setup',
]

const ofThePluginAlone: readonly Exclude<keyof OkapiOptions, keyof AppOptions>[] = ['streams', 'log']

describe(paper, () => {
  const { load } = examplesOf(paper)

  it('options: holds for its streams, the nearest first', async () => {
    const { app } = await load<{ app: FastifyInstance }>('options')
    const answer = await app.inject('/quotes/live')

    expect(answer.body).to.match(/^retry: 1000\n\ndata: To be, or not to be\n\n/)
    expect(answer.headers['x-request-id']).to.equal('req-1')
    expect(app.initialConfig.bodyLimit).to.equal(10_000)
    await app.close()
  })

  it('plugin: serves below its prefix', async () => {
    const { app } = await load<{ app: FastifyInstance }>('plugin')

    expect((await app.inject('/api/status')).body).to.equal('{"up":true}')
    await app.close()
  })

  it('runs the hooks of the app for its routes, and asks its error handler for none', async () => {
    @Controller()
    class Failing {
      @Get('/none')
      none() {
        throw new NotFoundError('none')
      }

      @SSE('/broken')
      *broken() {
        yield 1
        throw new Error('broken')
      }
    }
    const app = fastify()
    const told: string[] = []
    const addHooks = (place: string) => {
      app.addHook('onSend', async () => void told.push(`onSend ${place}`))
      app.addHook('onError', async () => void told.push(`onError ${place}`))
    }
    addHooks('before')
    await app.register(okapi, { controllers: [Failing], log: false })
    addHooks('behind')
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send('that of the app'))
    app.get('/own', async () => Promise.reject(new Error('own')))

    expect((await app.inject('/own')).body).to.equal('that of the app')
    told.length = 0
    expect((await app.inject('/none')).body).to.contain('"detail":"none"')
    expect(told.splice(0)).to.deep.equal(['onError before', 'onError behind', 'onSend before', 'onSend behind'])
    expect((await app.inject('/broken')).body).to.contain('event: stream:error')
    expect(told).to.deep.equal(['onSend before', 'onSend behind'])
    await app.close()
  })

  it('has, registered twice, what belongs to each, and shares what both are given', async () => {
    @scoped(Lifecycle.ContainerScoped)
    class Once {}

    @Controller()
    class Parts {
      constructor(
        readonly topics: Topics,
        readonly tickets: Tickets,
        readonly once: Once,
      ) {
        made.push(this)
      }

      @SSE('/listen')
      listen() {
        return this.topics.subscribe('news')
      }

      @Post('/say')
      async say() {
        await this.topics.publish('news', 'hello')
      }
    }
    const made: Parts[] = []
    const register = async (options: Partial<OkapiOptions>) => {
      const app = fastify()
      made.length = 0
      for (const prefix of ['/a', '/b']) {
        await app.register(okapi, { controllers: [Parts], prefix, admission: { total: 1 }, health: true, ...options })
      }
      await app.ready()
      return app
    }
    const same = (name: 'topics' | 'tickets' | 'once') => made[0]?.[name] === made[1]?.[name]

    const apart = await register({})
    expect(made).to.have.length(2)
    expect([same('topics'), same('tickets'), same('once')]).to.deep.equal([false, false, false])
    for (const prefix of ['/a', '/b']) expect((await apart.inject(`${prefix}/readyz`)).statusCode).to.equal(200)
    await apart.close()

    const topics = new Topics()
    const streams = new Streams()
    const together = await register({ topics, tickets: new Tickets(), streams })
    expect([same('topics'), same('tickets'), same('once')]).to.deep.equal([true, true, false])
    const url = await together.listen({ port: 0, host: '127.0.0.1' })
    const listening = await Promise.all(['/a', '/b'].map(prefix => subscribe(`${url}${prefix}/listen`)))
    // One each: the bound of one is not that of both.
    expect(listening.map(({ status }) => status)).to.deep.equal([200, 200])
    expect((await fetch(`${url}/a/listen`)).status).to.equal(503)
    expect(streams.size).to.equal(2)
    await fetch(`${url}/a/say`, { method: 'POST' })
    for (const stream of listening) {
      expect((await stream.take(1)).map(({ data }) => data)).to.deep.equal(['hello'])
      stream.leave()
    }
    await together.close()
    expect(await topics.publish('news', 'still open')).to.match(/\.2$/)
    await topics.close()
  })

  it('tells every stream option with its default', () => {
    const told = tableAfter(paper, '<!-- check: stream options -->').map(([name, , value]) => [codesIn(name)[0], value])

    expect(told).to.have.deep.members([
      ...Object.entries(resolveOptions('GET')).map(([name, value]) => [name, inWords(name, value)]),
    ])
    expect(resolveOptions('POST').end).to.equal(false)
  })

  it('tells every option of an app, and of the plugin', () => {
    const ofThePlugin = namesOf('src/plugin.ts', 'OkapiOptions')
    const ofTheApp = [
      ...namesOf('src/app.ts', 'AppOptions'),
      ...namesOf('src/protection.ts', 'ProtectionOptions'),
      ...namesOf('src/folders.ts', 'FolderOptions'),
    ]
    const shared = told('plugin options')

    expect(ofTheApp).to.have.members(ofTheAppAlone)
    expect(told('app options')).to.have.members(ofTheApp)
    expect(told('options of the plugin alone')).to.have.members(ofThePluginAlone)
    expect([...shared, ...ofThePluginAlone]).to.have.members(ofThePlugin)
    expect(tableAfter(paper, '<!-- check: plugin options -->').find(([name]) => name === '`closeGrace`')?.[1]).to.equal(
      '2,000',
    )
    expect(read('src/plugin.ts')).to.contain('closeGrace = 2_000')
  })
})

function told(table: string): unknown[] {
  return tableAfter(paper, `<!-- check: ${table} -->`).map(([name]) => codesIn(name)[0])
}

/** The options that an interface declares. */
function namesOf(file: string, name: string): string[] {
  const body = read(file).match(new RegExp(`^export interface ${name}\\b.*?^}`, 'ms'))?.[0] ?? ''
  return body.match(/(?<=^ {2})\w+(?=\??:)/gm) ?? []
}

/** A default as the table has it. */
function inWords(name: string, value: unknown): string {
  if (name === 'end') return `\`'${value}'\` for GET, else \`false\``
  if (typeof value === 'number') return value.toLocaleString('en')
  if (typeof value === 'object' && value !== null) return `\`${value.constructor.name}\``
  return value === undefined ? 'none' : `\`${value}\``
}
