import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import { IsString } from 'class-validator'
import { Controller, describeApi, downgrade, Get } from 'okapi'
import { Schemas } from '../../src/openapi/schemas.js'
import { webhookOf } from '../../src/openapi/webhooks.js'

class Price {
  @IsString()
  symbol!: string
}

@Controller('/prices')
class Prices {
  @Get()
  priceChanged() {}
}

const info = { title: 'Prices', version: '1.0.0' }

describe('webhookOf', () => {
  it('is a POST that brings a body and headers, and that nobody has to be let in for', () => {
    const schemas = new Schemas()

    const operation = webhookOf(schemas, 'priceChanged', {
      body: [Price],
      headers: { 'X-Signature': 'The HMAC of the body' },
      summary: 'A price has changed',
      description: 'Sent *once*',
      deprecated: true,
      tags: ['Prices'],
    })

    expect(operation).to.deep.equal({
      operationId: 'priceChanged',
      tags: ['Prices'],
      summary: 'A price has changed',
      description: 'Sent *once*',
      deprecated: true,
      security: [],
      parameters: [
        { name: 'X-Signature', in: 'header', description: 'The HMAC of the body', schema: { type: 'string' } },
      ],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Price' } } } },
      },
      responses: { '2XX': { description: 'Taken.' } },
    })
    expect(schemas.components).to.include.keys('Price')
  })

  it('may bring nothing', () => {
    expect(webhookOf(new Schemas(), 'woken', {})).to.deep.equal({
      operationId: 'woken',
      tags: [],
      security: [],
      responses: { '2XX': { description: 'Taken.' } },
    })
  })

  it('refuses what nobody reads, and what is no webhook', () => {
    const of = (webhook: unknown) => () => webhookOf(new Schemas(), 'woken', webhook as object)

    expect(of({ bdoy: Price })).to.throw(/^openapi, webhook woken: knows no .*bdoy/)
    expect(of(Price)).to.throw(/^openapi, webhook woken: takes an object with body, headers, /)
  })

  it('refuses a body without rules, by its name', () => {
    class Unruly {
      anything = 1
    }

    expect(() => webhookOf(new Schemas(), 'woken', { body: Unruly })).to.throw(/^openapi, webhook woken: /)
  })
})

describe('The webhooks of a document', () => {
  it('stand beside its paths, as 3.2 and as 3.1, and a foreign validator finds them right', async () => {
    const document = describeApi([Prices], {
      info,
      webhooks: { 'Prices.priceChanged': { body: Price, tags: ['Feeds'] } },
    })

    expect(document.webhooks?.['Prices.priceChanged']?.post?.operationId).to.equal('Prices.priceChanged_2')
    expect(document.tags.map(({ name }) => name)).to.deep.equal(['Prices', 'Feeds'])
    for (const one of [document, downgrade(document)]) {
      const { valid, errors } = await new Validator().validate(structuredClone(one) as never)
      expect({ valid, errors }).to.deep.equal({ valid: true, errors: undefined })
      expect(one.webhooks).to.have.all.keys('Prices.priceChanged')
    }
  })

  it('are left out where there are none', () => {
    expect(describeApi([Prices], { info })).to.not.have.property('webhooks')
  })
})
