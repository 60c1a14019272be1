import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { IsInt, IsString } from 'class-validator'
import fc from 'fast-check'
import { Body, Consumes, Controller, Files, Multipart, Post, type StreamedFile, type UploadedFile } from 'okapi'
import { Connection, leaveAll } from '../support/connection.js'
import { BOUNDARY, formOf, type Part } from '../support/multipart.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

class Note {
  @IsString()
  title!: string

  @IsInt()
  stars!: number
}

@Controller()
class Notes {
  @Post('/json')
  json(@Body() note: Note) {
    return note
  }

  @Post('/urlencoded')
  @Consumes('application/x-www-form-urlencoded')
  urlencoded(@Body() note: Note) {
    return note
  }

  @Post('/text')
  @Consumes('text/plain')
  text(@Body() text: string) {
    return { text }
  }

  @Post('/bytes')
  @Consumes('*/*')
  bytes(@Body() bytes: Buffer) {
    return { size: bytes.length }
  }

  @Post('/multipart')
  @Multipart({ files: 3, fileSize: 1_000, fields: 10 })
  multipart(@Body() note: Note, @Files() files: UploadedFile[]) {
    return { note, files: files.map(({ filename }) => filename) }
  }

  @Post('/stream')
  @Multipart({ to: 'stream', files: 3, fileSize: 1_000, fields: 10 })
  async stream(@Body() note: Note, @Files() files: AsyncIterable<StreamedFile>) {
    const names: string[] = []
    for await (const { filename, stream } of files) {
      for await (const _ of stream);
      names.push(filename)
    }
    return { note, files: names }
  }
}

const multipart = `multipart/form-data; boundary=${BOUNDARY}`

