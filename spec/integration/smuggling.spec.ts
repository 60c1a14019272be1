import { expect } from 'chai'
import { Body, Controller, Get, Post, Signal, SSE } from 'okapi'
import { Connection, get, leaveAll } from '../support/connection.js'
import { closeAll, serve } from '../support/serve.js'
import { type Attack, attack, harmless } from '../support/stranger.js'

describe('Request smuggling', () => {
  let smuggled = 0
  let taken: unknown[] = []
  let url: string

  @Controller()
  class Front {
    @Get('/smuggled')
    smuggled() {
      smuggled++
      return 'smuggled'
    }

    @Get('/plain')
    plain() {
      return 'plain'
    }

    @Post('/body')
    body(@Body({ validate: false }) body: unknown) {
      taken.push(body)
      return 'taken'
    }

    @SSE('/live')
    async *live(@Signal() signal: AbortSignal) {
      yield 'a'
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    }
  }

  beforeEach(async () => {
    smuggled = 0
    taken = []
    url = (await serve([Front])).url
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  const inner = 'GET /smuggled HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  const post = 'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n'
  const send = (bytes: string, finish: Attack['finish'] = 'end') =>
    attack(url, { bytes: Buffer.from(bytes, 'latin1'), finish })

  it('would be seen: a second request that stands by itself is answered', async () => {
    const answer = await send(`${post}content-length: 0\r\n\r\n${inner}`, 'wait')

    expect(answer).to.match(/smuggled$/)
    expect(smuggled).to.equal(1)
  })

  /** Heads that two servers in a row could read differently. None of them is taken. */
  const lengths: Record<string, string> = {
    'a length and chunks': 'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'chunks and a length': 'transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n',
    'two lengths': 'content-length: 0\r\ncontent-length: 52\r\n\r\n',
    'the same length twice': 'content-length: 0\r\ncontent-length: 0\r\n\r\n',
    'a list of lengths': 'content-length: 0, 52\r\n\r\n',
    'a length with a sign': 'content-length: +0\r\n\r\n',
    'a negative length': 'content-length: -1\r\n\r\n',
    'a length in hexadecimal': 'content-length: 0x0\r\n\r\n',
    'a length beyond all numbers': 'content-length: 18446744073709551616\r\n\r\n',
    'an empty length': 'content-length:\r\n\r\n',
    'a space before the colon': 'content-length : 0\r\n\r\n',
    'a tab before the colon': 'content-length\t: 0\r\n\r\n',
    'a line that is folded': 'x-a: b\r\n content-length: 52\r\ncontent-length: 0\r\n\r\n',
    'a line feed alone': 'content-length: 0\nx-a: b\r\n\r\n',
    'a carriage return alone': 'content-length: 0\rx-a: b\r\n\r\n',
    'NUL in a name': 'content-length\0: 0\r\n\r\n',
    'NUL in a value': 'x-a: b\0c\r\ncontent-length: 0\r\n\r\n',
    'a coding that is not the last': 'transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'chunks twice': 'transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n0\r\n\r\n',
    'a size of a chunk beyond all numbers': 'transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n0\r\n\r\n',
    'a size of a chunk with a prefix': 'transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n',
    'a negative size of a chunk': 'transfer-encoding: chunked\r\n\r\n-1\r\n\r\n',
    'a chunk that is longer than it says': 'transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n',
    'a length behind the chunks': 'transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ncontent-length: 9\r\n\r\n',
    'a line feed behind the size of a chunk': 'transfer-encoding: chunked\r\n\r\n0\n\r\n',
  }
  for (const [what, rest] of Object.entries(lengths)) {
    it(`does not happen by ${what}`, async () => {
      const answer = await send(post + rest + inner)

      expect(smuggled, answer).to.equal(0)
      expect(taken, answer).to.deep.equal([])
      expect(harmless(answer).at(-1) ?? 400, answer).to.equal(400)
    })
  }

  it('does not happen by trailers: they are no headers', async () => {
    const answer = await send(
      `${post}connection: close\r\ntransfer-encoding: chunked\r\n\r\n1;a="b"\r\nx\r\n0\r\nx-a: 9\r\nhost: evil\r\n\r\n`,
      'wait',
    )

    expect(taken).to.deep.equal(['x'])
    expect([harmless(answer), smuggled]).to.deep.equal([[200], 0])
  })

  it('does not happen by a body where none belongs', async () => {
    const answer = await send(
      `GET /plain HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`,
      'wait',
    )

    expect(answer).to.match(/plain$/)
    expect(smuggled).to.equal(0)
  })

  it('does not happen behind a body that is refused', async () => {
    const head = 'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'

    const answer = await send(`${head}content-length: ${inner.length}\r\nconnection: close\r\n\r\n${inner}`, 'wait')

    expect([harmless(answer), smuggled]).to.deep.equal([[400], 0])
  })

  it('does not happen behind a stream: what comes there is not answered within it', async () => {
    const connection = await Connection.open(url, get('/live'))
    await connection.has('data: a\n\n')

    connection.send('GET /smuggled HTTP/9.9\r\n\r\n')

    expect(await connection.end()).to.match(/data: a\n\n\r\n$/)
    expect(smuggled).to.equal(0)
  })

  const lines: Record<string, [line: string, statuses: number[]]> = {
    'a method in lower case': ['get /plain HTTP/1.1', [400]],
    'a method that nobody knows': ['BREW /plain HTTP/1.1', [400]],
    'a version that nobody knows': ['GET /plain HTTP/3.7', [400]],
    'HTTP/0.9': ['GET /plain', [200, 400]],
    'two spaces': ['GET  /plain HTTP/1.1', [200, 400]],
    'a tab for a space': ['GET\t/plain HTTP/1.1', [400]],
    'NUL in the path': ['GET /pl\0ain HTTP/1.1', [400]],
    'a path that is no path': ['GET plain HTTP/1.1', [400, 404]],
    'the preface of HTTP/2': ['PRI * HTTP/2.0', [400]],
    'a path of a whole URL': ['GET http://evil.example/plain HTTP/1.1', [200]],
    'a path of a URL without a path': ['GET http://evil.example?/plain HTTP/1.1', [404]],
    'a path of a URL of another kind': ['GET file:///etc/passwd HTTP/1.1', [400, 404]],
    'a star': ['OPTIONS * HTTP/1.1', [404]],
    'a fragment': ['GET /plain#a HTTP/1.1', [200, 404]],
    'half an escape': ['GET /plain% HTTP/1.1', [400]],
    'an escape that is none': ['GET /%u0070lain HTTP/1.1', [400]],
    'an escape of an escape': ['GET /%2570lain HTTP/1.1', [404]],
    'bytes that are no UTF-8': ['GET /plain%ff HTTP/1.1', [400]],
  }
  for (const [what, [line, statuses]] of Object.entries(lines)) {
    it(`is answered ${statuses.join(' or ')}: ${what}`, async () => {
      const answer = await send(`${line}\r\nhost: x\r\nconnection: close\r\n\r\n`, 'wait')

      expect(harmless(answer)[0], answer).to.be.oneOf(statuses)
    })
  }

  it('does not make a tunnel of a request for one, nor another protocol', async () => {
    expect(await send(`CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n${inner}`)).to.equal('')
    const upgrade = await send(
      `GET /plain HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n`,
      'wait',
    )
    expect(harmless(upgrade)).to.deep.equal([200])
    expect(smuggled).to.equal(0)
  })

  it('needs a host', async () => {
    expect(await send('GET /plain HTTP/1.1\r\nconnection: close\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /)
  })
})
