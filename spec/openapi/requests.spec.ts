import { expect } from 'chai'
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator'
import {
  Body,
  Consumes,
  Controller,
  Cookie,
  createParameter,
  Doc,
  describeApi,
  File,
  Files,
  Get,
  Header,
  LastEventId,
  Multipart,
  Param,
  Post,
  Query,
  Req,
  Signal,
  SSE,
  type StreamedFile,
  type Subscription,
  Topics,
  UploadedFile,
} from 'okapi'

const Tenant = createParameter(request => request.headers['x-hidden'])

class Filter {
  @IsOptional()
  @IsInt()
  @Doc({ description: 'The first is 1', deprecated: true })
  page?: number

  @IsOptional()
  @IsIn(['a', 'b'])
  by?: string

  @IsOptional()
  @ValidateNested()
  inner?: Filter

  @IsBoolean()
  all!: boolean
}

class Unruly {
  anything = 1
}

class Note {
  @IsString()
  text!: string
}

@Controller('/notes')
class Notes {
  @Get('/:id(^\\d+$)/:part')
  one(
    @Param('id') _id: number,
    @Query('since') _since: Date,
    @Query('tags') _tags: string[],
    @Query('big', { required: true }) _big: bigint,
    @Query('filter') _filter: Filter,
    @Query() _rest: object,
    @Header('x-tenant', { required: true }) _tenant: string,
    @Header('authorization') _authorization: string,
    @Header('X-Tenant') _again: string,
    @Cookie('visit') _visit: unknown,
    @Req() _request: object,
    @Tenant() _tenantOfYours: string,
    @Signal() _signal: AbortSignal,
  ) {}

  @Get()
  list(@Query() _filter: Filter) {}

  @Post('/dto')
  dto(@Body() _note: Note) {}

  @Post('/parts')
  parts(@Body('text', { required: true }) _text: string, @Body('note') _note: Note) {}

  @Post('/both')
  both(@Body() _note: Note, @Body('extra') _extra: number) {}

  @Post('/text')
  text(@Body() _text: string) {}

  @Post('/bytes')
  bytes(@Body() _bytes: Buffer) {}

  @Post('/anything')
  anything(@Body('named', { required: true }) _named: string, @Body({ validate: false }) _anything: unknown) {}

  @Post('/unchecked')
  unchecked(@Body({ validate: false }) _body: Unruly, @Query('q', { validate: false }) _q: Unruly) {}

  @Post('/items')
  items(@Body({ items: Note }) _notes: Note[], @Query('numbers', { items: Number }) _numbers: number[]) {}

  @Post('/form')
  @Consumes('application/x-www-form-urlencoded', 'application/json')
  form(@Body() _note: Note) {}

  @Post('/upload')
  upload(
    @Body() _note: Note,
    @File('picture', { required: true }) _picture: UploadedFile,
    @Files('more') _more: UploadedFile[],
  ) {}

  @Post('/all')
  @Multipart({ to: 'stream' })
  all(@Files() _files: AsyncIterable<StreamedFile>) {}

  @Post('/image')
  @Consumes('image/*')
  image(@Body() _bytes: Buffer) {}

  @Post('/list')
  listed(@Body(undefined, { required: true }) _items: string[]) {}
}

@Controller('/streams')
class Streams {
  constructor(private readonly topics: Topics) {}

  @SSE('/counted')
  *counted() {}

  @SSE('/resumed', { end: false })
  *resumed(@LastEventId() _last: string) {}

  @SSE('/topic', { end: false })
  topic(): Subscription {
    return this.topics.subscribe('a')
  }

  @SSE('/lost', { end: false })
  *lost() {}

  @SSE('/asked', { method: 'POST' })
  *asked(@Body() _note: Note) {}

  @SSE('/posted', { method: 'POST' })
  *posted(@LastEventId() _last: string, @Query('page') _page: number) {}

  @SSE('/own')
  *own(
    @Header('last-event-id', { required: true }) _header: number,
    @Query('lastEventId') _query: number,
    @Query('LASTEVENTID') _other: string,
  ) {}

  @Get('/once')
  once(@LastEventId() _last: string) {}
}

const { paths, components } = describeApi([Notes, Streams], { info: { title: 'Notes', version: '1' } })

function bodyOf(path: string) {
  return paths[path]?.post?.requestBody
}

const file = { type: 'string', contentMediaType: 'application/octet-stream' }
const note = { $ref: '#/components/schemas/Note' }