/** Bodies that nobody means well with, by the path and the media type they are sent to. */
const hostile: Record<string, [path: string, type: string, body: string | Buffer, statuses: number[]]> = {
  'a body that is too large': ['/json', 'application/json', `"${'x'.repeat(1_100_000)}"`, [413]],
  'broken JSON': ['/json', 'application/json', '{"title":', [400]],
  'a prototype in JSON': ['/json', 'application/json', '{"title":"a","stars":1,"__proto__":{"x":1}}', [400]],
  'a constructor in JSON': ['/json', 'application/json', '{"title":"a","constructor":{"prototype":{"x":1}}}', [400]],
  'arrays within arrays': ['/json', 'application/json', `{"title":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, [400]],
  'an unknown charset of JSON': ['/json', 'application/json; charset=none', '{"title":1}', [400]],
  'a prototype in a form': ['/urlencoded', 'application/x-www-form-urlencoded', '__proto__=x&title=a&stars=2', [200]],
  'brackets in a form': ['/urlencoded', 'application/x-www-form-urlencoded', 'title[__proto__][x]=1', [400]],
  'a form that is half encoded': ['/urlencoded', 'application/x-www-form-urlencoded', '%=%zz&title=%ff&stars=%', [400]],
  'very many values of a form': ['/urlencoded', 'application/x-www-form-urlencoded', 'title=a&'.repeat(100_000), [400]],
  'an unknown charset': ['/text', 'text/plain; charset=klingon', 'nuqneH', [415]],
  'bytes that are no text': ['/text', 'text/plain', Buffer.from([0xff, 0xfe, 0x00, 0xd8]), [400]],
  'another media type': ['/text', 'application/json', '"a"', [415]],
  'a media type that is none': ['/text', '%%%', 'a', [415]],
  'bytes of no media type': ['/bytes', 'a/b; c=d', 'abc', [200]],
  'too many bytes': ['/bytes', 'image/png', Buffer.alloc(1_100_000), [413]],
}

/** Forms with files, likewise. */
const field = (name: string, value = '1'): Part => ({ name, value })
const note = [field('title', 'a'), field('stars', '5')]
const file = { name: 'file', value: 'x', filename: 'a.txt' }
const forms: Record<string, [type: string, body: string | Buffer, statuses: number[]]> = {
  'without a boundary': ['multipart/form-data', formOf(...note), [400]],
  'with an empty boundary': ['multipart/form-data; boundary=', formOf(...note), [400]],
  'with a boundary that is very long': [`multipart/form-data; boundary=${'x'.repeat(8_000)}`, formOf(...note), [400]],
  'with the boundary of another': ['multipart/form-data; boundary=other', formOf(...note), [400]],
  'that ends in the middle': [multipart, formOf(...note, file).subarray(0, -30), [400]],
  'that ends in the middle of a file': [
    multipart,
    formOf(...note, { ...file, value: 'x'.repeat(900) }).subarray(0, -500),
    [400],
  ],
  'that is empty': [multipart, '', [400]],
  'that is no form': [multipart, 'no form at all', [400]],
  'with a field for a prototype': [multipart, formOf(...note, field('__proto__')), [400]],
  'with a file for a prototype': [multipart, formOf(...note, { ...file, name: 'constructor' }), [400]],
  'with JSON for a prototype': [
    multipart,
    formOf(...note, { ...field('a', '{"__proto__":{"x":1}}'), type: 'application/json' }),
    [200, 400],
  ],
  'with thousands of fields': [
    multipart,
    formOf(...note, ...Array.from({ length: 5_000 }, (_, n) => field(`f${n}`))),
    [413],
  ],
  'with thousands of files': [multipart, formOf(...note, ...Array.from({ length: 5_000 }, () => file)), [413]],
  'with a file that is too large': [multipart, formOf(...note, { ...file, value: 'x'.repeat(50_000) }), [413]],
  'with a head that is too large': [multipart, formOf(...note, field('x'.repeat(200_000))), [200, 400]],
  'with a line break in a name': [multipart, formOf(...note, { ...file, filename: 'a\r\nx: y.txt' }), [200, 400]],
  'with an unknown charset': [
    multipart,
    formOf(...note, { ...field('a'), type: 'text/plain; charset=klingon' }),
    [200, 400],
  ],
}

describe('A body from a stranger', () => {
  let url: string
  let directory: string

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'okapi-spec-'))
    url = (await serve([Notes], { uploads: { directory }, fastify: { forceCloseConnections: true } })).url
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
    rmSync(directory, { recursive: true, force: true })
  })

  /** What comes back on a socket of its own: the answer may come before the body is sent. */
  const send = async (path: string, type: string, body: string | Buffer): Promise<{ status: number; text: string }> => {
    const bytes = Buffer.from(body as string)
    const head = `POST ${path} HTTP/1.1\r\nHost: okapi\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`
    const connection = await Connection.open(url, head)
    connection.socket.write(bytes)
    await until(() => /\r\n\r\n[\s\S]*\}$/.test(connection.text) || connection.closed, `an answer to ${path}`)
    const { text } = connection
    connection.leave()
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), text }
  }

  const check = async (path: string, type: string, body: string | Buffer, statuses: number[]): Promise<void> => {
    const { status, text } = await send(path, type, body)
    expect(statuses, text.slice(0, 1_000)).to.include(status)
    if (status >= 400) expect(text).to.contain('content-type: application/problem+json')
    expect(text).to.not.match(/\.[jt]s:\d|node_modules| {4}at /)
    expect({}).to.not.have.property('x')
    await until(() => readdirSync(directory).length === 0, 'no temporary file')
    const after = await send('/json', 'application/json', '{"title":"a","stars":1}')
    expect(after.status).to.equal(200)
  }

  for (const [what, given] of Object.entries(hostile)) {
    it(`does no harm: ${what}`, () => check(...given))
  }

  for (const path of ['/multipart', '/stream']) {
    for (const [what, given] of Object.entries(forms)) {
      it(`does no harm: a form ${what}, at ${path}`, () => check(path, ...given))
    }
  }

  it('does not name a file outside', async () => {
    const names = ['../../etc/passwd', '..\\..\\boot.ini', '/etc/passwd', 'C:\\boot.ini', '..', '.']

    const files = async (filename: string): Promise<string[]> => {
      const { text } = await send('/stream', multipart, formOf(...note, { ...file, filename }))
      return (JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { files: string[] }).files
    }
    const found = await Promise.all(names.map(files))

    expect(found.flat()).to.deep.equal(['passwd', 'boot.ini', 'passwd', 'boot.ini', 'file', 'file'])
  })

  it('is answered without a fault of the server, whatever it is', async function () {
    this.timeout(60_000)
    const whole = formOf(...note, file, { ...file, value: 'y'.repeat(300) })
    const broken = fc.tuple(fc.nat(whole.length), fc.nat(40), fc.uint8Array({ maxLength: 20 }))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/multipart', '/stream'), broken, async (path, [at, cut, put]) => {
        const body = Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + cut)])
        const { status } = await send(path, multipart, body)
        expect(status).to.be.oneOf([200, 400, 413])
      }),
      { numRuns: 300 },
    )

    await until(() => readdirSync(directory).length === 0, 'no temporary file')
  })
})
