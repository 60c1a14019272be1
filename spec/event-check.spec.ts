import { expect } from 'chai'
import { Type } from 'class-transformer'
import { IsDate, IsInt, IsISO8601, IsOptional, Min } from 'class-validator'
import {
  Channel,
  Controller,
  comment,
  custom,
  Event,
  EventMismatchError,
  type EventWriter,
  event,
  ServerSentEvent,
  Signal,
  SSE,
  Stream,
  type StreamErrorContext,
  Subscription,
  type Topic,
  Topics,
} from 'okapi'
import { eventCheck, mayHaveGaps } from '../src/event-check.js'
import type { EventRecord, MethodRecord } from '../src/metadata.js'
import { EncodedEvent } from '../src/sse/event.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'

class Tick {
  @IsInt()
  @Min(1)
  count!: number

  @IsOptional()
  @IsISO8601()
  at?: string
}

class Dated {
  @IsDate()
  @Type(() => Date)
  at!: Date
}

function record(...events: EventRecord[]): MethodRecord {
  return { routes: [], parameters: new Map(), headers: [], events }
}

/** What the check of a method says of a value; nothing if it is good. */
function said(value: unknown, ...events: EventRecord[]): string | undefined {
  try {
    eventCheck('Clock.ticks', record(...events), false, {})?.(value)
  } catch (error) {
    if (error instanceof EventMismatchError) return error.message
    throw error
  }
  return undefined
}

describe('eventCheck', () => {
  const tick: EventRecord = { type: 'tick', data: Tick }

  it('lets through what is declared', () => {
    expect(said(event('tick', { count: 1 }), tick)).to.equal(undefined)
    expect(said(event('tick', { count: 1, at: new Date() }), tick)).to.equal(undefined)
    expect(said(event('at', { at: new Date() }), { type: 'at', data: Dated })).to.equal(undefined)
    expect(said({ count: 1 }, { data: Tick })).to.equal(undefined)
    expect(said(event('message', { count: 1 }), { data: Tick })).to.equal(undefined)
    expect(said({ count: 1 }, { type: 'message', data: Tick })).to.equal(undefined)
    expect(said([{ count: 1 }], { data: [Tick] })).to.equal(undefined)
    expect(said(event('over'), { type: 'over' })).to.equal(undefined)
    expect(said('anything', { data: Object })).to.equal(undefined)
  })

  it('names a type that is not declared, and the cure', () => {
    expect(said(event('tock', 1), tick)).to.equal(
      `Clock.ticks: an event "tock" is not declared: add @Event('tock', …) to the method`,
    )
    expect(said(1, tick)).to.equal('Clock.ticks: an event "message" is not declared: add @Event(…) to the method')
  })

  it('names every rule that data breaks', () => {
    expect(said(event('tick', { count: 0.5, at: 'today' }), tick)).to.equal(
      'Clock.ticks: the data of an event "tick" is not as declared: @Event with Tick: count must not be less than 1, ' +
        'count must be an integer number, at must be a valid ISO 8601 date string',
    )
    expect(said(event('tick', 5), tick)).to.match(/@Event with Tick: it is not an object$/)
    expect(said([{ count: 1 }, { count: 0 }], { data: [Tick] })).to.match(
      /@Event with \[Tick\]: item 1: count must not be less than 1$/,
    )
    expect(said(5, { data: [Tick] })).to.match(/it is not an array$/)
    expect(said(event('over', 1), { type: 'over' })).to.match(/there is to be none$/)
  })

  it('is content with one of several declarations of a type', () => {
    const either = [tick, { type: 'tick', data: Number }]

    expect(said(event('tick', 5), ...either)).to.equal(undefined)
    expect(said(event('tick', { count: 1 }), ...either)).to.equal(undefined)
    expect(said(event('tick', 'a'), ...either)).to.match(/it is not an object; or @Event with Number: it is no number/)
  })

  it('knows the classes of the language', () => {
    const [bytes, date] = [Uint8Array.of(1), new Date(0)]
    const good: [EventRecord['data'], unknown[]][] = [
      [String, ['a']],
      [Number, [1]],
      [Boolean, [false]],
      [Date, [date, '2026-01-31T12:00:00Z']],
      [Uint8Array, [bytes, bytes.buffer]],
    ]
    const bad: [EventRecord['data'], unknown, string][] = [
      [String, 1, 'it is no string but number'],
      [Number, Number.NaN, 'it is no number but number'],
      [Number, null, 'it is no number but null'],
      [Boolean, 'true', 'it is no boolean but string'],
      [Date, new Date(Number.NaN), 'it is no date but an object of class Date'],
      [Date, 'today', 'it is no date but string'],
      [Uint8Array, 'AA==', 'it is no bytes but string'],
    ]

    for (const [data, values] of good)
      for (const value of values) expect(said(value, data ? { data } : {})).to.equal(undefined)
    for (const [data, value, fault] of bad)
      expect(said(value, data ? { data } : {})).to.satisfy((text: string) => text.endsWith(fault))
  })

  it('asks for an id where one was promised', () => {
    const promised = { ...tick, id: true }

    expect(said(event('tick', { count: 1 }, { id: '1' }), promised)).to.equal(undefined)
    expect(said(event('tick', { count: 1 }), promised)).to.equal(
      'Clock.ticks: an event "tick" has no id, and is declared with one',
    )
  })

  it('passes by what no client sees, and what cannot be sent anyway', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle

    expect(said(comment('hm'), tick)).to.equal(undefined)
    expect(said(new ServerSentEvent({ id: '1' }), tick)).to.equal(undefined)
    expect(said(event('tick', circle), tick)).to.equal(undefined)
    expect(said(custom(undefined, { serialize: String }), tick)).to.match(/"message" is not declared/)
  })

  it('reads events that are text already, many at once', () => {
    const wire = 'id: 1\nevent: tick\ndata: {"count":1}\n\nid: 2\n\ndata: a\ndata: b\n\n'

    expect(said(new EncodedEvent(wire), tick, { data: String })).to.equal(undefined)
    expect(said(new EncodedEvent(wire), tick)).to.match(/"message" is not declared/)
    expect(said(new EncodedEvent(wire), tick, { data: Tick })).to.match(/@Event with Tick: it is not JSON$/)
    expect(said(new EncodedEvent('event: over\ndata: \n\n'), { type: 'over' })).to.equal(undefined)
    expect(said(new EncodedEvent('event: stream:gap\ndata: {}\n\n'), tick)).to.equal(
      "Clock.ticks: the stream tells of a gap, which its documents do not: add @Event('stream:gap')",
    )
  })

  it('checks nothing of a method that declares nothing', () => {
    expect(eventCheck('Clock.ticks', record(), false, {})).to.equal(undefined)
    expect(eventCheck('Clock.ticks', record({ type: 'stream:gap' }), true, {})).to.equal(undefined)
    expect(eventCheck('Clock.ticks', { routes: [], parameters: new Map(), headers: [] }, true, {})).to.equal(undefined)
  })
})

