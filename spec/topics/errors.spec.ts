import { expect } from 'chai'
import {
  GapError,
  HttpError,
  LagError,
  TopicBusyError,
  TopicClosedError,
  TopicEventError,
  TopicLimitError,
  TopicNameError,
} from 'okapi'

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
      [
        'TopicLimitError',
        503,
        'ERR_TOPIC_LIMIT',
        'There are 10 topics already: raise maxTopics, or let fewer names come from clients',
      ],
      [
        'TopicBusyError',
        503,
        'ERR_TOPIC_BUSY',
        'The journal of the topic a does not keep up: await each publish(), or send less',
      ],
      ['TopicClosedError', 503, 'ERR_TOPIC_CLOSED', 'The topic a is closing'],
      ['GapError', 410, 'ERR_GAP', 'The events after the last event ID are gone (epoch): begin anew, without it'],
    ])
    for (const error of errors) expect(error).to.be.instanceOf(HttpError)
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
