import { expect } from 'chai'
import fc from 'fast-check'
import {
  comment,
  custom,
  type EventFields,
  encode,
  event,
  JsonSerializer,
  json,
  SerializationError,
  type Serializer,
  ServerSentEvent,
  text,
} from 'okapi/sse'
import { EncodedEvent } from '../../src/sse/event.js'
import { anyText } from '../support/any-text.js'
import { parse } from '../support/parse.js'
import { unlessRefused } from '../support/unless-refused.js'

describe('encode', () => {
  describe('A plain value', () => {
    it('is the data of an event without a type', () => {
      expect(encode('hi')).to.equal('data: hi\n\n')
      expect(encode(7)).to.equal('data: 7\n\n')
      expect(encode(null)).to.equal('data: null\n\n')
      expect(encode([1, 'a'])).to.equal('data: [1,"a"]\n\n')
      expect(encode(Uint8Array.of(0x89, 0x50, 0x4e, 0x47))).to.equal('data: iVBORw==\n\n')
    })

    it('is data too when it looks like an event: only the class makes one', () => {
      expect(encode({ data: 1, event: 'e', id: '2' })).to.equal('data: {"data":1,"event":"e","id":"2"}\n\n')
    })
  })

  it('leaves text alone that the framework has encoded already', () => {
    const text = 'id: a.1\ndata: {"n":1}\n\nid: a.2\ndata: {"n":2}\n\n'

    expect(encode(new EncodedEvent(text))).to.equal(text)
    expect(encode(new EncodedEvent(text), new JsonSerializer())).to.equal(text)
  })

  describe('The fields', () => {
    it('stand in one order: comment, id, event, retry, data', () => {
      const all = new ServerSentEvent({ data: 'd', retry: 5, event: 'e', id: '1', comment: 'c' })

      expect(encode(all)).to.equal(': c\nid: 1\nevent: e\nretry: 5\ndata: d\n\n')
    })

    it('are left out when they are not given; nothing at all is an empty block', () => {
      expect(encode(new ServerSentEvent({ id: '1' }))).to.equal('id: 1\n\n')
      expect(encode(new ServerSentEvent({ retry: 0 }))).to.equal('retry: 0\n\n')
      expect(encode(new ServerSentEvent({}))).to.equal('\n')
    })

    it('hold an empty id, which makes the client forget its position', () => {
      expect(encode(new ServerSentEvent({ id: '', data: 1 }))).to.equal('id: \ndata: 1\n\n')
    })

    it('hold no empty event type', () => {
      expect(encode(event('', 1))).to.equal('data: 1\n\n')
      expect(encode(event(''))).to.equal('\n')
    })

    it('hold the event type of each event, whichever came before', () => {
      const types = ['a', 'a', 'b', 'a', '', 'b']

      const texts = types.map(type => encode(event(type, 1)))

      expect(texts.join('')).to.equal(
        'event: a\ndata: 1\n\nevent: a\ndata: 1\n\nevent: b\ndata: 1\n\nevent: a\ndata: 1\n\ndata: 1\n\nevent: b\ndata: 1\n\n',
      )
    })

    it('hold the spaces of an event type', () => {
      expect(parse(encode(event(' a ', 1))).events).to.deep.equal([{ id: undefined, event: ' a ', data: '1' }])
    })
  })

  describe('Data', () => {
    it('is split at CRLF, CR and LF, each line in a field of its own', () => {
      expect(encode('a\r\nb\rc\nd')).to.equal('data: a\ndata: b\ndata: c\ndata: d\n\n')
    })

    it('keeps empty lines, at the ends too', () => {
      expect(encode('\na\n\nb\n')).to.equal('data: \ndata: a\ndata: \ndata: b\ndata: \n\n')
      expect(encode('\r\n\r\n')).to.equal('data: \ndata: \ndata: \n\n')
      expect(encode('\n\r')).to.equal('data: \ndata: \ndata: \n\n')
    })

    it('keeps a leading space, U+FEFF and the empty string', () => {
      const sent = [' a', '  ', '\uFEFFa', '']

      const texts = sent.map(data => encode(data))

      expect(texts).to.deep.equal(['data:  a\n\n', 'data:   \n\n', 'data: \uFEFFa\n\n', 'data: \n\n'])
      expect(parse(...texts).events.map(({ data }) => data)).to.deep.equal(sent)
    })

    it('keeps what ends a line elsewhere, but not here', () => {
      expect(encode('a\u2028b\u2029c\x85d\x0Be\x0Cf')).to.equal('data: a\u2028b\u2029c\x85d\x0Be\x0Cf\n\n')
    })

    it('is split the same way behind a type, and behind a serializer that breaks lines', () => {
      const pretty: Serializer = { serialize: data => JSON.stringify(data, null, 1) }

      expect(encode(event('e', 'a\nb'))).to.equal('event: e\ndata: a\ndata: b\n\n')
      expect(encode({ a: 1 }, pretty)).to.equal('data: {\ndata:  "a": 1\ndata: }\n\n')
    })
  })

  describe('A comment', () => {
    it('is split at CRLF, CR and LF, each line a comment of its own', () => {
      expect(encode(comment('a\r\nb\rc\nd'))).to.equal(': a\n: b\n: c\n: d\n\n')
    })

    it('may be empty', () => {
      expect(encode(comment(''))).to.equal(': \n\n')
    })
  })

  describe('The serializer', () => {
    const shout: Serializer = { serialize: data => String(data).toUpperCase() }
    const whisper: Serializer = { serialize: data => `(${data})` }

    it('of the stream is used in place of the default', () => {
      expect(encode('hi', shout)).to.equal('data: HI\n\n')
      expect(encode('hi', new JsonSerializer())).to.equal('data: "hi"\n\n')
      expect(encode({ a: 1 }, whisper)).to.equal('data: ([object Object])\n\n')
      expect(encode(event('e', 'hi'), shout)).to.equal('event: e\ndata: HI\n\n')
    })

    it('of the event wins over that of the stream', () => {
      expect(encode(custom('hi', whisper), shout)).to.equal('data: (hi)\n\n')
      expect(encode(event('e', 'hi', { serializer: whisper }), shout)).to.equal('event: e\ndata: (hi)\n\n')
      expect(encode(json('hi'), shout)).to.equal('data: "hi"\n\n')
      expect(encode(text('hi'), shout)).to.equal('data: hi\n\n')
    })

    it('of the event is asked even where it has no data', () => {
      expect(encode(new ServerSentEvent({ serializer: whisper }))).to.equal('data: (undefined)\n\n')
    })
  })

  describe('Data without text', () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const throwing = (error: unknown): Serializer => ({
      serialize() {
        throw error
      },
    })

    function failure(value: unknown, serializer?: Serializer): SerializationError {
      try {
        encode(value, serializer)
      } catch (error) {
        if (error instanceof SerializationError) return error
        throw error
      }
      throw new Error('It was encoded')
    }

    it('is refused, with the reason', () => {
      const reasons: [value: unknown, reason: string][] = [
        [undefined, 'undefined has no JSON form; yield null to say "nothing"'],
        [() => 1, 'function has no JSON form'],
        [(function* () {})(), 'an iterator has no JSON form; yield* it, or read it first'],
        [new Map([[1, 2]]), 'a Map has no JSON form; send Object.fromEntries(map), or an array of it'],
        [new Error('x'), 'an Error has no JSON form; throw it, or send its message'],
        [{ toJSON: () => undefined }, 'its toJSON() returned nothing'],
        [1n, 'Do not know how to serialize a BigInt'],
      ]

      for (const [value, reason] of reasons) {
        expect(failure(value).message).to.equal(`The data of an event could not be serialized: ${reason}`)
      }
    })

    it('is refused inside an event as it is alone', () => {
      expect(failure(event('e', circular)).message).to.contain('circular structure')
      expect(failure(new ServerSentEvent({ data: 1n, id: '1' })).message).to.contain('BigInt')
    })

    it('is refused with the error behind it as the cause', () => {
      const cause = new RangeError('too much')

      expect(failure(1, throwing(cause))).to.deep.include({
        cause,
        message: 'The data of an event could not be serialized: too much',
      })
      expect(failure(circular).cause).to.be.instanceOf(TypeError)
    })

    it('is refused when a serializer throws what is no error', () => {
      expect(failure(1, throwing('no luck')).message).to.contain('could not be serialized: no luck')
      expect(failure({ toJSON: () => throwing('no JSON').serialize(1) }).message).to.contain(': no JSON')
    })

    it('is refused with the very error of a serializer that throws a SerializationError', () => {
      const error = new SerializationError('mine')

      expect(failure(1, throwing(error))).to.equal(error)
    })

    it('is refused when a serializer returns no string', () => {
      class Broken {
        serialize(): string {
          return undefined as unknown as string
        }
      }

      expect(failure(1, new Broken()).message).to.equal(
        'The data of an event could not be serialized: Broken.serialize() returned no string but undefined',
      )
    })
  })

  describe('For a foreign parser', () => {
    // Half of the types and ids are sound, so that whole events are sent often enough.
    const sound = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ':', 'data:', '\uFEFF', '\u2028'), maxLength: 8 })
    const name = fc.oneof(sound, anyText())
    const retry = fc.oneof({ weight: 4, arbitrary: fc.nat() }, fc.integer(), fc.double())
    const fields = fc.record(
      { data: anyText(), event: name, id: name, comment: anyText(), retry },
      { requiredKeys: [] },
    ) as fc.Arbitrary<EventFields<string>>

    /** What leaves the process: UTF-8. */
    function sent(wire: string): string {
      return Buffer.from(wire).toString()
    }

    function lines(text: string): string[] {
      return text.toWellFormed().split(/\r\n|\r|\n/)
    }

    /** What the standard says a client sees of an event with these fields. */
    function seen({ data, event: type, id }: EventFields<string>) {
      if (data === undefined && !type) return []
      return [{ id, event: type || undefined, data: lines(data ?? '').join('\n') }]
    }

    it('any data arrives as it was, with LF for every line break', () => {
      fc.assert(
        fc.property(anyText(), data => {
          const parsed = parse(sent(encode(data)))

          const expected = [{ id: undefined, event: undefined, data: lines(data).join('\n') }]
          expect(parsed).to.deep.equal({ events: expected, comments: [], retries: [], errors: [] })
        }),
      )
    })

    it('any JSON arrives as it was', () => {
      fc.assert(
        fc.property(fc.jsonValue(), value => {
          const [message] = parse(encode(json(value))).events

          expect(JSON.parse(String(message?.data))).to.deep.equal(JSON.parse(JSON.stringify(value)))
        }),
      )
    })

    it('any fields are refused or arrive as they were, and no text of theirs makes another field or event', () => {
      fc.assert(
        fc.property(fields, given => {
          const made = unlessRefused(() => new ServerSentEvent(given))
          if (made === undefined) return

          const parsed = parse(sent(encode(made)))

          expect(parsed).to.deep.equal({
            events: seen(given),
            comments: given.comment === undefined ? [] : lines(given.comment),
            retries: given.retry === undefined ? [] : [given.retry + 0],
            errors: [],
          })
        }),
        { numRuns: 500 },
      )
    })

    it('any events in a row arrive one by one, wherever the network cuts the bytes', () => {
      const cuts = fc.array(fc.nat({ max: 2_000 }), { maxLength: 20 })

      fc.assert(
        fc.property(fc.array(fields, { maxLength: 20 }), cuts, (all, positions) => {
          const kept = all.filter(given => unlessRefused(() => new ServerSentEvent(given)))
          const bytes = Buffer.from(kept.map(given => encode(new ServerSentEvent(given))).join(''))
          const decoder = new TextDecoder()
          const ends = [...positions.filter(at => at < bytes.length).sort((a, b) => a - b), bytes.length]

          const pieces = ends.map((end, n) => decoder.decode(bytes.subarray(ends[n - 1] ?? 0, end), { stream: true }))

          expect(parse(...pieces).events).to.deep.equal(kept.flatMap(seen))
        }),
      )
    })
  })
})
