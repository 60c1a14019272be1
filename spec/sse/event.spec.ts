import { expect } from 'chai'
import fc from 'fast-check'
import {
  binary,
  comment,
  custom,
  EventFieldError,
  type EventFields,
  encode,
  event,
  json,
  ServerSentEvent,
  text,
} from 'okapi/sse'
import { EncodedEvent, withId } from '../../src/sse/event.js'
import { anyText } from '../support/any-text.js'
import { unlessRefused } from '../support/unless-refused.js'

/** The message of the refusal, behind the name of the field. */
function refusal(fields: EventFields): string {
  try {
    new ServerSentEvent(fields)
  } catch (error) {
    if (!(error instanceof EventFieldError)) throw error
    return error.message.replace('The ', '').replace(' of an event', '')
  }
  return 'not refused'
}

function codeOf(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

describe('ServerSentEvent', () => {
  it('keeps the fields it was given, and has no others', () => {
    const serializer = { serialize: () => '' }

    const full = new ServerSentEvent({ data: 1, event: 'tick', id: '7', retry: 0, comment: 'hi', serializer })

    expect(full).to.deep.equal({ data: 1, event: 'tick', id: '7', retry: 0, comment: 'hi', serializer })
  })

  it('takes a field that is undefined for one that is left out', () => {
    const fields = { event: undefined, id: undefined, retry: undefined, comment: undefined, serializer: undefined }

    expect(Object.keys(new ServerSentEvent({ data: 1, ...fields }))).to.deep.equal(
      Object.keys(new ServerSentEvent({ data: 1 })),
    )
    expect(encode(event('a', 1, fields))).to.equal('event: a\ndata: 1\n\n')
  })

  it('may leave out every field', () => {
    const { data, event: type, id, retry, comment: text, serializer } = new ServerSentEvent({})

    expect([data, type, id, retry, text, serializer]).to.deep.equal(Array(6).fill(undefined))
  })

  describe('event', () => {
    for (const character of ['\n', '\r', '\0', '\t', '\x7F', '\x85']) {
      it(`is refused with ${codeOf(character)} in it`, () => {
        const type = `a${character}b`

        expect(refusal({ event: type })).to.equal(
          `event holds a line break or another control character: ${JSON.stringify(type)}`,
        )
      })
    }

    it('is refused with a lone surrogate in it', () => {
      expect(refusal({ event: 'a\uD800' })).to.equal('event holds half a character (a lone surrogate): "a\\ud800"')
    })

    it("is refused where it is the framework's own", () => {
      for (const type of ['stream:', 'stream:end', 'stream:mine']) {
        expect(refusal({ event: type })).to.equal(
          `event begins with "stream:", which only the framework may send: ${JSON.stringify(type)}`,
        )
      }
    })

    it('is refused when it is no string', () => {
      expect(refusal({ event: 1 as unknown as string })).to.equal('event is not a string: 1')
      expect(refusal({ event: null as unknown as string })).to.equal('event is not a string: null')
    })

    it('is refused each time, whatever came before', () => {
      new ServerSentEvent({ event: 'good' })

      expect(refusal({ event: 'a\nb' })).to.contain('line break')
      expect(refusal({ event: 'a\nb' })).to.contain('line break')
    })

    it('may be anything else: empty, with spaces, colons, and characters of any script', () => {
      for (const type of ['', ' tick ', 'a:b', 'Stream:end', 'stream', 'größe', '行情', '😀', '\uFEFF', '\u2028']) {
        expect(new ServerSentEvent({ event: type }).event).to.equal(type)
      }
    })

    it('is refused exactly when it has a control character, half a character, or the prefix of the framework', () => {
      fc.assert(
        fc.property(anyText(), type => {
          const sound = !/\p{Cc}/u.test(type) && type.isWellFormed() && !type.startsWith('stream:')

          expect(unlessRefused(() => event(type))?.event).to.equal(sound ? type : undefined)
        }),
      )
    })
  })

  describe('id', () => {
    for (const character of ['\n', '\r', '\0', '\t', '\x7F', '\x85']) {
      it(`is refused with ${codeOf(character)} in it`, () => {
        const id = `a${character}b`

        expect(refusal({ id })).to.equal(
          `id holds a line break, NUL or another control character: ${JSON.stringify(id)}`,
        )
      })
    }

    it('is refused with a lone surrogate in it', () => {
      expect(refusal({ id: '\uDC00' })).to.equal('id holds half a character (a lone surrogate): "\\udc00"')
    })

    it('is refused with a space at either end, which it would lose on its way back', () => {
      for (const id of [' 1', '1 ', ' ']) {
        expect(refusal({ id })).to.equal(
          `id begins or ends with a space, which a header would lose: ${JSON.stringify(id)}`,
        )
      }
    })

    it('is refused when it is longer than 1024 characters', () => {
      expect(refusal({ id: 'x'.repeat(1025) })).to.contain('id is longer than 1024 characters: "xxx')
      expect(refusal({ id: 'x'.repeat(1024) })).to.equal('not refused')
    })

    it('is refused where it is the mark of a finished stream', () => {
      expect(refusal({ id: 'stream.end' })).to.equal('id is the mark of a finished stream: "stream.end"')
    })

    it('is refused when it is no string', () => {
      expect(refusal({ id: 7 as unknown as string })).to.equal('id is not a string: 7')
    })

    it('may be anything else: empty, with a space inside, and characters of any script', () => {
      for (const id of ['', 'a b', '1.7', 'größe', '😀', '\uFEFF', ':']) {
        expect(new ServerSentEvent({ id }).id).to.equal(id)
      }
    })
  })

  describe('retry', () => {
    for (const retry of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as unknown as number]) {
      it(`is refused when it is ${typeof retry === 'string' ? 'a string' : retry}`, () => {
        const shown = typeof retry === 'string' ? '"5"' : retry

        expect(refusal({ retry })).to.equal(
          `retry is not a whole number of milliseconds from 0 to 2147483647: ${shown}`,
        )
      })
    }

    it('may be any whole number from 0 to what 32 bits hold', () => {
      for (const retry of [0, 1, 3_000, 2 ** 31 - 1]) expect(new ServerSentEvent({ retry }).retry).to.equal(retry)
    })
  })
})