describe('mayHaveGaps', () => {
  class Some {
    *generator() {
      yield 1
    }
    async *asynchronous() {
      yield 1
    }
    @SSE()
    unknown() {
      return new Channel()
    }
    @SSE()
    channel(): Channel<number> {
      return new Channel()
    }
    @SSE()
    subscription(): Subscription {
      throw new Error('Never called')
    }
    @SSE()
    erased(): Topic {
      throw new Error('Never called')
    }
    @SSE()
    async promise() {
      return new Channel()
    }
  }
  const may = (method: string, events: EventRecord[] = [], calls = false) => {
    const parameters: MethodRecord['parameters'] = new Map(
      calls ? [[0, { kind: 'stream', decorator: '@Stream()' }]] : [],
    )
    return mayHaveGaps({ type: Some, method, record: { ...record(...events), parameters } })
  }

  it('goes by what the method is, and by the type that it is written to return', () => {
    const methods = ['generator', 'asynchronous', 'unknown', 'channel', 'subscription', 'erased', 'promise']

    expect(methods.filter(method => may(method))).to.deep.equal(['unknown', 'subscription', 'erased', 'promise'])
    expect(may('unknown', [], true)).to.equal(false)
  })

  it('believes a declaration', () => {
    expect(may('generator', [{ type: 'stream:gap' }])).to.equal(true)
  })
})

