import { expect } from 'chai'
import { Type } from 'class-transformer'
import { IsArray, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator'
import {
  Body,
  Consumes,
  Controller,
  Cookie,
  Files,
  Get,
  Header,
  LastEventId,
  Multipart,
  Param,
  Post,
  Query,
  SSE,
  type StreamedFile,
  Topics,
} from 'okapi'
import { BOUNDARY } from '../support/multipart.js'
import { closeAll, serve } from '../support/serve.js'
import { attack, harmless } from '../support/stranger.js'

class Item {
  @IsInt()
  count!: number

  @IsOptional()
  @IsString()
  name?: string
}

class Order {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Item)
  items!: Item[]
}

/** How many bytes a method has read. */
let read = 0

@Controller()
class Sizes {
  constructor(private readonly topics: Topics) {}

  @Post('/order')
  order(@Body() { items }: Order) {
    return items.length
  }

  @Post('/list')
  list(@Body({ items: Item }) items: Item[]) {
    return items.length
  }

  @Post('/strict')
  strict(@Body({ validate: { forbidNonWhitelisted: true } }) item: Item) {
    return item.count
  }

  @Post('/form')
  @Consumes('application/x-www-form-urlencoded')
  form(@Body() item: Item) {
    return item.count
  }

  @Post('/stream')
  @Multipart({ to: 'stream', fileSize: 100_000_000 })
  async stream(@Files() files: AsyncIterable<StreamedFile>) {
    for await (const { stream } of files) for await (const piece of stream) read += piece.length
    return { size: read }
  }

  @Get('/query')
  query(@Query() query: Item) {
    return query.count
  }

  @Get('/list')
  listed(@Query('n', { items: Number }) numbers: number[]) {
    return numbers.length
  }

  @Get('/one/:name')
  one(@Param('name') name: string, @Header('x-long') long?: string, @Cookie('long') cookie?: string) {
    return [name.length, long?.length, cookie?.length]
  }

  @SSE('/last')
  *last(@LastEventId() last?: string) {
    yield last?.length
  }

  @SSE('/gap', { maxDuration: 5 })
  gap() {
    return this.topics.get('sizes').subscribe()
  }
}

const MEGABYTE = 1_000_000
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const many = (count: number, one: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => one(n)).join()

/** What is sent, and what it is answered, which is never long and never long in coming. */
const sent: Record<string, [path: string, type: string, body: string, status: number]> = {
  'a body above the limit': ['/order', json, `{"items":"${'x'.repeat(2 * MEGABYTE)}"}`, 413],
  'arrays within arrays': ['/order', json, `{"items":${'['.repeat(400_000)}${']'.repeat(400_000)}}`, 400],
  'objects within objects': ['/order', json, `{"items":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}}`, 400],
  'arrays that do not end': ['/order', json, '['.repeat(MEGABYTE), 400],
  'very many wrong items': ['/order', json, `{"items":[${many(100_000, () => '{}')}]}`, 400],
  'very many items that are none': ['/order', json, `{"items":[${many(100_000, () => '1')}]}`, 400],
  'very many wrong items, at the top': ['/list', json, `[${many(300_000, () => '{}')}]`, 400],
  'very many properties that nobody knows': ['/strict', json, `{"count":1,${many(20_000, n => `"k${n}":1`)}}`, 400],
  'the same property very often': ['/strict', json, `{${many(100_000, () => '"count":1')}}`, 200],
  'a number with very many digits': ['/strict', json, `{"count":${'9'.repeat(MEGABYTE)}}`, 400],
  'a number with very many places': ['/strict', json, `{"count":1.${'0'.repeat(MEGABYTE)}1}`, 200],
  'a text that is nearly a number': ['/form', form, `count=${'1'.repeat(MEGABYTE)}x`, 400],
  'a text that is nearly a fraction': ['/form', form, `count=.${'1'.repeat(MEGABYTE)}.`, 400],
  'very many fields': ['/form', form, `count=1&${'a=1&'.repeat(200_000)}`, 200],
  'very many different fields': ['/form', form, `count=1&${many(20_000, n => `k${n}=1`).replaceAll(',', '&')}`, 200],
  'very many values of a field': ['/form', form, 'count=1&'.repeat(100_000), 400],
  'nothing but separators': ['/form', form, '&'.repeat(MEGABYTE), 400],
  'nothing but escapes': ['/form', form, `count=${'%'.repeat(MEGABYTE)}`, 400],
  'a name of a megabyte': ['/strict', json, `{"count":1,"${'k'.repeat(MEGABYTE)}":1}`, 400],
}

