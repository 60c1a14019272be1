import { expect } from 'chai'
import { IsInt } from 'class-validator'
import {
  Base64Serializer,
  Controller,
  DefaultSerializer,
  describeApi,
  Event,
  JsonSerializer,
  type Schema,
  SSE,
  type SSEOptions,
  TextSerializer,
  type ValueType,
} from 'okapi'

class Tick {
  @IsInt()
  count!: number
}

type Declared = [type: string, data?: ValueType, options?: { id?: boolean; contentType?: string; description?: string }]

/** The events of a stream that declares these, by their types. */
function eventsOf(events: Declared[], options: SSEOptions = {}): Record<string, Schema> {
  class Clock {
    *ticks() {
      yield 1
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Clock.prototype, 'ticks') as PropertyDescriptor
  for (const [type, data, more] of events.reverse())
    Event(type, data ?? null, more)(Clock.prototype, 'ticks', descriptor)
  SSE('', options)(Clock.prototype, 'ticks', descriptor)
  Controller()(Clock)
  const { paths, components } = describeApi([Clock], { info: { title: 'Clock', version: '1' } })
  const [operation] = Object.values(paths['/'] ?? {})
  const variants = operation?.responses[200]?.content?.['text/event-stream']?.itemSchema?.oneOf as Schema[]
  const resolved = variants.map(one =>
    '$ref' in one ? (components.schemas[(one.$ref as string).split('/').at(-1) as string] as Schema) : one,
  )
  return Object.fromEntries(resolved.map(one => [one.title ?? 'any', one]))
}

function dataIn(event: Schema | undefined): unknown {
  return (event?.properties as Schema | undefined)?.data
}

function dataOf(data: ValueType, options?: SSEOptions, contentType?: string): unknown {
  return dataIn(eventsOf([['tick', data, contentType === undefined ? {} : { contentType }]], options).tick)
}

const ref = { $ref: '#/components/schemas/Tick' }
const json = (schema: Schema) => ({ type: 'string', contentMediaType: 'application/json', contentSchema: schema })

describe('itemSchema', () => {
  it('is one of the declared events by type, or one of the framework', () => {
    const events = eventsOf([['tick', Tick, { id: true, description: 'Every second' }], ['over']])

    expect(events.tick).to.deep.equal({
      type: 'object',
      title: 'tick',
      description: 'Every second',
      properties: {
        id: { type: 'string' },
        event: { type: 'string', const: 'tick' },
        retry: { type: 'integer', minimum: 0 },
        data: json(ref),
      },
      required: ['id', 'event', 'data'],
    })
    expect(dataIn(events.over)).to.deep.equal({ type: 'string', const: '' })
    expect(Object.keys(events)).to.deep.equal(['tick', 'over', 'stream:error', 'stream:end'])
  })

  it('has one schema for each type, so that an event fits one alone', () => {
    const both = eventsOf([
      ['tick', Tick],
      ['tick', Number],
    ])
    const mixed = eventsOf([
      ['tick', Tick],
      ['tick', String],
    ])

    expect(dataIn(both.tick)).to.deep.equal(json({ anyOf: [ref, { type: 'number' }] }))
    expect(dataIn(mixed.tick)).to.deep.equal({ anyOf: [json(ref), { type: 'string' }] })
  })

  it('takes an event without a type for one of the type message, as the browser does', () => {
    expect(eventsOf([['message', Tick]]).message).to.deep.include({ required: ['data'] })
  })

  it('is anything but the framework’s where nothing is declared', () => {
    expect(eventsOf([]).any).to.deep.equal({
      type: 'object',
      properties: {
        id: { type: 'string' },
        event: { type: 'string', not: { pattern: '^stream:' } },
        retry: { type: 'integer', minimum: 0 },
        data: { type: 'string' },
      },
      required: ['data'],
    })
  })

  it('has stream:end, for a stream that is cut short at least, and stream:gap only where it may be', () => {
    expect(eventsOf([['tick', Tick]], { method: 'POST' })).to.have.keys('tick', 'stream:error', 'stream:end')
    expect(eventsOf([['tick', Tick]], { end: 'id' })).to.have.keys('tick', 'stream:error', 'stream:end')
    expect(eventsOf([['tick', Tick], ['stream:gap']])).to.have.keys('tick', 'stream:error', 'stream:end', 'stream:gap')
  })

  it('asks for the ids that a stream gives to everything with data', () => {
    const events = eventsOf([['tick', Tick], ['over']], { ids: 'uuid' })

    expect([events.tick?.required, events.over?.required]).to.deep.equal([
      ['id', 'event', 'data'],
      ['event', 'data'],
    ])
  })

  it('says what a serializer makes of the data', () => {
    const bytes = { type: 'string', contentEncoding: 'base64' }
    const string = { type: 'string' }

    expect(dataOf(Tick)).to.deep.equal(json(ref))
    expect(dataOf([Tick])).to.deep.equal(json({ type: 'array', items: ref }))
    expect(dataOf(Date)).to.deep.equal(json({ type: 'string', format: 'date-time' }))
    expect([dataOf(String), dataOf(Uint8Array)]).to.deep.equal([string, bytes])
    expect(dataOf(String, { serializer: JsonSerializer })).to.deep.equal(json(string))
    expect(dataOf(Number, { serializer: new JsonSerializer() })).to.deep.equal(json({ type: 'number' }))
    expect(dataOf(Tick, { serializer: new DefaultSerializer() })).to.deep.equal(json(ref))
    expect(dataOf(Tick, { serializer: new TextSerializer() })).to.deep.equal(string)
    expect(dataOf(Tick, { serializer: Symbol('token') as never })).to.deep.equal(string)
    expect(dataOf(Uint8Array, { serializer: Base64Serializer })).to.deep.equal(bytes)
  })

  it('says what the media type of the data is, where that is declared', () => {
    expect(dataOf(Tick, {}, 'application/vnd.tick+json')).to.deep.equal({
      type: 'string',
      contentMediaType: 'application/vnd.tick+json',
      contentSchema: ref,
    })
    expect(dataOf(Object, {}, 'application/xml')).to.deep.equal({
      type: 'string',
      contentMediaType: 'application/xml',
    })
    expect(dataOf(Uint8Array, {}, 'image/png')).to.deep.equal({
      type: 'string',
      contentEncoding: 'base64',
      contentMediaType: 'image/png',
    })
  })
})
