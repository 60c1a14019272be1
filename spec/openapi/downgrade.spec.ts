import { expect } from 'chai'
import { describeApi, downgrade } from 'okapi'
import { shop, shopApi } from '../support/shop.js'

describe('downgrade', () => {
  const document = describeApi(shop, shopApi)
  const before = JSON.stringify(document)
  const old = downgrade(document)

  it('says that it is 3.1, and leaves the document as it was', () => {
    expect(old.openapi).to.equal('3.1.1')
    expect(JSON.stringify(document)).to.equal(before)
  })

  it('makes of a stream a text, whose description lists the events', () => {
    const stream = old.paths['/stock/{sku}']?.get?.responses[200]?.content?.['text/event-stream']

    expect(stream).to.have.keys('schema', 'x-itemSchema')
    expect(stream?.schema?.type).to.equal('string')
    expect(stream?.schema?.description).to.equal(
      [
        'A stream of server-sent events:\n',
        '- `stock`',
        '- `empty`',
        '- `stream:error`: The stream has failed, and is over.',
        '- `stream:end`: The stream is over: it has said all (`done`), or the client is to come back, after `retry`.',
      ].join('\n'),
    )
  })

  it('keeps the schema of the events where tools that do not know it pass it by', () => {
    const path = '/stock/live'
    const item = document.paths[path]?.get?.responses[200]?.content?.['text/event-stream']?.itemSchema

    expect(old.paths[path]?.get?.responses[200]?.content?.['text/event-stream']?.['x-itemSchema']).to.equal(item)
    expect(JSON.stringify(old).replaceAll('x-itemSchema', '')).to.not.contain('itemSchema')
  })

  it('speaks of any event where none is declared', () => {
    const stream = old.paths['/stock/anything']?.get?.responses[200]?.content?.['text/event-stream']

    expect(stream?.schema?.description).to.contain('- any event\n')
  })

  it('leaves out what 3.1 has no field for', () => {
    expect(old.servers).to.deep.equal([{ url: 'https://shop.example' }])
    expect(old.tags[0]).to.deep.equal({ name: 'Orders', description: 'What was bought' })
    expect(downgrade({ ...document, tags: [{ name: 'a', summary: 'An A', parent: 'b' }] }).tags).to.deep.equal([
      { name: 'a', description: 'An A' },
    ])
  })
})
