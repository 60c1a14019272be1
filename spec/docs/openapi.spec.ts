import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { Controller, Doc, Get, type OpenApiDocument, openapiOf, type Schema } from 'okapi'
import { examplesOf } from '../support/examples.js'
import { tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'

describe('docs/openapi.md', () => {
  const { find, load } = examplesOf('docs/openapi.md')
  const open = new Set<FastifyInstance>()
  const start = async <Names extends { app: FastifyInstance }>(name: string): Promise<Names> => {
    const names = await load<Names>(name)
    open.add(names.app)
    return names
  }

  afterEach(closeAll)
  after(async () => {
    for (const app of open) await app.close()
  })

  it('api: describes what is shown, and serves it where it is said', async () => {
    const { app } = await start('api')
    const { paths, components, tags } = openapiOf(app)

    expect(Object.keys(paths)).to.deep.equal(['/orders', '/orders/{id}'])
    expect(Object.keys(paths['/orders']?.post?.responses ?? {})).to.deep.equal(['201', '400', 'default'])
    expect(components.schemas).to.include.keys('Order', 'Line', 'Ordered')
    expect(tags).to.deep.equal([{ name: 'Orders', description: 'What is bought' }])
    for (const [path] of tableAfter('docs/openapi.md', '| path |'))
      expect((await app.inject((path as string).replaceAll('`', ''))).statusCode, path).to.equal(200)
    expect((await new Validator().validate(structuredClone(openapiOf(app)) as never)).valid).to.equal(true)
  })

  it('stream: describes the first event as it is shown', async () => {
    const { stream } = await start<{ app: FastifyInstance; stream: { itemSchema: Schema } }>('stream')
    const [first] = stream.itemSchema.oneOf as Schema[]

    expect(first).to.deep.equal(JSON.parse(find('stream', 'answer').code))
  })

  it('check: ends a stream that yields what it does not declare', async () => {
    const { app, told } = await start<{ app: FastifyInstance; told: string[] }>('check')
    const { body } = await app.inject('/clock/ticks')

    expect(body).to.match(/^event: tick\ndata: {"count":1}\n\nevent: stream:error\n/)
    expect(told).to.deep.equal([
      'Clock.ticks: the data of an event "tick" is not as declared: @Event with Tick: count must be an integer number',
    ])
  })

  it('security: tells which scheme the guard of a route asks for', async () => {
    const { app } = await start('security')

    expect(openapiOf(app).paths['/news']?.get?.security).to.deep.equal([{ bearer: [] }])
    expect((await app.inject('/news')).statusCode).to.equal(403)
  })

  it('is right that @Doc is no lock, and that routes beside the controllers are not told of', async () => {
    @Controller('/news')
    class News {
      @Doc({ security: 'bearer' })
      @Get()
      latest() {
        return 'We are hiring'
      }
    }
    const { app } = await serve([News], {
      openapi: {
        info: { title: 'News', version: '1.0.0' },
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
        page: false,
        yaml: false,
      },
      setup: app => app.get('/beside', () => 'beside'),
    })

    expect((await app.inject('/news')).body).to.equal('We are hiring')
    expect((await app.inject('/beside')).body).to.equal('beside')
    expect(Object.keys(openapiOf(app).paths)).to.deep.equal(['/news'])
  })

  it('webhooks: tells what the app sends', async () => {
    const { app } = await start('webhooks')
    const { webhooks, components } = (await app.inject('/openapi.json')).json() as OpenApiDocument
    const body = { 'application/json': { schema: { $ref: '#/components/schemas/Price' } } }

    expect(webhooks?.priceChanged?.post?.requestBody).to.deep.equal({ required: true, content: body })
    expect(components.schemas).to.have.all.keys('Price')
  })

  it('script: writes OpenAPI 3.1', async () => {
    const { write } = await load<{ write(file: string): Promise<void> }>('script')
    const file = join(tmpdir(), `openapi-${process.pid}.json`)
    await write(file)
    const { openapi, paths } = JSON.parse(await readFile(file, 'utf8')) as OpenApiDocument
    await rm(file)

    expect([openapi, Object.keys(paths)]).to.deep.equal(['3.1.1', ['/hello']])
  })
})
