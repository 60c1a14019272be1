import { expect } from 'chai'
import fastify from 'fastify'
import { Controller, createApp, Event, Get, JsonSerializer, okapi, openapiOf, SERIALIZER, SSE } from 'okapi'
import { container } from 'tsyringe'

const openapi = { info: { title: 'Prices', version: '1' }, page: false, yaml: false } as const

@Controller('/prices')
class Prices {
  @Get()
  all() {}

  @Event(String)
  @SSE('/live')
  *live() {
    yield 'a'
  }
}

describe('openapiOf', () => {
  it('gives the document of an app', async () => {
    const app = await createApp({ controllers: [Prices], openapi })

    expect(Object.keys(openapiOf(app).paths)).to.deep.equal(['/prices', '/prices/live'])
    await app.close()
  })

  it('gives that of each registration by its prefix', async () => {
    const app = fastify()
    await app.register(okapi, { controllers: [Prices], openapi, prefix: '/v1' })
    await app.register(okapi, { controllers: [Prices], openapi, prefix: '/v2' })
    await app.ready()

    expect(Object.keys(openapiOf(app, '/v2').paths)).to.deep.equal(['/v2/prices', '/v2/prices/live'])
    expect((await app.inject('/v1/openapi.json')).json()).to.deep.equal(openapiOf(app, '/v1'))
    expect(() => openapiOf(app)).to.throw(TypeError, 'The app has no document: give it the option openapi')
    expect(() => openapiOf(app, '/v3')).to.throw(TypeError, 'The app has no document below /v3')
    await app.close()
  })

  it('knows the serializer of the app', async () => {
    const child = container.createChildContainer()
    child.register(SERIALIZER, { useClass: JsonSerializer })
    const app = await createApp({ controllers: [Prices], openapi, container: child, streamOptions: { end: false } })

    const text = JSON.stringify(openapiOf(app).paths['/prices/live'])
    expect(text).to.contain('"contentSchema":{"type":"string"}').and.not.contain('"204"')
    await app.close()
  })
})
