import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import { expect } from 'chai'
import { IsInt, IsString, Length, Min } from 'class-validator'
import fc from 'fast-check'
import {
  type App,
  Body,
  Consumes,
  Controller,
  Cookie,
  credentials,
  download,
  event,
  Files,
  file,
  Get,
  Guard,
  Header,
  Jwt,
  LastEventId,
  Multipart,
  Param,
  Post,
  Query,
  Redirect,
  SSE,
  type StreamedFile,
  Tickets,
  Topics,
  type UploadedFile,
} from 'okapi'
import { makeFolder, removeFolders } from '../support/folder.js'
import { hostileRequests } from '../support/hostile.js'
import { closeAll, serve } from '../support/serve.js'
import { attack, harmless, prototypes } from '../support/stranger.js'
import { until } from '../support/until.js'

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

  @Post('/anything')
  anything(@Body({ validate: false }) body: unknown) {
    return { type: typeof body }
  }

  @Post('/urlencoded')
  @Consumes('application/x-www-form-urlencoded')
  urlencoded(@Body() { symbol, count }: Order) {
    return { symbol, count }
  }

  @Post('/text')
  @Consumes('text/plain')
  text(@Body() text: string) {
    return { text }
  }

  @Post('/photos')
  @Multipart({ files: 3, fileSize: 1_000, fields: 5, fieldSize: 1_000 })
  photos(@Body() { symbol, count }: Order, @Files() files: UploadedFile[]) {
    return { symbol, count, files: files.map(({ filename, size }) => [filename, size]) }
  }

  @Post('/stream')
  @Multipart({ to: 'stream', files: 3, fileSize: 1_000, fields: 5, fieldSize: 1_000 })
  async stream(@Body() { symbol }: Order, @Files() files: AsyncIterable<StreamedFile>) {
    const names: string[] = []
    for await (const { filename, stream } of files) {
      for await (const _ of stream);
      names.push(filename)
    }
    return { symbol, names }
  }

  @Post('/unread')
  @Multipart({ to: 'stream', files: 3 })
  unread(@Files() _files: AsyncIterable<StreamedFile>) {
    return 'done'
  }

  @Get('/files/*')
  shown(@Param('*') path: string) {
    return file(path)
  }

  @Get('/downloads/*')
  saved(@Param('*') path: string, @Query('to') as?: string) {
    return download(path, as === undefined ? {} : { as })
  }

  @Get('/elsewhere')
  @Redirect('/')
  elsewhere(@Query('to') to?: string) {
    return to
  }

  @Guard(credentials([Jwt, Tickets]))
  @Get('/secret')
  secret() {
    return 'the secret'
  }

  @SSE('/once')
  *once(@LastEventId() last?: string) {
    yield event('once', { last })
  }

  @SSE('/chat', { method: 'POST' })
  *chat(@Body() { symbol }: Order) {
    yield symbol
  }

  @SSE('/live/:room', { maxDuration: 5 })
  live(@Param('room') room: string) {
    return this.topics.get(room).subscribe()
  }

  @SSE('/gone', { maxDuration: 5 })
  gone() {
    return this.topics.get('shop').subscribe({ onGap: 'refuse', lastEventId: 'none' })
  }
}

const RUNS = process.env.CI ? 10_000 : 2_000
const forms = ['/shop/photos', '/shop/stream', '/shop/unread']
const paths = [
  ...['/shop/orders', '/shop/orders/7', '/shop/anything', '/shop/urlencoded', '/shop/text', '/shop/files/a.txt'],
  ...[
    '/shop/downloads/a.txt',
    '/shop/elsewhere',
    '/shop/secret',
    '/shop/once',
    '/shop/chat',
    '/shop/live/a',
    '/shop/gone',
  ],
  ...['/nowhere', '*', '/', '/a.txt', '/folder'],
]

describe('Hostile requests', function () {
  this.timeout(240_000)

  let root: string
  let uploads: string
  const logged: unknown[] = []

  beforeEach(async () => {
    root = await makeFolder()
    uploads = join(root, 'uploads')
    mkdirSync(uploads)
    mkdirSync(join(root, 'web/folder'), { recursive: true })
    writeFileSync(join(root, 'web/a.txt'), 'public')
    writeFileSync(join(root, 'web/folder/index.html'), 'public')
    writeFileSync(join(root, 'evil'), 'the secret')
  })
  afterEach(async () => {
    await closeAll()
    await removeFolders()
  })

  const start = () =>
    serve([Shop], {
      topics: {},
      tickets: {},
      uploads: { directory: uploads },
      files: join(root, 'web'),
      static: { root: join(root, 'web') },
      cors: true,
      etag: true,
      compress: true,
      securityHeaders: true,
      setup: async app => {
        await app.register(cookie)
        await app.register(jwt, {
          secret: 'a secret of 32 characters, or more',
          cookie: { cookieName: 'token', signed: false },
        })
      },
      fastify: {
        bodyLimit: 20_000,
        requestTimeout: 3_000,
        http: { connectionsCheckingInterval: 100 },
        logger: { level: 'error', stream: { write: line => void logged.push(line) } },
      },
    })

  it(`are answered, or cut: ${RUNS} of them cost no fault, no stack, no hang, no memory, and leave nothing behind`, async () => {
    const { app, url } = await start()
    const statuses = new Set<number>()
    const wide = fc.array(hostileRequests({ paths, forms }), { minLength: 25, maxLength: 25 })
    const round = async (batch: Parameters<typeof attack>[1][]): Promise<void> => {
      for (const answer of await Promise.all(batch.map(one => attack(url, one)))) {
        for (const status of harmless(answer)) statuses.add(status)
        expect(answer).to.not.contain('the secret')
      }
    }
    await fc.assert(fc.asyncProperty(wide, round), { numRuns: 20, endOnFailure: true })
    await quiet(app)
    const before = {
      prototypes: prototypes(),
      resources: resources(),
      files: filesIn(root),
    }
    const memory = heap()

    await fc.assert(fc.asyncProperty(wide, round), { numRuns: RUNS / 25, endOnFailure: true })

    await quiet(app)
    expect(heap() - memory, 'bytes of the heap').to.be.below(20_000_000)
    expect(prototypes()).to.deep.equal(before.prototypes)
    expect(filesIn(root)).to.deep.equal(before.files)
    await until(
      () => resources().join() === before.resources.join(),
      () => `nothing that is kept: ${resources()} as ${before.resources}`,
    )
    // They come far enough to find what there is to find.
    expect([...statuses]).to.include.members([200, 302, 400, 401, 404, 405, 410, 413, 415, 417, 431])
    expect(logged.slice(0, 3).join('')).to.equal('')
    await stillServes(app)
  })

  /** Waits until whatever they have begun is over. */
  async function quiet(app: App): Promise<void> {
    await until(() => app.streams.size === 0, 'no stream')
    await until(() => readdirSync(uploads).length === 0, 'no temporary file')
    await until(() => !/TCPSocket|FSReq/.test(resources().join()), 'no connection, and no file in use')
    expect(app.streams.orphans).to.equal(0)
  }

  async function stillServes(app: App): Promise<void> {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/shop/orders',
      payload: { symbol: 'OKP', count: 1 },
    })
    expect([statusCode, body]).to.deep.equal([200, '{"symbol":"OKP","count":1}'])
  }
})

/** What keeps the process alive. */
function resources(): string[] {
  return process.getActiveResourcesInfo().sort()
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
