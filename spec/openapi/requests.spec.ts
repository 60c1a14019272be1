import { expect } from 'chai'
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator'
import { Body, Controller, Cookie, Doc, describeApi, Get, Header, Param, Post, Query, Req, Signal } from 'okapi'

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
  anything(@Body('', { required: true }) _unnamed: string, @Body() _anything: unknown) {}

  @Post('/list')
  listed(@Body(undefined, { required: true }) _items: string[]) {}
}

const { paths, components } = describeApi([Notes], { info: { title: 'Notes', version: '1' } })

function bodyOf(path: string) {
  return paths[path]?.post?.requestBody
}

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
})
