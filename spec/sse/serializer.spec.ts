import { expect } from 'chai'
import fc from 'fast-check'
import {
  Base64Serializer,
  DefaultSerializer,
  JsonSerializer,
  SerializationError,
  type Serializer,
  TextSerializer,
} from 'okapi/sse'

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47)

function serializes(serializer: Serializer, cases: [value: unknown, text: string][]): void {
  for (const [value, text] of cases) expect(serializer.serialize(value)).to.equal(text)
}

describe('DefaultSerializer', () => {
  const serializer = new DefaultSerializer()

  it('leaves a string as it is', () => {
    serializes(serializer, [
      ['', ''],
      ['hi', 'hi'],
      ['"quoted"', '"quoted"'],
      ['a\r\nb', 'a\r\nb'],
    ])
  })

  it('makes Base64 of bytes, a Buffer too', () => {
    serializes(serializer, [
      [png, 'iVBORw=='],
      [Buffer.from(png), 'iVBORw=='],
      [new Uint8Array(), ''],
      [png.buffer, 'iVBORw=='],
      [new DataView(png.buffer, 1), 'UE5H'],
      [new Uint16Array([1]), 'AQA='],
    ])
  })

  it('makes JSON of everything else', () => {
    serializes(serializer, [
      [null, 'null'],
      [0, '0'],
      [Number.NaN, 'null'],
      [false, 'false'],
      [[], '[]'],
      [{ data: 1 }, '{"data":1}'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ])
  })

  for (const [value, cure] of [
    [undefined, '; yield null to say "nothing"'],
    [() => {}, ''],
    [Symbol('s'), ''],
  ] as const) {
    it(`refuses ${typeof value}, which has no JSON form`, () => {
      expect(() => serializer.serialize(value))
        .to.throw(SerializationError)
        .with.property(
          'message',
          `The data of an event could not be serialized: ${typeof value} has no JSON form${cure}`,
        )
    })
  }

  for (const [value, said] of [
    [[][Symbol.iterator](), 'an iterator has no JSON form; yield* it, or read it first'],
    [(async function* () {})(), 'an iterator has no JSON form; yield* it, or read it first'],
    [new Map([[1, 2]]), 'a Map has no JSON form; send Object.fromEntries(map), or an array of it'],
    [new Set([1]), 'a Set has no JSON form; send an array of it'],
    [Promise.resolve(1), 'a Promise has no JSON form; await it'],
    [new TypeError('x'), 'a TypeError has no JSON form; throw it, or send its message'],
    [/x/, 'a RegExp has no JSON form; send its source'],
  ] as const) {
    it(`refuses what JSON leaves nothing of: ${Object.prototype.toString.call(value)}`, () => {
      expect(() => serializer.serialize(value)).to.throw(SerializationError, said)
    })
  }

  it('takes an object that is empty, and one that says itself what its JSON is', () => {
    class Ping {}
    const list = Object.assign(new Map(), { toJSON: () => ({}) })

    serializes(serializer, [
      [{}, '{}'],
      [new Ping(), '{}'],
      [Object.create(null), '{}'],
      [list, '{}'],
    ])
  })
})

describe('JsonSerializer', () => {
  const serializer = new JsonSerializer()

  it('puts a string in quotes', () => {
    serializes(serializer, [
      ['hi', '"hi"'],
      ['', '""'],
      ['a\nb', '"a\\nb"'],
    ])
  })

  it('knows null, numbers and objects', () => {
    serializes(serializer, [
      [null, 'null'],
      [7, '7'],
      [{ a: [1] }, '{"a":[1]}'],
    ])
  })

  it('refuses undefined', () => {
    expect(() => serializer.serialize(undefined)).to.throw(SerializationError, 'undefined has no JSON form')
  })

  it('passes on what JSON.stringify throws', () => {
    expect(() => serializer.serialize(1n)).to.throw(TypeError, 'BigInt')
  })
})

describe('TextSerializer', () => {
  it('makes text of everything, and the empty string of null and undefined', () => {
    serializes(new TextSerializer(), [
      ['hi', 'hi'],
      [1.5, '1.5'],
      [1n, '1'],
      [true, 'true'],
      [{ toString: () => 'own' }, 'own'],
      [null, ''],
      [undefined, ''],
    ])
  })
})

describe('Base64Serializer', () => {
  const serializer = new Base64Serializer()

  it('takes every kind of bytes', () => {
    serializes(serializer, [
      [png, 'iVBORw=='],
      [png.buffer, 'iVBORw=='],
      [new DataView(png.buffer), 'iVBORw=='],
      [new Uint16Array(png.buffer), 'iVBORw=='],
    ])
  })

  it('takes only the part of a buffer that a view shows', () => {
    serializes(serializer, [[png.subarray(1, 3), Buffer.from([0x50, 0x4e]).toString('base64')]])
  })

  it('refuses anything but bytes', () => {
    const cases = ['text', 1, {}, undefined].map(value => [value, typeof value] as const)

    for (const [value, kind] of [...cases, [null, 'null'] as const]) {
      expect(() => serializer.serialize(value)).to.throw(
        SerializationError,
        `The data of an event could not be serialized: Base64 takes bytes (a Uint8Array), not ${kind}`,
      )
    }
  })

  it('brings any bytes through, in one line', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const text = serializer.serialize(bytes)

        expect(text).to.match(/^[\w+/]*={0,2}$/)
        expect(Uint8Array.from(atob(text), character => character.charCodeAt(0))).to.deep.equal(bytes)
      }),
    )
  })
})
