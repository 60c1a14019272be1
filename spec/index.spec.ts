import { expect } from 'chai'
import * as okapi from 'okapi'
import * as sse from 'okapi/sse'

describe('okapi', () => {
  it('offers these names and no others', () => {
    expect(Object.keys(okapi).sort()).to.deep.equal(
      [
        ...[
          'BadRequestError',
          'Base64Serializer',
          'Body',
          'Channel',
          'ClosingError',
          'ConflictError',
          'Controller',
          'Cookie',
        ],
        ...[
          'DefaultSerializer',
          'DefinitionError',
          'Delete',
          'EventFieldError',
          'EventWriter',
          'ForbiddenError',
          'Get',
        ],
        ...['Head', 'Header', 'Html', 'HttpCode', 'HttpError', 'InvalidRequestError', 'JsonSerializer', 'LastEventId'],
        ...[
          'FileAnswer',
          'NotFoundError',
          'Options',
          'OverflowError',
          'Param',
          'Patch',
          'Post',
          'Put',
          'Query',
          'RateLimitError',
          'Redirect',
          'Reply',
        ],
        ...[
          'Req',
          'SERIALIZER',
          'SSE',
          'STREAM_OPTIONS',
          'SerializationError',
          'ServerSentEvent',
          'SetHeader',
          'Signal',
        ],
        ...[
          'Stream',
          'StreamClosedError',
          'StreamError',
          'StreamLimitError',
          'Streams',
          'TextSerializer',
          'UnauthorizedError',
          'View',
        ],
        ...['Doc', 'Event', 'EventMismatchError', 'Returns', 'describeApi', 'downgrade', 'openapiOf'],
        ...['GapError', 'LagError', 'MemoryJournal', 'Subscription', 'Topic', 'TopicBusyError', 'TopicClosedError'],
        ...['TopicEvent', 'JournalError', 'TopicEventError', 'TopicLimitError', 'TopicNameError', 'Topics'],
        ...['All', 'Consumes', 'File', 'Files', 'Multipart', 'StreamedFile', 'UploadedFile'],
        ...[
          'binary',
          'closeOnSignals',
          'comment',
          'createApp',
          'custom',
          'encode',
          'event',
          'html',
          'json',
          'lastEventId',
          'okapi',
          'raw',
        ],
        ...['download', 'file', 'streamEvents', 'text', 'view'],
        ...['Jwt', 'TicketLimitError', 'Tickets', 'credentials', 'withoutTicket'],
        ...['Catch', 'Guard', 'Principal', 'SetMetadata', 'Use', 'createParameter', 'filter', 'metadata'],
      ].sort(),
    )
  })

  it('offers everything of okapi/sse as the very same', () => {
    for (const [name, value] of Object.entries(sse)) expect(okapi, name).to.have.property(name, value)
  })

  it('brings the metadata that decorators need', () => {
    expect(Reflect).to.have.property('getMetadata')
  })
})
