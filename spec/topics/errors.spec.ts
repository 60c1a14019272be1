import { expect } from 'chai'
import {
  Controller,
  GapError,
  HttpError,
  LagError,
  Param,
  Post,
  SSE,
  TopicBusyError,
  TopicClosedError,
  TopicEventError,
  TopicLimitError,
  TopicNameError,
  Topics,
} from 'okapi'
import request from 'supertest'
import { type LogLine, logger } from '../support/logged.js'
import { closeAll, serve } from '../support/serve.js'

const gap = { requested: 'a.1', earliest: null, latest: null, lost: null, reason: 'epoch' } as const

describe('The errors of topics', () => {
  it('are answers with a status where a client may meet them', () => {
    const errors = [
      new TopicNameError('a b'),
      new TopicLimitError(10),
      new TopicBusyError('a'),
      new TopicClosedError('a'),
      new GapError(gap),
    ]

    expect(errors.map(({ name, statusCode, code, message }) => [name, statusCode, code, message])).to.deep.equal([
      [
        'TopicNameError',
        400,
        'ERR_TOPIC_NAME',
        'The name of a topic is 1 to 200 printable ASCII characters without spaces: "a b"',
      ],
      ['TopicLimitError', 503, 'ERR_TOPIC_LIMIT', 'Too many topics are in use: try again later'],
      ['TopicBusyError', 503, 'ERR_TOPIC_BUSY', 'Too much is being published: try again later'],
      ['TopicClosedError', 503, 'ERR_TOPIC_CLOSED', 'The topic is closing'],
      ['GapError', 410, 'ERR_GAP', 'The events after the last event ID are gone (epoch): begin anew, without it'],
    ])
    for (const error of errors) expect(error).to.be.instanceOf(HttpError)
  })

  it('say when to try again where that helps, and to the log alone what can be done', () => {
    const errors = [new TopicLimitError(10), new TopicBusyError('a'), new TopicClosedError('a')]

    expect(errors.map(({ headers, cause }) => [headers['retry-after'], (cause as Error).message])).to.deep.equal([
      ['10', 'There are 10 topics already: raise maxTopics, or let fewer names come from clients'],
      ['1', 'The journal of the topic a does not keep up: await each publish(), or send less'],
      ['2', 'The topic a is closing'],
    ])
    expect(new GapError(gap).headers).to.deep.equal({})
  })

  describe('as answers', () => {
    @Controller()
    class Rooms {
      constructor(private readonly topics: Topics) {}

      @SSE('/:room')
      live(@Param('room') room: string) {
        return this.topics.get(room).subscribe()
      }

      @Post('/:room')
      say(@Param('room') room: string) {
        this.topics.publish(`secret/${room}`, 'hello')
      }
    }

    let lines: LogLine[] = []
    let url = ''
    let topics: Topics

    beforeEach(async () => {
      lines = []
      topics = new Topics({ maxTopics: 1 })
      await topics.publish('secret/a', 'hello')
      url = (await serve([Rooms], { topics, fastify: { logger: logger(lines) } })).url
    })
    afterEach(closeAll)

    const neutral = { type: 'about:blank', title: 'Service Unavailable', status: 503 }

    it('tell a client that there are too many topics, and when to try again', async () => {
      const { status, headers, body } = await request(url).post('/b')

      expect([status, headers['retry-after']]).to.deep.equal([503, '10'])
      expect(body).to.deep.equal({
        ...neutral,
        detail: 'Too many topics are in use: try again later',
        code: 'ERR_TOPIC_LIMIT',
      })
      await topics.close()
    })

    it('tell the log what can be done', async () => {
      await request(url).post('/b')

      expect(lines).to.have.length(1)
      expect(JSON.stringify(lines[0])).to.include('There are 1 topics already: raise maxTopics')
      await topics.close()
    })

    it('ask an EventSource to come back', async () => {
      const { status, text } = await request(url).get('/b').set('accept', 'text/event-stream')

      expect(status).to.equal(200)
      expect(text).to.match(/^event: stream:end\nretry: 1[1-5]\d{3}\ndata: {"reason":"busy"}\n\n$/)
      await topics.close()
    })

    it('keep the name of a topic that closes to themselves, and log nothing', async () => {
      await topics.close()

      const { status, headers, body } = await request(url).post('/a')

      expect([status, headers['retry-after']]).to.deep.equal([503, '2'])
      expect(body).to.deep.equal({ ...neutral, detail: 'The topic is closing', code: 'ERR_TOPIC_CLOSED' })
      expect(lines).to.deep.equal([])
    })
  })

  it('are errors of the program where no client is to know of them', () => {
    const errors = [new LagError('a'), new TopicEventError('1')]

    expect(errors.map(({ name, code }) => [name, code])).to.deep.equal([
      ['LagError', 'ERR_LAG'],
      ['TopicEventError', 'ERR_TOPIC_EVENT'],
    ])
    for (const error of errors) expect(error).to.not.be.instanceOf(HttpError)
  })

  it('show no more of a name or an id than helps', () => {
    expect(new TopicNameError('x'.repeat(1_000)).message).to.have.lengthOf.below(200)
    expect(new TopicEventError('x'.repeat(1_000)).message).to.have.lengthOf.below(200)
    expect(new TopicNameError({ toString: () => 'a\nb' }).message).to.match(/: "a\\nb"$/)
    expect(new TopicNameError(null).message).to.match(/: "null"$/)
  })

  it('say what is missing', () => {
    expect(new GapError(gap).gap).to.equal(gap)
  })
})
