import { expect } from 'chai'
import {
  binary,
  comment,
  event,
  JsonSerializer,
  json,
  SerializationError,
  ServerSentEvent,
  TopicEvent,
  TopicEventError,
} from 'okapi'
import { EncodedEvent } from '../../src/sse/event.js'
import { defaultSerializer } from '../../src/sse/serializer.js'
import { contentOf } from '../../src/topics/content.js'
import { decodeDefault } from '../../src/topics/event.js'

describe('contentOf', () => {
  it('is the text of any value or event, without an id', () => {
    const values = ['a', { b: 1 }, event('c', 2), json('d'), binary(new Uint8Array([1])), comment('e')]

    expect(values.map(value => contentOf(value, defaultSerializer))).to.deep.equal([
      'data: a\n\n',
      'data: {"b":1}\n\n',
      'event: c\ndata: 2\n\n',
      'data: "d"\n\n',
      'data: AQ==\n\n',
      ': e\n\n',
    ])
  })

  it('is made by the serializer of the topics, where an event has none of its own', () => {
    expect(contentOf('a', new JsonSerializer())).to.equal('data: "a"\n\n')
  })

  for (const id of ['7', '']) {
    it(`refuses an event with the id ${JSON.stringify(id)}, and says why`, () => {
      expect(() => contentOf(event('a', 1, { id }), defaultSerializer)).to.throw(
        TopicEventError,
        `An event of a topic has no id of its own, its position is the id; put yours in the data: ${JSON.stringify(id)}`,
      )
    })
  }

  it('refuses an event that stands in a topic already', () => {
    const taken = new TopicEvent('a', 'a.1', 'data: 1\n\n', decodeDefault)
    const shown = new TopicEvent('a', undefined, 'event: stream:gap\ndata: 1\n\n', decodeDefault)

    expect(() => contentOf(taken, defaultSerializer)).to.throw(TopicEventError, 'put yours in the data: "a.1"')
    expect(() => contentOf(new EncodedEvent('id: 1\n\n'), defaultSerializer)).to.throw(TopicEventError)
    expect(() => contentOf(shown, defaultSerializer)).to.throw(TopicEventError, /put yours in the data$/)
  })

  it('refuses what has no text', () => {
    expect(() => contentOf(undefined, defaultSerializer)).to.throw(SerializationError)
    expect(() => contentOf(new ServerSentEvent({ data: 1n }), defaultSerializer)).to.throw(SerializationError)
  })
})
