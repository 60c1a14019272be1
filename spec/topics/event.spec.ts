import { expect } from 'chai'
import fc from 'fast-check'
import { event, TopicEvent, text } from 'okapi'
import { encode } from '../../src/sse/encode.js'
import { decodeDefault } from '../../src/topics/event.js'
import { anyText } from '../support/any-text.js'
import { parsed } from '../support/parsed.js'

function stored(value: unknown, id?: string): TopicEvent {
  return new TopicEvent('prices', id, encode(value), decodeDefault)
}

describe('TopicEvent', () => {
  it('has the topic, the position, the type and the data of what was published', () => {
    const { topic, id, event: type, text, data, wire } = stored(event('price', { of: 'OKP', is: 12.5 }), 'a.1')

    expect({ topic, id, type, text, data, wire }).to.deep.equal({
      topic: 'prices',
      id: 'a.1',
      type: 'price',
      text: '{"of":"OKP","is":12.5}',
      data: { of: 'OKP', is: 12.5 },
      wire: 'id: a.1\nevent: price\ndata: {"of":"OKP","is":12.5}\n\n',
    })
  })

  it('has no type, no id and no data where there is none', () => {
    expect(stored('a').event).to.equal(undefined)
    expect(stored('a').id).to.equal(undefined)
    expect(encode(stored('a'))).to.equal('data: a\n\n')
    expect(stored(event('ready')).data).to.equal('')
  })

  it('goes over the wire as it was published, with its position', () => {
    expect(encode(stored(event('note', 'two\nlines', { retry: 10, comment: 'c' }), 'a.7'))).to.equal(
      'id: a.7\n: c\nevent: note\nretry: 10\ndata: two\ndata: lines\n\n',
    )
  })

  it('decodes its data once, and only when asked', () => {
    let calls = 0
    const decoded = new TopicEvent('a', 'a.1', 'event: x\ndata: 1\n\n', (data, type) => {
      calls++
      return { data, type }
    })
    expect(decoded.event).to.equal('x')
    expect(calls).to.equal(0)

    expect(decoded.data).to.deep.equal({ data: '1', type: 'x' })
    expect(decoded.data).to.equal(decoded.data)
    expect(calls).to.equal(1)
  })

  it('gives back any text as the client gets it', () => {
    fc.assert(
      fc.property(anyText(), given => {
        const taken = stored(text(given.toWellFormed()))
        const [seen] = parsed(encode(taken))

        expect(taken.text).to.equal(given.toWellFormed().replaceAll(/\r\n|\r/g, '\n'))
        if (taken.text !== '') expect(seen?.data).to.equal(taken.text)
      }),
    )
  })

  it('gives back any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        fc.pre(typeof value !== 'string')
        expect(stored(value).data).to.deep.equal(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})

describe('decodeDefault', () => {
  it('takes JSON for JSON, and any other text as it is', () => {
    expect(['{"a":1}', '12', '"b"', 'null', 'twelve', ''].map(decodeDefault)).to.deep.equal([
      { a: 1 },
      12,
      'b',
      null,
      'twelve',
      '',
    ])
  })
})
