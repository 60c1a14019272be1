import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import { IsInt } from 'class-validator'
import {
  Controller,
  DefinitionError,
  type DescribeOptions,
  Doc,
  describeApi,
  downgrade,
  Get,
  Guard,
  type OpenApiDocument,
  openapiOf,
  Post,
  SSE,
} from 'okapi'
import { closeSamples, startSample } from '../support/sample.js'
import { shop, shopApi } from '../support/shop.js'

const options: DescribeOptions = { info: { title: 'Prices', version: '1.0.0' } }

/** Rules of taste, or of what an app decides for itself. */
const off = [
  'no-empty-servers',
  'security-defined',
  'no-server-example.com',
  'info-license',
  'tag-description',
  'operation-summary',
]

/** What two validators that are not ours find wrong with a document. */
async function faultsOf(document: OpenApiDocument): Promise<unknown[]> {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  const config = await createConfig({
    extends: ['recommended'],
    rules: Object.fromEntries(off.map(name => [name, 'off'])),
  })
  const linted = await lintFromString({ source: JSON.stringify(document), config })
  const bad = linted.filter(({ severity }) => severity === 'error')
  return [...(valid ? [] : [errors]), ...bad.map(({ ruleId, message }) => `${ruleId}: ${message}`)]
}

describe('describeApi', function () {
  this.timeout(30_000)

  afterEach(closeSamples)

  it('describes the sample in a document that two validators find right, as 3.2 and as 3.1', async () => {
    const document = openapiOf((await startSample()).app)

    expect(document.openapi).to.equal('3.2.0')
    expect(await faultsOf(document)).to.deep.equal([])
    expect(await faultsOf(downgrade(document))).to.deep.equal([])
  })

  it('describes an app with everything in it in a document that two validators find right', async () => {
    const document = describeApi(shop, { ...shopApi, prefix: '/shop' })

    expect(Object.keys(document.paths)).to.include.members([
      '/shop/articles/{sku}',
      '/shop/articles/{sku}/files/{wildcard}',
    ])
    expect(await faultsOf(document)).to.deep.equal([])
    expect(await faultsOf(downgrade(document))).to.deep.equal([])
  })

  it('is found wrong by both validators if it is', async () => {
    const document = describeApi(shop, shopApi)
    const wrong = { ...document, paths: { '/a': { get: { operationId: 5, responses: {} } } } } as never

    expect((await faultsOf(wrong)).length).to.be.greaterThan(1)
  })

  it('writes what the app says of itself', () => {
    const { info, servers, security, tags, components } = describeApi(shop, shopApi)

    expect(info).to.equal(shopApi.info)
    expect(servers).to.equal(shopApi.servers)
    expect(security).to.deep.equal([{ key: [] }])
    expect(components.securitySchemes).to.equal(shopApi.securitySchemes)
    expect(tags).to.deep.equal([
      { name: 'Orders', summary: 'Orders', description: 'What was bought', kind: 'nav' },
      { name: 'Articles', description: 'What there is to buy' },
      { name: 'Stocks' },
    ])
    expect(describeApi([], { ...options, externalDocs: { url: 'https://a.example' } })).to.have.property('externalDocs')
  })

  it('writes what @Doc says of a method, or of its controller', () => {
    @Doc({ tags: ['Public'], security: 'key' })
    @Controller('/prices')
    class Prices {
      @Doc({ summary: 'All', description: 'Of *them*', deprecated: true, operationId: 'listPrices' })
      @Get()
      all() {}

      @Doc({ tags: ['Other'], security: [{ key: ['read'], bearer: [] }] })
      @Get('/one')
      one() {}

      @Doc({ security: [] })
      @Get('/free')
      free() {}
    }
    const { paths } = describeApi([Prices], { ...options, securitySchemes: shopApi.securitySchemes })

    expect(paths['/prices']?.get).to.deep.include({
      operationId: 'listPrices',
      tags: ['Public'],
      summary: 'All',
      description: 'Of *them*',
      deprecated: true,
      security: [{ key: [] }],
    })
    expect(paths['/prices']?.get?.responses).to.include.keys('401', '403')
    expect(paths['/prices/one']?.get).to.deep.include({ tags: ['Other'], security: [{ key: ['read'], bearer: [] }] })
    expect(paths['/prices/free']?.get).to.deep.include({ security: [] })
    expect(paths['/prices/free']?.get?.responses).to.not.include.keys('401')
  })

  it('writes which schemes let a request in, as the guards of a route say it', () => {
    @Doc({ security: ['bearer', 'key'] })
    class Members {
      allow() {
        return true
      }
    }
    @Doc({ security: 'tls' })
    class Inside extends Members {}
    class Silent extends Members {}

    @Guard(Members)
    @Controller()
    class Prices {
      @Get('/members')
      members() {}
      @Guard(Inside)
      @Get('/both')
      both() {}
      @Doc({ security: [] })
      @Get('/said')
      said() {}
    }
    @Guard(Silent)
    @Controller()
    class Others {
      @Get('/silent')
      silent() {}
    }
    const securitySchemes = { ...shopApi.securitySchemes, tls: { type: 'mutualTLS' as const } }
    const { paths } = describeApi([Prices, Others], { ...options, securitySchemes, guards: [Silent] })
    const saidOf = (path: string) => paths[path]?.get?.security

    expect(saidOf('/members')).to.deep.equal([{ bearer: [] }, { key: [] }])
    expect(saidOf('/both')).to.deep.equal([
      { bearer: [], tls: [] },
      { key: [], tls: [] },
    ])
    expect(saidOf('/said')).to.deep.equal([])
    expect(saidOf('/silent')).to.equal(undefined)
    for (const path of Object.keys(paths)) expect(paths[path]?.get?.responses).to.include.keys('401', '403')
  })

  it('leaves out what is hidden', () => {
    @Doc({ hidden: true })
    @Controller('/hidden')
    class Hidden {
      @Get()
      all() {}
    }
    @Controller('/half')
    class Half {
      @Get('/shown')
      shown() {}
      @Doc({ hidden: true })
      @Get('/hidden')
      hidden() {}
    }

    expect(Object.keys(describeApi([Hidden, Half], options).paths)).to.deep.equal(['/half/shown'])
  })

  it('gives every route of a method an id of its own', () => {
    @Controller()
    class Prices {
      @Get('/a')
      @Post('/a')
      @Get('/b/:id?')
      price() {}
    }
    const { paths } = describeApi([Prices], options)
    const ids = Object.values(paths).flatMap(item => Object.values(item).map(({ operationId }) => operationId))

    expect(ids).to.have.members(['Prices.price', 'Prices.price_2', 'Prices.price_3', 'Prices.price_4'])
    expect(Object.keys(paths)).to.have.members(['/a', '/b', '/b/{id}'])
  })

  it('goes by the stream options of the app, of the controller and of the route, the nearest first', () => {
    @Controller('', { streamOptions: { end: 'id' } })
    class Streams {
      @SSE('/controller')
      *controller() {
        yield 1
      }
      @SSE('/route', { end: 'event' })
      *route() {
        yield 1
      }
    }
    @Controller()
    class Plain {
      @SSE('/app')
      *app() {
        yield 1
      }
    }
    const { paths } = describeApi([Streams, Plain], { ...options, streamOptions: { end: false } })
    const told = ['/controller', '/route', '/app'].map(path => {
      const { responses } = paths[path]?.get ?? { responses: {} }
      return Object.keys(responses)
    })

    expect(told).to.deep.equal([
      ['200', '204', '400', 'default'],
      ['200', '204', '400', 'default'],
      ['200', 'default'],
    ])
  })

  it('refuses a security scheme that there is not', () => {
    @Controller()
    class Prices {
      @Doc({ security: 'bearer' })
      @Get()
      all() {}
    }

    expect(() => describeApi([Prices], options)).to.throw(
      DefinitionError,
      'Prices.all: asks for the security scheme bearer, which there is not: name it in openapi.securitySchemes',
    )
    expect(() => describeApi([], { ...options, security: 'toString' })).to.throw(
      DefinitionError,
      /^openapi, option security/,
    )
  })

  it('refuses what is no controller', () => {
    class Bare {
      @IsInt()
      count!: number
    }

    expect(() => describeApi([Bare], options)).to.throw(DefinitionError, 'Bare: is not a controller')
  })
})
