import { connect } from 'node:net'
import { expect } from 'chai'
import { IsInt, IsString, Length, Min } from 'class-validator'
import fc from 'fast-check'
import {
  type App,
  Body,
  Controller,
  Cookie,
  event,
  Get,
  Header,
  LastEventId,
  Param,
  Post,
  Query,
  SSE,
  Topics,
} from 'okapi'
import { closeAll, serve } from '../support/serve.js'

class Order {
  @IsString()
  @Length(1, 20)
  symbol!: string

  @IsInt()
  @Min(1)
  count!: number
}

class Filter {
  @IsInt()
  page!: number
}

@Controller('/shop')
class Shop {
  constructor(readonly topics: Topics) {}

  @Post('/orders')
  order(@Body() { symbol, count }: Order) {
    return { symbol, count }
  }

  @Get('/orders/:id')
  one(@Param('id') id: number, @Query('digits') digits?: number) {
    return { id, digits }
  }

  @Get('/orders')
  all(@Query() { page }: Filter, @Header('x-trace') trace?: string, @Cookie('who') who?: string) {
    return { page, trace, who }
  }

  @SSE('/once')
  *once(@LastEventId() last?: string) {
    yield event('once', { last })
  }

  @SSE('/chat', { method: 'POST' })
  *chat(@Body() { symbol }: Order) {
    yield symbol
  }

  @SSE('/gone')
  gone() {
    return this.topics.get('shop').subscribe({ onGap: 'refuse', lastEventId: 'none' })
  }
}

const RUNS = process.env.CI ? 10_000 : 2_000
const paths = ['/shop/orders', '/shop/orders/7', '/shop/once', '/shop/chat', '/shop/gone', '/nowhere', '*']
const names = ['last-event-id', 'cookie', 'accept', 'x-trace', 'if-none-match', 'range', 'content-encoding', 'origin']

const word = fc.string({ unit: 'binary', maxLength: 12 })
const nasty = fc.constantFrom(
  ...['../../etc/passwd', '%2e%2e%2f', '%00', '\u0000', 'a\r\nx: y', '__proto__', 'constructor', '%', '%zz', '�'],
  ...['1e999', '-0', 'NaN', '99999999999999999999', '[object Object]', 'stream.end', 'id: 1\n\ndata: x'],
)
const text = fc.oneof(word, nasty)
/** Most of them get past the parser of Node, which refuses the rest. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ arbitrary: usual, weight: 9 }, { arbitrary: odd, weight: 1 })
const encoded = mostly(
  text.map(one => encodeURIComponent(one.toWellFormed())),
  text,
)
const line = mostly(
  text.map(one => one.replace(/[^\x20-\x7e]/g, '')),
  text,
)
const path = fc.oneof(
  fc.constantFrom(...paths),
  fc.tuple(fc.constantFrom(...paths), encoded).map(parts => parts.join('/')),
  fc
    .tuple(fc.constantFrom(...paths), encoded, encoded)
    .map(([path, name, value]) => `${path}?${name}=${value}&page=${value}`),
)
const type = fc.constantFrom(
  ...['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'],
  ...['multipart/form-data', 'application/json; charset=klingon', ';', 'text/event-stream', ''],
)
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.record({ symbol: fc.anything({ maxDepth: 1 }), count: fc.anything({ maxDepth: 1 }) }).map(textOf),
  fc.constantFrom('{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{}}}', '[', '{"symbol":', 'null', '""'),
  fc.integer({ min: 0, max: 2_000 }).map(depth => '['.repeat(depth)),
  fc.constant('{"symbol":"x","count":1}'),
)
const body = fc.oneof(json, text, fc.constant('--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'))
const method = mostly(
  fc.constantFrom('GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE'),
  fc.constantFrom('TRACE', 'get', 'BREW', 'G ET', ''),
)

const request = fc
  .record({
    method,
    path,
    version: mostly(fc.constantFrom('HTTP/1.1', 'HTTP/1.0'), fc.constantFrom('HTTP/9.9', 'HTTP', '')),
    type,
    headers: fc.array(fc.tuple(mostly(fc.constantFrom(...names), text), line), { maxLength: 3 }),
    body,
    length: mostly(
      fc.constant('right' as const),
      fc.constantFrom('short' as const, 'long' as const, 'none' as const, 'chunked' as const, 'huge' as const),
    ),
    cut: mostly(fc.constant(null), fc.nat(200)),
  })
  .map(({ method, path, version, type, headers, body, length, cut }) => {
    const bytes = Buffer.byteLength(body)
    const sizes = {
      right: `content-length: ${bytes}\r\n`,
      short: `content-length: ${bytes >> 1}\r\n`,
      long: `content-length: ${bytes + 10}\r\n`,
      huge: 'content-length: 99999999999\r\n',
      chunked: 'transfer-encoding: chunked\r\n',
      none: '',
    }
    const more = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const head = `${method} ${path} ${version}\r\nhost: x\r\nconnection: close\r\ncontent-type: ${type}\r\n`
    const whole = `${head}${sizes[length]}${more}\r\n${body}`
    return cut === null ? whole : whole.slice(0, cut)
  })

describe('Hostile requests', function () {
  this.timeout(240_000)

  afterEach(closeAll)

  /** Sends bytes and ends its side; what came back when the server has closed the connection. */
  function send(port: number, bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = ''
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
      socket.setTimeout(15_000, () => {
        socket.destroy()
        reject(new Error('The server neither answers nor closes'))
      })
      socket.on('data', chunk => {
        answer += chunk
      })
      // A server that has said its piece may reset what is still being sent.
      socket.on('error', () => {})
      socket.on('close', () => resolve(answer))
    })
  }

  const statuses = new Map<string, number>()

  function check(answer: string): void {
    for (const [, status = ''] of answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      // 501 and 505 speak of the request; anything else of this kind would be a fault of the server.
      if (Number(status) >= 500 && !['501', '505'].includes(status)) throw new Error(`answered ${status}`)
    }
    expect(answer).to.not.match(/node_modules|\.js:\d+|\n {4}at /)
  }

  it(`are answered, or cut: ${RUNS} of them cost no fault, no stack, no hang and no memory`, async () => {
    const logged: unknown[] = []
    const { app, url } = await serve([Shop], {
      topics: {},
      fastify: { bodyLimit: 10_000, logger: { level: 'error', stream: { write: line => void logged.push(line) } } },
    })
    const port = Number(new URL(url).port)
    const wide = fc.array(request, { minLength: 25, maxLength: 25 })
    const round = async (batch: string[]): Promise<void> => {
      for (const answer of await Promise.all(batch.map(bytes => send(port, bytes)))) check(answer)
    }
    await fc.assert(fc.asyncProperty(wide, round), { numRuns: 20 })
    const before = heap()

    await fc.assert(fc.asyncProperty(wide, round), { numRuns: RUNS / 25 })

    // They come far enough to find what there is to find.
    expect([...statuses.keys()]).to.include.members(['200', '400', '404', '405', '410', '413', '415'])
    expect(logged).to.deep.equal([])
    expect(heap() - before, 'bytes of the heap').to.be.below(20_000_000)
    expect(({} as { admin?: boolean }).admin).to.equal(undefined)
    await stillServes(app)
  })

  async function stillServes(app: App): Promise<void> {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/shop/orders',
      payload: { symbol: 'OKP', count: 1 },
    })
    expect([statusCode, body]).to.deep.equal([200, '{"symbol":"OKP","count":1}'])
    expect(app.streams.size).to.equal(0)
  }
})

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
