import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { IsInt, IsOptional, IsString } from 'class-validator'
import { Body, Controller, File, Files, Multipart, Post, SSE, type StreamedFile, UploadedFile } from 'okapi'
import { Connection, leaveAll } from '../support/connection.js'
import { connectHttp2, leaveAllHttp2 } from '../support/http2.js'
import { latch } from '../support/latch.js'
import { type LogLine, logger } from '../support/logged.js'
import { formHeaders, formOf, type Part } from '../support/multipart.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

class Note {
  @IsString()
  title!: string

  @IsOptional()
  @IsInt()
  stars?: number
}

/** Problem details, or what a method returns. */
interface Answer {
  [name: string]: unknown
  errors: { property: string; detail: string }[]
}

describe('readForm', () => {
  let directory: string
  let url: string
  let paths: string[]
  /** Opened when the first event of a stream was read. */
  let read = latch()

  @Controller()
  class Forms {
    @Post('/photo')
    photo(@Body() note: Note, @File('photo', { required: true }) photo: UploadedFile) {
      paths.push(photo.path)
      const { field, filename, mimetype, size, path } = photo
      const mode = statSync(path).mode & 0o777
      return {
        note,
        field,
        filename,
        mimetype,
        size,
        mode,
        made: photo instanceof UploadedFile,
        text: readFileSync(path, 'utf8'),
      }
    }

    @Post('/photos')
    @Multipart({ files: 2, fileSize: 10, fields: 2, fieldSize: 10 })
    photos(
      @Files('photo') photos: UploadedFile[],
      @Files() all: UploadedFile[],
      @Body({ validate: false }) body: Record<string, unknown>,
    ) {
      return { photos: photos.map(({ filename }) => filename), all: all.length, body }
    }

    @Post('/one')
    one(@File('photo') photo?: UploadedFile) {
      return { none: photo === undefined }
    }

    @Post('/all')
    all(@Files({ required: true }) files: UploadedFile[]) {
      return files.length
    }

    @Post('/stream')
    @Multipart({ to: 'stream', fileSize: 100 })
    async stream(@Body() note: Note, @Files() files: AsyncIterable<StreamedFile>) {
      const read: string[] = []
      for await (const { field, filename, stream } of files) read.push(field, filename, await text(stream))
      return { note, read }
    }

    @Post('/first')
    @Multipart({ to: 'stream' })
    async first(@Files() files: AsyncIterable<StreamedFile>) {
      for await (const { filename } of files) return { filename }
      return {}
    }

    @Post('/names')
    @Multipart({ to: 'stream' })
    async names(@Files() files: AsyncIterable<StreamedFile>) {
      const names: string[] = []
      for await (const { filename } of files) names.push(filename)
      return names
    }

    @SSE('/events', { method: 'POST' })
    async *events(@File('photo') photo: UploadedFile) {
      paths.push(photo.path)
      yield 'begun'
      await read.promise
      yield readFileSync(photo.path, 'utf8')
    }
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'okapi-spec-'))
    paths = []
    read = latch()
    url = (await serve([Forms], { uploads: { directory } })).url
  })
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeAll()
    rmSync(directory, { recursive: true, force: true })
  })

  const send = async (path: string, ...parts: Part[]): Promise<{ status: number; body: Answer }> => {
    const response = await fetch(url + path, { method: 'POST', headers: formHeaders, body: formOf(...parts) })
    return { status: response.status, body: (await response.json()) as Answer }
  }
  const cleared = (): Promise<void> => until(() => readdirSync(directory).length === 0, 'no temporary file')
  const photo = { name: 'photo', value: 'pixels', filename: 'tea.png', type: 'image/png' }
  const title = { name: 'title', value: 'Tea' }

  describe('to disk', () => {
    it('gives a file and the fields, converted to the types of their DTO', async () => {
      const { status, body } = await send('/photo', title, photo, { name: 'stars', value: '5' })

      expect(status).to.equal(200)
      expect(body).to.deep.equal({
        note: { title: 'Tea', stars: 5 },
        ...{
          field: 'photo',
          filename: 'tea.png',
          mimetype: 'image/png',
          size: 6,
          mode: 0o600,
          made: true,
          text: 'pixels',
        },
      })
    })

    it('removes the file when the request is over', async () => {
      await send('/photo', title, photo)

      await cleared()
      expect(paths).to.have.length(1)
      expect(existsSync(paths[0] as string)).to.equal(false)
    })

    it('removes the file when a stream is over, and not before', async () => {
      const headers = formHeaders
      const stream = await subscribe(`${url}/events`, { method: 'POST', headers, body: formOf(photo) as never })
      await stream.take(1)

      read.open()

      expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['pixels'])
      await cleared()
    })

    it('names a required file that is missing, beside what else is wrong', async () => {
      const { status, body } = await send('/photo', { name: 'stars', value: 'many' })

      expect(status).to.equal(400)
      expect(body.errors.map(({ property }) => property)).to.have.members(['title', 'stars', 'photo'])
      expect(body.errors.at(-1)).to.deep.equal({
        in: 'body',
        property: 'photo',
        constraint: 'required',
        detail: 'The file "photo" of the form is missing',
      })
      expect((await send('/all', title)).body.errors[0]?.detail).to.equal('There is no file in the form')
    })

    it('takes the field of a file that nobody chose for no file', async () => {
      const empty = { name: 'photo', value: '', filename: '', type: 'application/octet-stream' }

      expect((await send('/one', empty)).body).to.deep.equal({ none: true })
    })

    it('refuses a second file where one is meant', async () => {
      const { status, body } = await send('/one', photo, photo)

      expect(status).to.equal(400)
      expect(body.errors[0]?.detail).to.equal('The file "photo" of the form is sent more than once')
    })

    it('gives all files, or those of a field, and fields that come more than once as arrays', async () => {
      const other = { ...photo, name: 'other', filename: 'b.png' }

      const { body } = await send('/photos', photo, { name: 'tag', value: 'a' }, other, { name: 'tag', value: 'b' })

      expect(body).to.deep.equal({ photos: ['tea.png'], all: 2, body: { tag: ['a', 'b'] } })
    })

    it('never gives a path for a filename', async () => {
      const { body } = await send('/photo', title, { ...photo, filename: '../../etc/passwd' })

      expect(body.filename).to.equal('passwd')
      expect(paths[0]?.startsWith(directory)).to.equal(true)
    })

    it('refuses with 413 what exceeds a limit, and leaves nothing behind', async () => {
      const field = (name: string): Part => ({ name, value: '1' })
      const refused = {
        'The form has more than 2 files': [photo, photo, photo],
        'The file "photo" has more than 10 bytes': [{ ...photo, value: 'x'.repeat(11) }],
        'The form has more than 2 fields': [field('a'), field('b'), field('c')],
        'The field "a" has more than 10 bytes': [{ name: 'a', value: 'x'.repeat(11) }],
      }

      for (const [detail, parts] of Object.entries(refused)) {
        const { status, body } = await send('/photos', ...parts)
        expect(body).to.deep.equal({ type: 'about:blank', title: 'Payload Too Large', status: 413, detail })
        expect(status).to.equal(413)
      }
      expect((await send('/photos', { ...photo, value: 'x'.repeat(10) })).status).to.equal(200)
      await cleared()
    })

    it('refuses a form that ends in the middle of a file that nobody chose', async () => {
      const empty = { name: 'other', value: '', filename: '' }
      const form = formOf(title, { ...photo, value: 'x'.repeat(100_000) }, empty).subarray(0, -5)

      const response = await fetch(`${url}/photo`, { method: 'POST', headers: formHeaders, body: form })

      expect(response.status).to.equal(400)
      await cleared()
    })

    it('is no fault of the server when clients leave while their files are written', async () => {
      const lines: LogLine[] = []
      const served = await serve([Forms], { uploads: { directory }, fastify: { logger: logger(lines) } })
      const files = Array.from({ length: 5 }, () => ({ ...photo, value: 'x'.repeat(20_000) }))
      const form = formOf(title, ...files)
      const head = `POST /photo HTTP/1.1\r\nhost: okapi\r\ncontent-type: ${formHeaders['content-type']}\r\ncontent-length: ${form.length}\r\n\r\n`
      const leave = async (size: number): Promise<void> => {
        const connection = await Connection.open(served.url)
        connection.socket.write(Buffer.concat([Buffer.from(head), form.subarray(0, size)]), () => connection.leave())
        await connection.end()
      }

      for (let n = 0; n < 100; n++) await leave((n * form.length) / 100)

      await cleared()
      await served.app.close()
      expect(lines).to.deep.equal([])
    })

    it('removes what has arrived when the client leaves in the middle', async () => {
      const form = formOf(title, { ...photo, value: 'x'.repeat(100_000) })
      const head = `POST /photo HTTP/1.1\r\nhost: okapi\r\ncontent-type: ${formHeaders['content-type']}\r\ncontent-length: ${form.length}\r\n\r\n`
      const connection = await Connection.open(url, head)
      connection.socket.write(form.subarray(0, 90_000))
      await until(() => readdirSync(directory).length === 1, 'a temporary file')

      connection.leave()

      await cleared()
    })
  })

  it('reads forms over HTTP/2, and refuses what is too large there', async () => {
    const warned: Error[] = []
    const listen = (warning: Error): unknown => warned.push(warning)
    process.on('warning', listen)
    const served = await serve([Forms], { uploads: { directory }, fastify: { http2: true } })
    const session = connectHttp2(served.url)
    const ask = async (path: string, body: Buffer): Promise<[number | undefined, string]> => {
      const stream = session.request({ ':path': path, ':method': 'POST', ...formHeaders })
      stream.on('error', () => {})
      stream.end(body)
      const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }]
      return [headers[':status'], await text(stream)]
    }

    const [status, told] = await ask('/photo', formOf(title, photo))
    expect([status, JSON.parse(told).text]).to.deep.equal([200, 'pixels'])
    const tooLarge = formOf(title, { ...photo, value: 'x'.repeat(50_000) })
    for (const path of ['/photos', '/stream']) expect((await ask(path, tooLarge))[0], path).to.equal(413)
    await cleared()
    process.off('warning', listen)
    expect(warned).to.deep.equal([])
  })

  describe('as a stream', () => {
    it('gives the files while they arrive, with the fields before them', async () => {
      const { body } = await send('/stream', title, photo, { ...photo, name: 'other', filename: '../b.png' })

      expect(body).to.deep.equal({
        note: { title: 'Tea' },
        read: ['photo', 'tea.png', 'pixels', 'other', 'b.png', 'pixels'],
      })
      expect(readdirSync(directory)).to.deep.equal([])
    })

    it('checks the fields before a file is read', async () => {
      expect((await send('/stream', photo)).body.errors[0]?.property).to.equal('title')
    })

    it('refuses a field that stands behind a file', async () => {
      const { status, body } = await send('/stream', title, photo, { name: 'stars', value: '5' })

      expect(status).to.equal(400)
      expect(body.detail).to.equal('The field "stars" stands behind a file; fields must stand before')
    })

    it('refuses a file that is too large', async () => {
      const { status, body } = await send('/stream', title, { ...photo, value: 'x'.repeat(200) })

      expect(status).to.equal(413)
      expect(body.detail).to.equal('The file "photo" has more than 100 bytes')
    })

    it('skips what a method does not read', async () => {
      const large = { ...photo, value: 'x'.repeat(300_000) }

      expect((await send('/names', large, { ...large, filename: 'b.png' })).body).to.deep.equal(['tea.png', 'b.png'])
    })

    it('lets the rest go by when a method is done with it, so that the connection can be used again', async () => {
      const form = formOf({ ...photo, value: 'x'.repeat(900_000) })
      const head = `POST /first HTTP/1.1\r\nhost: okapi\r\ncontent-type: ${formHeaders['content-type']}\r\ncontent-length: ${form.length}\r\n\r\n`
      const connection = await Connection.open(url, head)
      connection.socket.write(form)
      await connection.has('{"filename":"tea.png"}')

      connection.socket.write(head)
      connection.socket.write(form)

      await until(() => connection.text.split('{"filename":"tea.png"}').length === 3, 'a second answer')
    })

    it('takes a form without files', async () => {
      expect((await send('/stream', title)).body).to.deep.equal({ note: { title: 'Tea' }, read: [] })
      expect((await send('/first', title)).body).to.deep.equal({})
    })
  })
})
