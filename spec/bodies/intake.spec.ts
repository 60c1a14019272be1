import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { Body, Consumes, Controller, File, Files, Get, Multipart, Param, Post, type UploadedFile } from 'okapi'
import { refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

describe('intakeOf', () => {
  @Controller()
  class Bodies {
    @Post('/json')
    json(@Body({ validate: false }) body: Record<string, unknown>) {
      return body
    }

    @Post('/text/:id')
    @Consumes('text/plain')
    text(@Param('id') id: number, @Body() body: string) {
      return { id, body }
    }

    @Post('/bytes')
    @Consumes('application/json', 'image/*')
    bytes(@Body() body: Buffer) {
      return { bytes: body.toString('latin1') }
    }

    @Post('/plain')
    plain(@Body() body: string) {
      return { body }
    }

    @Post('/binary')
    binary(@Body() body: Buffer) {
      return { bytes: body.toString('latin1') }
    }

    @Post('/either')
    @Consumes('application/json', 'multipart/form-data')
    either(@Body({ validate: false }) body: Record<string, unknown>, @Files() files: UploadedFile[]) {
      return { body, files: files.length }
    }
  }

  let url: string
  before(async () => {
    url = (await serve([Bodies])).url
  })
  after(closeAll)

  const post = async (path: string, type: string | undefined, body: string | Buffer): Promise<unknown[]> => {
    const response = await fetch(url + path, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body as string)),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    })
    return [response.status, await response.json(), response.headers.get('accept')]
  }

  it('takes JSON and text without a word, text as UTF-8 whatever it says, and nothing else', async () => {
    expect(await post('/plain', 'application/json', '"ü"')).to.deep.equal([200, { body: 'ü' }, null])
    expect(await post('/plain', 'text/plain; charset=latin1', 'ü')).to.deep.equal([200, { body: 'ü' }, null])
    for (const type of ['application/vnd.api+json', 'text/csv', 'application/x-www-form-urlencoded', undefined]) {
      expect((await post('/plain', type, '1'))[0], type).to.equal(415)
    }
  })

  it('takes bytes alone without a word where the body is a Buffer', async () => {
    const bytes = Buffer.from([0, 255])

    expect(await post('/binary', 'application/octet-stream', bytes)).to.deep.equal([200, { bytes: '\0ÿ' }, null])
    for (const type of ['application/json', 'text/plain', 'image/png']) {
      expect(await post('/binary', type, '{"length":1}'), type).to.deep.equal([
        415,
        {
          ...{ type: 'about:blank', title: 'Unsupported Media Type', status: 415 },
          detail: 'The body must be application/octet-stream',
        },
        'application/octet-stream',
      ])
    }
  })

  it('gives each route the parsers that it declares, and no other route', async () => {
    expect(await post('/text/7', 'text/plain', '{"a":1}')).to.deep.equal([200, { id: 7, body: '{"a":1}' }, null])
    expect(await post('/bytes', 'application/json', '{"a" :1}')).to.deep.equal([200, { bytes: '{"a" :1}' }, null])
    expect(await post('/bytes', 'image/png', 'x')).to.deep.equal([200, { bytes: 'x' }, null])
    expect(await post('/json', 'application/json', '{"a":1}')).to.deep.equal([200, { a: 1 }, null])
    expect((await post('/json', 'image/png', 'x'))[0]).to.equal(415)
  })

  it('takes a form or JSON, where both are declared', async () => {
    const form = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'

    expect(await post('/either', 'application/json', '{"a":1}')).to.deep.equal([
      200,
      { body: { a: 1 }, files: 0 },
      null,
    ])
    expect(await post('/either', 'multipart/form-data; boundary=x', form)).to.deep.equal([
      ...[200, { body: { a: '1' }, files: 0 }, null],
    ])
  })

  it('refuses another media type with 415, and says which it takes', async () => {
    expect(await post('/bytes', 'Text/Plain; charset=utf-8', 'a')).to.deep.equal([
      415,
      {
        ...{ type: 'about:blank', title: 'Unsupported Media Type', status: 415 },
        detail: 'The body must be application/json or image/*',
      },
      'application/json, image/*',
    ])
    expect((await post('/text/7', 'application/json', '{}'))[0]).to.equal(415)
    expect((await post('/text/7', undefined, 'a'))[0]).to.equal(415)
  })

  describe('refuses at boot', () => {
    it('a file without a form', async () => {
      @Controller()
      class Photos {
        @Post()
        @Consumes('application/json')
        add(@File('photo') photo: UploadedFile) {
          return photo
        }
      }

      expect(await refusal([Photos])).to.equal(
        "Photos.add, parameter 0: @File('photo') needs a form: add 'multipart/form-data' to its @Consumes",
      )
    })

    it('one file of those that are still to come', async () => {
      @Controller()
      class Photos {
        @Post()
        @Multipart({ to: 'stream' })
        add(@File('photo') photo: UploadedFile) {
          return photo
        }
      }

      expect(await refusal([Photos])).to.equal(
        "Photos.add, parameter 0: @File('photo') cannot choose among files that are still to come: take all by @Files()",
      )
    })

    it('a media type that nothing reads, though a parser of the app is for a range that it lies in', async () => {
      @Controller()
      class Photos {
        @Post()
        @Consumes('image/png')
        add(@Body({ validate: false }) photo: object) {
          return photo
        }
      }
      const setup = (app: FastifyInstance) => {
        app.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, async () => ({}))
      }

      for (const options of [{}, { setup }]) {
        expect(await refusal([Photos], options)).to.equal(
          "Photos.add, @Consumes('image/png'): nothing reads image/png: declare the body as a Buffer, or add a parser to the app",
        )
      }
    })

    it('the bytes of a form with files, which is read in parts', async () => {
      @Controller()
      class Photos {
        @Post()
        @Consumes('multipart/form-data')
        add(@Body() form: Buffer) {
          return form.length
        }
      }

      expect(await refusal([Photos])).to.equal(
        "Photos.add, parameter 0: @Body() of a form is no Buffer: declare a DTO of its fields, or say @Consumes('*/*') for its bytes",
      )
    })

    it('files and media types under GET', async () => {
      @Controller()
      class Photos {
        @Get()
        get(@File('photo') photo: UploadedFile) {
          return photo
        }
      }
      @Controller()
      class Texts {
        @Get()
        @Consumes('text/plain')
        get() {}
      }

      expect(await refusal([Photos])).to.match(
        /^Photos\.get, parameter 0: @File\('photo'\) reads a body, which GET has not/,
      )
      expect(await refusal([Texts])).to.equal(
        'Texts.get: declares how it takes a body, which GET has not: declare the method with @Post',
      )
    })
  })
})