describe('parametersOf', () => {
  it('tells of every part of a request by the types of the parameters', () => {
    expect(paths['/notes/{id}/{part}']?.get?.parameters).to.deep.equal([
      { name: 'id', in: 'path', required: true, schema: { type: 'number', pattern: '^(?:\\d+)$' } },
      { name: 'part', in: 'path', required: true, schema: { type: 'string' } },
      { name: 'since', in: 'query', schema: { type: 'string', format: 'date-time' } },
      { name: 'tags', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
      { name: 'big', in: 'query', required: true, schema: { type: 'integer' } },
      {
        name: 'filter',
        in: 'query',
        style: 'deepObject',
        explode: true,
        schema: { $ref: '#/components/schemas/Filter' },
      },
      { name: 'X-Tenant', in: 'header', schema: { type: 'string' } },
      { name: 'visit', in: 'cookie', schema: { type: 'string' } },
    ])
  })

  it('makes of the properties of a DTO parameters of their own, which are never null', () => {
    expect(paths['/notes']?.get?.parameters).to.deep.equal([
      { name: 'page', in: 'query', description: 'The first is 1', deprecated: true, schema: { type: 'integer' } },
      { name: 'by', in: 'query', schema: { enum: ['a', 'b'] } },
      { name: 'inner', in: 'query', schema: { $ref: '#/components/schemas/Filter' } },
      { name: 'all', in: 'query', required: true, schema: { type: 'boolean' } },
    ])
  })

  describe('of a stream', () => {
    const header = {
      name: 'Last-Event-ID',
      in: 'header',
      description: 'Sent by a client that comes back: the id of the last event it has seen.',
      schema: { type: 'string' },
    }
    const query = {
      name: 'lastEventId',
      in: 'query',
      description: 'Where a new EventSource goes on, which cannot send `Last-Event-ID` yet. The header wins.',
      schema: { type: 'string', pattern: '^[^\\x00\\r\\n]*$' },
    }

    it('tell how a client goes on that comes back to one that stays finished, is resumed, or is of a topic', () => {
      for (const path of ['counted', 'resumed', 'topic']) {
        expect(paths[`/streams/${path}`]?.get?.parameters, path).to.deep.equal([header, query])
        expect(paths[`/streams/${path}`]?.get?.responses, path).to.include.keys('400')
      }
    })

    it('tell of no way to go on with one that always begins anew', () => {
      expect(paths['/streams/lost']?.get).to.not.have.property('parameters')
      expect(paths['/streams/asked']?.post).to.not.have.property('parameters')
    })

    it('tell of no query where the client can send headers: by POST', () => {
      expect(paths['/streams/posted']?.post?.parameters).to.deep.equal([
        header,
        { name: 'page', in: 'query', schema: { type: 'number' } },
      ])
    })

    it('are what the method itself declares by these names', () => {
      expect(paths['/streams/own']?.get?.parameters).to.deep.equal([
        { name: 'last-event-id', in: 'header', required: true, schema: { type: 'number' } },
        { name: 'lastEventId', in: 'query', schema: { type: 'number' } },
        { name: 'LASTEVENTID', in: 'query', schema: { type: 'string' } },
      ])
    })

    it('are those of a method that answers once and reads the header', () => {
      expect(paths['/streams/once']?.get?.parameters).to.deep.equal([header])
    })
  })
})

describe('bodyOf', () => {
  it('asks for a DTO', () => {
    expect(bodyOf('/notes/dto')).to.deep.equal({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Note' } } },
    })
    expect(components.schemas.Note).to.have.property('required').that.deep.equals(['text'])
  })

  it('makes one object of the properties that are read one by one', () => {
    const properties = { text: { type: 'string' }, note: { $ref: '#/components/schemas/Note' } }

    expect(bodyOf('/notes/parts')).to.deep.equal({
      required: true,
      content: { 'application/json': { schema: { type: 'object', properties, required: ['text'] } } },
    })
  })

  it('asks for both where a DTO and a property are read', () => {
    expect(bodyOf('/notes/both')?.content['application/json']?.schema).to.deep.equal({
      allOf: [{ $ref: '#/components/schemas/Note' }, { type: 'object', properties: { extra: { type: 'number' } } }],
    })
  })

  it('knows text, bytes, and what may be anything', () => {
    expect(bodyOf('/notes/text')).to.deep.equal({ content: { 'text/plain': { schema: { type: 'string' } } } })
    expect(bodyOf('/notes/bytes')).to.deep.equal({ content: { 'application/octet-stream': { schema: {} } } })
    expect(bodyOf('/notes/list')).to.deep.equal({
      required: true,
      content: { 'application/json': { schema: { type: 'array', items: {} } } },
    })
  })

  it('knows arrays by their items, and nothing of what is not checked', () => {
    expect(bodyOf('/notes/items')).to.deep.equal({
      required: true,
      content: { 'application/json': { schema: { type: 'array', items: note } } },
    })
    expect(paths['/notes/items']?.post?.parameters).to.deep.equal([
      { name: 'numbers', in: 'query', schema: { type: 'array', items: { type: 'number' } } },
    ])
    expect(bodyOf('/notes/unchecked')).to.deep.equal({ content: { 'application/json': { schema: {} } } })
    expect(paths['/notes/unchecked']?.post?.parameters).to.deep.equal([
      { name: 'q', in: 'query', schema: { type: 'string' } },
    ])
  })

  it('goes by the media types that a method takes', () => {
    const media = { schema: note }

    expect(bodyOf('/notes/form')?.content).to.deep.equal({
      'application/x-www-form-urlencoded': media,
      'application/json': media,
    })
    expect(bodyOf('/notes/image')?.content).to.deep.equal({ 'image/*': { schema: {} } })
  })

  it('knows the files of a form', () => {
    const files = {
      type: 'object',
      properties: { picture: file, more: { type: 'array', items: file } },
      required: ['picture'],
    }

    expect(bodyOf('/notes/upload')).to.deep.equal({
      required: true,
      content: { 'multipart/form-data': { schema: { allOf: [note, files] } } },
    })
    expect(bodyOf('/notes/all')?.content).to.deep.equal({
      'multipart/form-data': { schema: { type: 'object', properties: {} } },
    })
  })
})