describe('event()', () => {
  it('makes an event with a type and data', () => {
    expect(encode(event('tick', { n: 1 }))).to.equal('event: tick\ndata: {"n":1}\n\n')
  })

  it('makes an event with empty data where there is none, so that it is dispatched', () => {
    expect(encode(event('done'))).to.equal('event: done\ndata: \n\n')
  })

  it('takes more fields, over which type and data win', () => {
    const made = event('tick', 1, { id: '7', retry: 5, comment: 'c', event: 'other', data: 2 })

    expect(encode(made)).to.equal(': c\nid: 7\nevent: tick\nretry: 5\ndata: 1\n\n')
  })
})

describe('text()', () => {
  it('makes an event whose data is the text, whatever serializer the stream has', () => {
    const shouting = { serialize: (data: unknown) => String(data).toUpperCase() }

    expect(encode(text('hi', { id: '1' }), shouting)).to.equal('id: 1\ndata: hi\n\n')
    const typed: EventFields = { event: 'greeting', comment: 'c', retry: 5 }
    expect(encode(text('hi', typed))).to.equal(': c\nevent: greeting\nretry: 5\ndata: hi\n\n')
  })
})

describe('EncodedEvent', () => {
  it('keeps its text, and is no event that users make', () => {
    const encoded = new EncodedEvent('data: 1\n\n')

    expect(encoded).to.deep.equal({ wire: 'data: 1\n\n' })
    expect(encoded).to.not.be.instanceOf(ServerSentEvent)
    expect(withId(encoded)).to.equal(encoded)
  })
})

describe('json()', () => {
  it('makes an event whose data is JSON, a string too', () => {
    expect(encode(json('hi', { id: '1' }))).to.equal('id: 1\ndata: "hi"\n\n')
    expect(encode(json(null))).to.equal('data: null\n\n')
  })
})

describe('binary()', () => {
  it('makes an event whose data is Base64', () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)

    expect(encode(binary(png, { id: '1' }))).to.equal('id: 1\ndata: iVBORw==\n\n')
    expect(encode(binary(png.buffer))).to.equal('data: iVBORw==\n\n')
  })
})

describe('custom()', () => {
  it('makes an event whose data goes through its own serializer', () => {
    const serializer = { serialize: (data: unknown) => `<n>${data}</n>` }

    expect(encode(custom(1, serializer, { id: '1' }))).to.equal('id: 1\ndata: <n>1</n>\n\n')
  })
})

describe('comment()', () => {
  it('makes a comment, and no event', () => {
    expect(encode(comment('still here'))).to.equal(': still here\n\n')
  })
})