describe('The option checkEvents', () => {
  let told: [string, StreamErrorContext][] = []
  const onError = (error: unknown, context: StreamErrorContext) => {
    told.push([(error as Error).message, context])
    return context.phase === 'serialize' ? ('skip' as const) : undefined
  }

  @Controller('/ticks')
  class Ticks {
    constructor(private readonly topics: Topics) {}

    @Event('tick', Tick)
    @SSE('/yield', { onError })
    *yields() {
      yield event('tick', { count: 1 })
      yield event('tick', { count: 0 })
      yield event('tock')
      yield event('tick', { count: 2 })
    }

    @Event('tick', Tick)
    @SSE('/strict')
    *strict() {
      yield event('tick', { count: 1 })
      yield event('tock')
    }

    @Event('tick', Tick, { id: true })
    @SSE('/ids', { ids: 'uuid', onError })
    *ids() {
      yield event('tick', { count: 1 })
      yield event('tick', { count: 0 })
    }

    @Event('tick', Tick)
    @SSE('/calls', { onError })
    async calls(@Stream() stream: EventWriter) {
      await stream.event('tick', { count: 1 })
      await stream.event('tock').catch((error: Error) => stream.event('tick', { count: error.message.length }))
      await stream.pipe([event('tick', { count: 3 }), event('tock'), event('tick', { count: 4 })])
    }

    @Event('tick', Tick, { id: true })
    @SSE('/topic', { onError })
    topic(@Signal() _signal: AbortSignal): Subscription {
      const topic = this.topics.get('ticks')
      topic.publish(event('tick', { count: 1 }))
      return topic.subscribe({ from: 'start' })
    }

    @Event('tick', Tick)
    @SSE('/wrong-topic', { onError })
    wrongTopic(): Subscription {
      const topic = this.topics.get('tocks')
      topic.publish(event('tock', { count: 1 }))
      return topic.subscribe({ from: 'start' })
    }
  }

  beforeEach(() => {
    told = []
  })

  afterEach(closeAll)

  const read = async (path: string, checkEvents = true) => {
    const { url } = await serve([Ticks], { checkEvents })
    const stream = await subscribe(`${url}/ticks/${path}`)
    const events = await stream.rest()
    return events.map(({ event, data }) => [event, event === 'tick' ? JSON.parse(data).count : data])
  }
  const end = ['stream:end', '{"reason":"done"}']

  it('gives a wrong event to onError, whose answer counts', async () => {
    expect(await read('yield')).to.deep.equal([['tick', 1], ['tick', 2], end])
    expect(told.map(([message]) => message)).to.deep.equal([
      'Ticks.yields: the data of an event "tick" is not as declared: @Event with Tick: count must not be less than 1',
      `Ticks.yields: an event "tock" is not declared: add @Event('tock', …) to the method`,
    ])
    expect(told[0]?.[1]).to.deep.include({ phase: 'serialize', name: 'Ticks.yields GET /ticks/yield' })
    expect(told[0]?.[1].value).to.be.an.instanceof(ServerSentEvent)
  })

  it('ends the stream where nobody answers', async () => {
    expect(await read('strict')).to.deep.equal([
      ['tick', 1],
      ['stream:error', '{"type":"about:blank","title":"Internal Server Error","status":500}'],
    ])
  })

  it('sees the ids that a stream gives', async () => {
    expect(await read('ids')).to.deep.equal([['tick', 1], end])
    expect(told).to.have.lengthOf(1)
  })

  it('rejects a call, and passes by a wrong event that is piped', async () => {
    const [first, second, ...others] = await read('calls')

    expect([first, second?.[0], others]).to.deep.equal([['tick', 1], 'tick', [['tick', 3], ['tick', 4], end]])
    expect(told).to.have.lengthOf(1)
  })

  it('looks at the events of topics too', async () => {
    const { app, url } = await serve([Ticks], { checkEvents: true })
    const stream = await subscribe(`${url}/ticks/topic`)
    expect((await stream.take(1)).map(({ event }) => event)).to.deep.equal(['tick'])
    stream.leave()
    const wrong = await subscribe(`${url}/ticks/wrong-topic`)
    await app.close()

    expect((await wrong.rest()).map(({ event }) => event)).to.deep.equal(['stream:end'])
    expect(told.map(([message]) => message)).to.deep.equal([
      `Ticks.wrongTopic: an event "tock" is not declared: add @Event('tock', …) to the method`,
    ])
  })

  it('is off unless it is asked for', async () => {
    expect((await read('strict', false)).map(([type]) => type)).to.deep.equal(['tick', 'tock', 'stream:end'])
  })

  it('stops the boot for a class without rules', async () => {
    class Bare {}
    @Controller()
    class Wrong {
      @Event('a', Bare)
      @SSE()
      *a() {
        yield 1
      }
    }

    expect(await refusal([Wrong], { checkEvents: true })).to.match(/^Wrong.a: its type Bare has no rules/)
  })
})
