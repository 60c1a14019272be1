import { expect } from 'chai'
import { EventFieldError, OverflowError, SerializationError, StreamClosedError, StreamError } from 'okapi/sse'

describe('The errors of event streams', () => {
  const all = [
    { error: new EventFieldError('retry', -1, 'is no number'), name: 'EventFieldError', code: 'ERR_EVENT_FIELD' },
    { error: new SerializationError('no form'), name: 'SerializationError', code: 'ERR_SERIALIZATION' },
    { error: new StreamClosedError(), name: 'StreamClosedError', code: 'ERR_STREAM_CLOSED' },
    { error: new OverflowError('100 values wait'), name: 'OverflowError', code: 'ERR_OVERFLOW' },
    { error: new StreamError('ERR_OVERFLOW', 'no source'), name: 'StreamError', code: 'ERR_OVERFLOW' },
  ]

  for (const { error, name, code } of all) {
    it(`${name} is one of the family, and is told apart by its code`, () => {
      expect(error).to.be.instanceOf(StreamError).and.instanceOf(Error)
      expect(error).to.include({ name, code })
    })
  }

  it('say what went wrong, and what helps', () => {
    const messages = all.map(({ error }) => error.message)

    expect(messages).to.deep.equal([
      'The retry of an event is no number: -1',
      'The data of an event could not be serialized: no form',
      'The event stream is closed: its client has left, or it has ended',
      '100 values wait: await each call, or send less',
      'no source',
    ])
  })

  describe('EventFieldError', () => {
    it('names the field, and keeps the value', () => {
      const error = new EventFieldError('id', 'a\nb', 'holds a line break')

      expect(error).to.include({ field: 'id', value: 'a\nb' })
    })

    it('shows text in quotes and with its control characters escaped, so that a log keeps its lines', () => {
      const error = new EventFieldError('id', 'a\nb', 'holds a line break')

      expect(error.message).to.equal('The id of an event holds a line break: "a\\nb"')
    })

    it('shows no more than 80 characters of a long value', () => {
      const [long, short] = ['x'.repeat(2_000), 'x'.repeat(78)].map(id => new EventFieldError('id', id, 'is long'))

      expect(long?.message).to.equal(`The id of an event is long: "${'x'.repeat(79)}…`)
      expect(short?.message).to.equal(`The id of an event is long: "${'x'.repeat(78)}"`)
    })
  })

  it('SerializationError keeps what the serializer threw as its cause', () => {
    const cause = new TypeError('circular')

    expect(new SerializationError('circular', cause).cause).to.equal(cause)
  })
})
