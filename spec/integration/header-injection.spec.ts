import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { FastifyReply } from 'fastify'
import { Controller, download, Get, HttpError, Param, Query, Redirect, Reply, SSE } from 'okapi'
import { makeFolder, removeFolders } from '../support/folder.js'
import { type LogLine, logger } from '../support/logged.js'
import { closeAll, serve } from '../support/serve.js'
import { attack } from '../support/stranger.js'

/** Methods that put into headers what clients send, without a look. */
@Controller()
class Careless {
  @Get('/header')
  header(@Query('text') text: string, @Reply() reply: FastifyReply) {
    reply.header('x-text', text)
    return 'sent'
  }

  @Get('/name')
  name(@Query('text') text: string, @Reply() reply: FastifyReply) {
    reply.header(text, 'x')
    return 'sent'
  }

  @Get('/type')
  type(@Query('text') text: string, @Reply() reply: FastifyReply) {
    reply.type(text)
    return 'sent'
  }

  @Get('/redirect')
  @Redirect('/')
  redirect(@Query('text') text: string) {
    return text
  }

  @Get('/download')
  download(@Query('text') text: string) {
    return download('a.txt', { as: text })
  }

  @Get('/error')
  error(@Query('text') text: string) {
    throw new HttpError(409, text, { headers: { 'x-text': text } })
  }

  @Get('/param/:text')
  param(@Param('text') text: string, @Reply() reply: FastifyReply) {
    reply.header('x-text', text)
    return 'sent'
  }

  @SSE('/stream')
  *stream(@Query('text') text: string, @Reply() reply: FastifyReply) {
    reply.header('x-text', text)
    yield 'sent'
  }
}

const breaks = ['\r\n', '\n', '\r', '\0', '\u2028', '\u560d\u560a', '\u0085', '\u000b', '%0d%0a']

describe('Header injection', () => {
  let url: string
  const lines: LogLine[] = []

  beforeEach(async () => {
    const files = await makeFolder()
    writeFileSync(join(files, 'a.txt'), 'a')
    url = (
      await serve([Careless], {
        files,
        cors: { origin: [/\.example$/], credentials: true },
        fastify: { logger: logger(lines) },
      })
    ).url
  })
  afterEach(async () => {
    await closeAll()
    await removeFolders()
  })

  const ask = (path: string, headers = ''): Promise<string> =>
    attack(url, { bytes: `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}connection: close\r\n\r\n`, finish: 'wait' })

  /** One answer, whole and without what somebody wanted to put into it. */
  const check = (answer: string): string => {
    expect(
      answer.split(/[\r\n]+/).filter(line => line.startsWith('HTTP/1.1 ')),
      answer,
    ).to.have.length(1)
    const head = answer.slice(0, answer.indexOf('\r\n\r\n'))
    expect(
      head.split(/[\r\n]+/).filter(line => /^(set-cookie|x-evil|location: https?:)/i.test(line)),
      head,
    ).to.deep.equal([])
    return head
  }

  it('would be seen: a harmless text arrives in the header', async () => {
    for (const path of ['/header?text=tea', '/param/tea', '/stream?text=tea', '/error?text=tea']) {
      expect(check(await ask(path)), path).to.contain('\r\nx-text: tea')
    }
    expect(check(await ask('/redirect?text=/tea'))).to.contain('\r\nlocation: /tea')
  })

  for (const path of [
    '/header?text=',
    '/name?text=',
    '/type?text=',
    '/redirect?text=',
    '/download?text=',
    '/error?text=',
    '/param/',
    '/stream?text=',
    '/',
  ]) {
    it(`adds no header and no answer by ${path}`, async () => {
      for (const one of breaks) {
        for (const more of [
          `a${one}set-cookie: a=1`,
          `${one}x-evil: 1`,
          `a${one}${one}HTTP/1.1 200 OK${one}${one}`,
          one,
        ]) {
          const head = check(await ask(path + encodeURIComponent(more)))

          // A header that cannot be sent is a mistake of the method, and nothing of it is told.
          if (/^HTTP\/1\.1 500/.test(head))
            expect(head).to.contain('application/problem+json').and.not.contain('x-text')
        }
      }
    })
  }

  it('needs no 500 where the framework writes the header itself', async () => {
    for (const path of ['/redirect?text=', '/download?text=']) {
      for (const one of breaks) {
        const head = check(await ask(path + encodeURIComponent(`a${one}b`)))
        expect(head).to.match(/^HTTP\/1\.1 (200|302) /)
      }
    }
  })

  it('is not done by what a client says of itself', async () => {
    for (const header of [
      'origin: https://a.example\rx-evil: 1',
      'origin: a\0b',
      'access-control-request-headers: a\nset-cookie: b',
    ]) {
      check(await ask('/header?text=a', `${header}\r\n`))
    }
    check(await ask('/none\rx-evil:1'))
    check(await ask('/none%0d%0ax-evil:1'))
  })
})