describe('What is too large', function () {
  this.timeout(60_000)

  let url: string

  beforeEach(async () => {
    url = (await serve([Sizes], { topics: {} })).url
  })
  afterEach(closeAll)

  const get = async (path: string, ...headers: string[]): Promise<string> => {
    const lines = headers.map(line => `${line}\r\n`).join('')
    const answer = await attack(url, {
      bytes: `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`,
      finish: 'wait',
    })
    harmless(answer)
    return answer
  }

  for (const [what, [path, type, body, status]] of Object.entries(sent)) {
    it(`is no harm: ${what}`, async () => {
      const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body })
      const answer = await response.text()

      expect(response.status, answer.slice(0, 300)).to.equal(status)
      // Of a name that is too long, as much as has been sent.
      expect(answer.length).to.be.below(what === 'a name of a megabyte' ? 2.5 * MEGABYTE : 50_000)
    })
  }

  it('is refused, be it a head, a header, a path or a parameter', async () => {
    expect(await get('/one/a', `x-long: ${'x'.repeat(20_000)}`)).to.match(/^HTTP\/1\.1 431 /)
    expect(await get('/one/a', ...Array.from({ length: 5_000 }, (_, n) => `x-${n}: 1`))).to.match(/^HTTP\/1\.1 431 /)
    expect(await get(`/one/${'a'.repeat(20_000)}`)).to.match(/^HTTP\/1\.1 431 /)
    expect(await get(`/one/${'a'.repeat(200)}`)).to.match(/^HTTP\/1\.1 414 /)
    expect(await get(`/one/${'a/'.repeat(5_000)}`)).to.match(/^HTTP\/1\.1 404 /)
    expect(await get(`/query?count=${'1'.repeat(15_000)}x`)).to.match(/^HTTP\/1\.1 400 /)
    expect(await get(`/query?${'count=1&'.repeat(1_500)}`)).to.match(/^HTTP\/1\.1 400 /)
    expect(await get(`/query?count=1&${'&'.repeat(15_000)}`)).to.match(/^HTTP\/1\.1 200 /)
    expect(await get(`/list?${'n=x&'.repeat(3_000)}`)).to.match(/^HTTP\/1\.1 400 /)
  })

  it('is taken up to there, be it a header, a cookie or a last event ID', async () => {
    const long = 'x'.repeat(10_000)

    expect(await get('/one/a', `x-long: ${long}`)).to.contain('\r\n\r\n[1,10000,null]')
    expect(await get('/one/a', `cookie: long=${long}`)).to.contain('\r\n\r\n[1,null,10000]')
    expect(await get('/one/a', `cookie: ${'a=b;'.repeat(3_000)}long=x`)).to.contain('\r\n\r\n[1,null,1]')
    expect(await get('/last', `last-event-id: ${long}`)).to.contain('data: 10000\n\n')
  })

  for (const [what, id] of Object.entries({
    'a last event ID of 10,000 characters': 'x'.repeat(10_000),
    'one of 2,500 positions': 'abc.1,'.repeat(2_500),
    'one of a position that is no number': `abc.${'9'.repeat(10_000)}`,
  })) {
    it(`is told as a gap, in a few words: ${what}`, async () => {
      const answer = await get('/gap', `last-event-id: ${id}`)

      const gap = JSON.parse(/event: stream:gap\n(?:.*\n)*?data: (.*)\n/.exec(answer)?.[1] ?? '{}')
      expect(gap).to.include({ requested: id.slice(0, 64), reason: 'malformed' })
      expect(answer.length).to.be.below(2_000)
    })
  }

  it('comes in chunks without end, and is refused as soon as it is too much', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const head = `POST /order HTTP/1.1\r\nhost: x\r\ncontent-type: ${json}\r\ntransfer-encoding: chunked\r\n\r\n`

    const answer = await attack(url, { bytes: head + chunk.repeat(40), finish: 'end' })

    expect(answer === '' || harmless(answer).includes(413), answer).to.equal(true)
  })

  it('is read as a stream without being kept', async () => {
    const SIZE = 60 * MEGABYTE
    const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\n`
    const tail = `\r\n--${BOUNDARY}--\r\n`
    const piece = Buffer.alloc(MEGABYTE, 'x')
    let most = 0
    read = 0
    async function* body() {
      yield Buffer.from(head)
      for (let size = 0; size < SIZE; size += piece.length) {
        most = Math.max(most, size - read)
        yield piece
      }
      yield Buffer.from(tail)
    }

    const response = await fetch(`${url}/stream`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: body(),
      duplex: 'half',
    } as unknown as RequestInit)

    expect(await response.json()).to.deep.equal({ size: SIZE })
    expect(most, 'bytes on their way').to.be.below(SIZE / 2)
  })
})
