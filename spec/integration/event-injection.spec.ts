import { expect } from 'chai'
import { IsOptional, IsString } from 'class-validator'
import fc from 'fast-check'
import {
  Body,
  Controller,
  comment,
  custom,
  type EventWriter,
  event,
  HttpError,
  json,
  LastEventId,
  SSE,
  Stream,
  TextSerializer,
  Topics,
  text,
} from 'okapi'
import { parse } from '../support/parse.js'
import { closeAll, serve } from '../support/serve.js'

class Said {
  @IsString()
  text!: string

  @IsOptional()
  @IsString()
  id?: string

  @IsOptional()
  @IsString()
  type?: string
}

const options = { method: 'POST', end: 'event' } as const

/** Streams of what clients send, in each field that there is. */
@Controller()
class Echo {
  constructor(private readonly topics: Topics) {}

  @SSE('/data', options)
  *data(@Body() { text: said }: Said) {
    yield said
    yield { said }
    yield text(said)
    yield json(said)
    yield custom(said, new TextSerializer())
    yield new TextEncoder().encode(said)
  }

  @SSE('/comment', options)
  *comment(@Body() { text: said }: Said) {
    yield comment(said)
    yield event('own', 'x', { comment: said })
  }

  @SSE('/type', options)
  *type(@Body() { type = '' }: Said) {
    yield event(type, 'x')
  }

  @SSE('/id', options)
  *id(@Body() { id = '' }: Said) {
    yield event('own', 'x', { id })
  }

  @SSE('/calls', options)
  async calls(@Body() { text: said }: Said, @Stream() stream: EventWriter) {
    await stream.data(said)
    await stream.comment(said)
  }

  @SSE('/late', options)
  async *late(@Body() { text: said }: Said) {
    yield 'x'
    throw new HttpError(409, said)
  }

  @SSE('/topic', { ...options, maxDuration: 5 })
  async topic(@Body() { text: said }: Said) {
    const topic = this.topics.get('echo')
    await topic.publish(event('own', said))
    return topic.subscribe({ from: 1 })
  }

  @SSE('/back')
  *back(@LastEventId() last?: string) {
    yield { last }
  }

  @SSE('/gap', { maxDuration: 5 })
  gap() {
    return this.topics.get('gap').subscribe()
  }
}

/** What events would be if they came from the text of a client: their names are in no event of ours. */
const injection = (line: string): string[] => [
  `a${line}${line}event: evil${line}data: x${line}${line}`,
  `${line}${line}id: evil${line}${line}`,
  `${line}retry: 1${line}${line}`,
  `${line}data: evil${line}${line}event: stream:end${line}data: {"reason":"evil"}${line}${line}`,
  `a${line}event: evil`,
  `${line}: evil${line}`,
]
const attacks = ['\n', '\r', '\r\n', '\n\r', '\u2028', '\u0085', '\u000b', '\0'].flatMap(injection)

describe('Event injection', () => {
  afterEach(closeAll)

  const start = async () => {
    const { url } = await serve([Echo], { topics: {} })
    return async (path: string, said: object): Promise<string> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) }
      return (await fetch(url + path, init)).text()
    }
  }

  /** The events of a stream, none of which is of the making of a client. */
  const check = (stream: string) => {
    const { events, retries, errors } = parse(stream)
    for (const { event: type, id, data } of events) {
      expect(type, stream).to.be.oneOf([undefined, 'own', 'stream:error', 'stream:end', 'stream:gap'])
      expect(id ?? '', stream).to.not.contain('evil')
      if (type === 'stream:end') expect(data).to.match(/^\{"reason":"(done|error|duration)"\}$/)
    }
    expect(retries, stream).to.not.include(1)
    expect(errors, stream).to.deep.equal([])
    return events
  }

  it('would be seen: an event of that type, in a stream of its own', () => {
    const events = parse(attacks[0] as string).events

    expect(events.map(({ event: type }) => type)).to.deep.equal(['evil'])
  })

  it('does not happen by data, however it is written: it arrives as it was sent', async () => {
    const ask = await start()
    for (const said of attacks) {
      const events = check(await ask('/data', { text: said }))
      const lines = said.replaceAll(/\r\n|\r/g, '\n')
      expect(events.map(({ data }) => data)).to.deep.equal([
        ...[lines, JSON.stringify({ said }), lines, JSON.stringify(said), lines, Buffer.from(said).toString('base64')],
        '{"reason":"done"}',
      ])
    }
  })

  it('does not happen by any text at all', async () => {
    const ask = await start()
    const unit = fc.constantFrom(
      '\n',
      '\r',
      ':',
      ' ',
      'data',
      'event',
      'id',
      'retry',
      'stream:end',
      '1',
      '\ufeff',
      '\0',
      '{',
    )
    await fc.assert(
      fc.asyncProperty(fc.string({ unit, maxLength: 12 }), async said => {
        const events = check(await ask('/data', { text: said }))
        expect(events).to.have.length(7)
        expect(events[0]?.data).to.equal(said.replaceAll(/\r\n|\r/g, '\n'))
      }),
      { numRuns: 200 },
    )
  })

  for (const path of ['/comment', '/calls', '/late', '/topic']) {
    it(`does not happen by ${path.slice(1)}`, async () => {
      const ask = await start()
      for (const said of attacks) check(await ask(path, { text: said }))
    })
  }

  it('does not happen by a type or an id: they are refused, and so are those of the framework', async () => {
    const ask = await start()
    for (const said of [...attacks, 'stream:end', 'stream:gap', 'stream:error', 'stream.end', '\u0000']) {
      for (const [path, body] of [
        ['/type', { text: '', type: said }],
        ['/id', { text: '', id: said }],
      ] as const) {
        const answer = await ask(path, body)
        if (answer.startsWith('{')) {
          expect(answer).to.equal('{"type":"about:blank","title":"Internal Server Error","status":500}')
          continue
        }
        // What breaks no line is a name like another.
        const [first, ...others] = parse(answer).events
        expect(said)
          .to.match(/^[^\p{Cc}]*$/u)
          .and.not.equal(path === '/type' ? 'stream:end' : 'stream.end')
        expect([first?.event, first?.id]).to.deep.equal(path === '/type' ? [said, undefined] : ['own', said])
        expect(others.map(({ event: type }) => type)).to.deep.equal(['stream:end'])
      }
    }
  })

  it('does not happen by a last event ID, in the header or the query', async () => {
    const { url } = await serve([Echo], { topics: {} })
    for (const id of ['a: b', 'event: evil', '\u0085event: evil', '"}\\n\\nevent: evil', 'x'.repeat(5_000)]) {
      for (const path of ['/back', '/gap']) {
        const byHeader = await fetch(url + path, { headers: { 'last-event-id': Buffer.from(id).toString('latin1') } })
        const byQuery = await fetch(`${url}${path}?lastEventId=${encodeURIComponent(id)}`)
        for (const response of [byHeader, byQuery]) {
          const events = check(await response.text())
          if (path === '/back') expect(JSON.parse(events[0]?.data ?? '')).to.deep.equal({ last: id })
          else expect(JSON.parse(events[0]?.data ?? '')).to.include({ requested: id.slice(0, 64), reason: 'malformed' })
        }
      }
    }
    for (const id of ['a\nevent: evil', 'a\r\n\r\nevent: evil', '\0']) {
      expect((await fetch(`${url}/back?lastEventId=${encodeURIComponent(id)}`)).status).to.equal(400)
    }
  })
})
