import { expect } from 'chai'
import fc from 'fast-check'
import {
  comment,
  custom,
  encode,
  event,
  JsonSerializer,
  json,
  SerializationError,
  ServerSentEvent,
  text,
} from 'okapi/sse'
import { Batch } from '../../src/sse/batch.js'
import { EncodedEvent } from '../../src/sse/event.js'
import { DefaultSerializer } from '../../src/sse/serializer.js'
import { anyText } from '../support/any-text.js'
import { parse } from '../support/parse.js'

const serializer = new DefaultSerializer()

function gather(...values: unknown[]): Batch {
  const batch = new Batch()
  for (const value of values) batch.add(value, serializer)
  return batch
}

describe('A batch', () => {
  it('gives the events in order, each with the empty line that ends it', () => {
    const batch = gather({ n: 1 }, event('a', { n: 2 }), event('a', 3), event('b', 'x\ny'), 'plain')

    expect(batch.take()).to.equal(
      'data: {"n":1}\n\nevent: a\ndata: {"n":2}\n\nevent: a\ndata: 3\n\nevent: b\ndata: x\ndata: y\n\ndata: plain\n\n',
    )
  })

  it('ends an event before one that brings more than a type and data, and before text that is encoded already', () => {
    const batch = gather(
      event('a', 1),
      event('a', 2, { id: '7' }),
      event('a', 3),
      new EncodedEvent('id: 8\ndata: 4\n\n'),
    )
    batch.add(event('a', 5), serializer)
    batch.addText(': ping\n\n')

    expect(batch.take()).to.equal(
      'event: a\ndata: 1\n\nid: 7\nevent: a\ndata: 2\n\nevent: a\ndata: 3\n\nid: 8\ndata: 4\n\nevent: a\ndata: 5\n\n: ping\n\n',
    )
  })

  it('keeps the comment of an event that brings data, and no more', () => {
    const batch = gather(new ServerSentEvent({ comment: 'c', data: 1 }), event('a', 2, { comment: 'd' }), event('a', 3))

    expect(batch.take()).to.equal(': c\ndata: 1\n\n: d\nevent: a\ndata: 2\n\nevent: a\ndata: 3\n\n')
  })

  it('begins anew when it was taken', () => {
    const batch = gather(event('a', 1))
    batch.take()

    expect(batch.length).to.equal(0)
    expect(batch.take()).to.equal('')
    batch.add(event('a', 2), serializer)
    expect(batch.take()).to.equal('event: a\ndata: 2\n\n')
  })

  it('counts the characters it holds, but for the empty line at the end', () => {
    const batch = new Batch()
    expect(batch.length).to.equal(0)

    batch.add('hi', serializer)
    expect(batch.length).to.equal('data: hi'.length)

    batch.addText(': c\n\n')
    expect(batch.length).to.equal('data: hi\n\n: c\n\n'.length)
  })

  it('puts before all others what leads them', () => {
    const batch = gather(event('a', 1))
    batch.lead('retry: 5\n\n')
    batch.add(event('a', 2), serializer)

    expect(batch.take()).to.equal('retry: 5\n\nevent: a\ndata: 1\n\nevent: a\ndata: 2\n\n')
  })

  it('holds nothing of a value without text', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    const batch = gather(event('a', 1))

    for (const value of [circle, event('a', circle), event('a', circle, { id: '1' }), event('a', { toJSON() {} })]) {
      expect(() => batch.add(value, serializer)).to.throw(SerializationError)
    }

    expect(batch.take()).to.equal('event: a\ndata: 1\n\n')
  })

  it('uses the serializer of an event, or else the one it is given', () => {
    const batch = new Batch()
    batch.add('hi', new JsonSerializer())
    batch.add(event('a', 'hi'), new JsonSerializer())
    batch.add(text('hi'), new JsonSerializer())
    batch.add(custom('hi', { serialize: data => `(${data})` }), serializer)

    expect(batch.take()).to.equal('data: "hi"\n\nevent: a\ndata: "hi"\n\ndata: hi\n\ndata: (hi)\n\n')
  })

  it('gives the same text as encoding each value by itself, whatever comes behind what', () => {
    const data = fc.oneof(anyText(), fc.jsonValue(), fc.constant(undefined))
    const type = fc.constantFrom('', 'a', 'b', ' c')
    const value = fc.oneof(
      fc.oneof(anyText(), fc.jsonValue()),
      fc.tuple(type, data).map(([name, payload]) => event(name, payload)),
      fc.tuple(type, data, fc.constantFrom('', '1', 'x.2')).map(([name, payload, id]) => event(name, payload, { id })),
      fc.jsonValue().map(payload => json(payload)),
      anyText().map(words => comment(words)),
      fc.nat().map(retry => new ServerSentEvent({ retry: retry % 1000 })),
      fc.constantFrom(new ServerSentEvent({}), new EncodedEvent('data: 1\n\ndata: 2\n\n')),
    )

    fc.assert(
      fc.property(fc.array(value), values => {
        const whole = gather(...values).take()

        expect(whole).to.equal(values.map(one => encode(one)).join(''))
        expect(parse(whole).events).to.deep.equal(parse(...values.map(one => encode(one))).events)
      }),
    )
  })
})
