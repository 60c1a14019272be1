import { expect } from 'chai'
import type { FastifyReply } from 'fastify'
import { Controller, Get, HttpCode, HttpError, Post, Query, Redirect, Reply, SetHeader, SSE } from 'okapi'
import request from 'supertest'
import { Connection, get, leaveAll } from '../support/connection.js'
import { protest, refusal } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

@Controller()
class Responses {
  @Post('/created')
  @HttpCode(201)
  created() {
    return { id: 1 }
  }

  @Post('/accepted')
  @HttpCode(202)
  accepted() {}

  @Get('/failed')
  @HttpCode(201)
  @SetHeader('x-answer', 'yes')
  failed() {
    throw new HttpError(409)
  }

  @Get('/headers')
  @SetHeader('Cache-Control', 'max-age=60')
  @SetHeader('Content-Type', 'text/csv')
  headers() {
    return 'a,b'
  }

  @Get('/cookies')
  @SetHeader('set-cookie', 'a=1')
  @SetHeader('set-cookie', 'b=2')
  cookies() {
    return 'set'
  }

  @SSE('/stream')
  @SetHeader('X-Accel-Buffering', 'yes')
  *stream() {
    yield 1
  }

  @SSE('/jobs', { method: 'POST' })
  @HttpCode(202)
  *jobs() {
    yield 'accepted'
  }

  @Get('/old')
  @Redirect('/new')
  old() {}

  @Get('/moved')
  @Redirect('/new', 301)
  async moved(@Query('to') to?: string) {
    return to
  }
}

describe('response decorators', () => {
  let server: Awaited<ReturnType<typeof serve>>['app']['server']

  before(async () => {
    server = (await serve([Responses])).app.server
  })
  after(closeAll)

  describe('@HttpCode', () => {
    it('sets the status of an answer, with a body or without', async () => {
      const created = await request(server).post('/created')
      const accepted = await request(server).post('/accepted')

      expect(created.status).to.equal(201)
      expect(created.body).to.deep.equal({ id: 1 })
      expect(accepted.status).to.equal(202)
      expect(accepted.text).to.equal('')
    })

    it('sets the status of a stream that is not for an EventSource', async () => {
      const { status, text } = await request(server).post('/jobs')

      expect(status).to.equal(202)
      expect(text).to.equal('data: accepted\n\n')
    })

    it('does not set the status or the headers of an error', async () => {
      const { status, headers } = await request(server).get('/failed')

      expect(status).to.equal(409)
      expect(headers).not.to.have.property('x-answer')
    })

    for (const status of [204, 304]) {
      it(`refuses ${status} for a stream, which it leaves no body`, async () => {
        @Controller()
        class Empty {
          @HttpCode(status)
          @SSE('/empty', { method: 'POST' })
          *empty() {
            yield 'a'
          }
        }

        expect(await refusal([Empty])).to.equal(
          `Empty.empty: @HttpCode(${status}) has no body, and so no stream: leave it out`,
        )
      })

      it(`is answered 500 by a stream whose reply says ${status}, and the connection goes on`, async () => {
        @Controller()
        class Empty {
          @SSE('/empty')
          *empty(@Reply() reply: FastifyReply) {
            reply.code(status)
            yield 'a'
          }
        }
        const { url } = await serve([Empty])
        const connection = await Connection.open(url, get('/empty') + get('/empty'))
        await until(() => connection.text.split('HTTP/1.1 500').length === 3, 'two answers')

        expect(connection.text).not.to.contain('data: a')
        leaveAll()
      })
    }

    for (const status of [100, 199, 600, 200.5]) {
      it(`refuses ${status}`, () => {
        const said = protest(() => {
          class Codes {
            @HttpCode(status)
            x() {}
          }
          return Codes
        })

        expect(said).to.equal(`Codes.x: @HttpCode(${status}) is no status from 200 to 599`)
      })
    }
  })

  describe('@SetHeader', () => {
    it('sets headers of the answer, its type too', async () => {
      const { headers, text } = await request(server).get('/headers')

      expect(headers).to.include({ 'cache-control': 'max-age=60', 'content-type': 'text/csv' })
      expect(text).to.equal('a,b')
    })

    it('sets several cookies', async () => {
      expect((await request(server).get('/cookies')).headers['set-cookie']).to.have.members(['a=1', 'b=2'])
    })

    it('sets headers of the head of a stream, in place of its own', async () => {
      expect((await request(server).get('/stream')).headers['x-accel-buffering']).to.equal('yes')
    })

    it('refuses a name and a value that no header can have', () => {
      const name = protest(() => {
        class Names {
          @SetHeader('x y', 'z')
          x() {}
        }
        return Names
      })
      const value = protest(() => {
        class Values {
          @SetHeader('x', 'a\nb')
          x() {}
        }
        return Values
      })

      expect(name).to.equal(`Names.x: @SetHeader('x y', …): Header name must be a valid HTTP token ["x y"]`)
      expect(value).to.equal(`Values.x: @SetHeader('x', …): Invalid character in header content ["x"]`)
    })
  })

  describe('@Redirect', () => {
    it('sends the client elsewhere, with 302', async () => {
      const { status, headers } = await request(server).get('/old')

      expect(status).to.equal(302)
      expect(headers.location).to.equal('/new')
    })

    it('takes another status', async () => {
      const { status, headers } = await request(server).get('/moved')

      expect(status).to.equal(301)
      expect(headers.location).to.equal('/new')
    })

    it('goes where the method says', async () => {
      expect((await request(server).get('/moved?to=/there')).headers.location).to.equal('/there')
    })

    it('writes what the method says as a URL has it, and lets it bring no header', async () => {
      const { headers } = await request(server).get('/moved').query({ to: '/茶?a=%20&b=ä\r\nset-cookie: a=1' })

      expect(headers.location).to.equal('/%E8%8C%B6?a=%20&b=%C3%A4%0D%0Aset-cookie:%20a=1')
      expect(headers).not.to.have.property('set-cookie')
    })

    it('refuses a stream', async () => {
      @Controller()
      class Streams {
        @SSE('/x')
        @Redirect('/y')
        *x() {
          yield 1
        }
      }

      expect(await refusal([Streams])).to.equal(
        'Streams.x: @Redirect is nothing for a stream: declare the method with @Get',
      )
    })
  })

  it('refuse a field', () => {
    for (const decorator of [HttpCode(201), SetHeader('x', 'y'), Redirect('/')]) {
      const said = protest(() => {
        class Fields {
          @(decorator as unknown as PropertyDecorator)
          x = 1
        }
        return Fields
      })

      expect(said).to.match(/^Fields\.x: @\w+ stands on a field or accessor; make it a method: x\(\) \{ … \}$/)
    }
  })
})
