import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import { Controller, event, Get, html, Signal, SSE, Topics } from 'okapi'
import { closePages, launch, newPage } from '../support/browser.js'
import { latch } from '../support/latch.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

let gate = latch<void>()

@Controller()
class Sources {
  constructor(private readonly topics: Topics) {}

  @Get()
  home() {
    return html`<title>Home</title>`
  }

  @Get('/long')
  long() {
    return { long: 'long '.repeat(1_000) }
  }

  @SSE('/alone')
  async *alone(@Signal() _signal: AbortSignal) {
    yield event('tick', { n: 1 })
    await gate.promise
    yield event('tick', { n: 2, noise: randomBytes(40_000).toString('hex') })
  }

  @SSE('/shared')
  shared() {
    return this.topics.get<object>('ticks').subscribe()
  }
}

// The decoders of fetch, beside those of node:zlib, which other specs use.
const codings = ['br', 'gzip']

describe('Compression', () => {
  let topics = new Topics()
  const start = async (compress: boolean | ('br' | 'gzip')[] = true) =>
    serve([Sources], { streamOptions: { compress }, compress: true, etag: true, topics })

  beforeEach(() => {
    gate = latch()
    topics = new Topics()
  })
  afterEach(async () => {
    gate.open()
    await closePages()
    await closeAll()
    await topics.close()
  })

  /** Reads a stream by fetch, which decodes it. */
  async function read(url: string, accept: string) {
    const leaving = new AbortController()
    const response = await fetch(url, { headers: { 'accept-encoding': accept }, signal: leaving.signal })
    const events: string[] = []
    const parser = createParser({ onEvent: ({ event, data }) => events.push(`${event} ${data.slice(0, 7)}`) })
    const over = (async () => {
      for await (const bytes of response.body as ReadableStream<Uint8Array>) parser.feed(Buffer.from(bytes).toString())
    })().catch(() => {})
    return { response, events, over, leave: () => leaving.abort() }
  }

  for (const coding of codings) {
    it(`gives a fetch client each event at once, in ${coding}`, async () => {
      const { url } = await start()
      const { response, events, over } = await read(`${url}/alone`, coding)
      await until(() => events.length === 1)
      gate.open()
      await over

      expect(response.headers.get('content-encoding')).to.equal(coding)
      expect(response.headers.get('vary')).to.equal('Accept-Encoding')
      expect(events).to.deep.equal(['tick {"n":1}', 'tick {"n":2,', 'stream:end {"reaso'])
    })
  }

  it('shares one gzip among the clients of a topic, whenever they come', async () => {
    const { url } = await start()
    const first = await read(`${url}/shared`, 'br, gzip')
    const other = await read(`${url}/shared`, 'gzip')
    const plain = await read(`${url}/shared`, 'identity')
    await topics.get('ticks').publish(event('tick', { n: 1 }))
    await until(() => [first, other, plain].every(({ events }) => events.includes('tick {"n":1}')))
    const late = await read(`${url}/shared`, 'gzip')
    await topics.get('ticks').publish(event('tick', { n: 2 }))
    await until(() => [first, other, plain, late].every(({ events }) => events.includes('tick {"n":2}')))

    expect(first.response.headers.get('content-encoding')).to.equal('gzip')
    expect(plain.response.headers.get('content-encoding')).to.equal(null)
    for (const one of [first, other, plain, late]) one.leave()
  })

  it('leaves streams to their own option, and compresses other answers, with an ETag', async () => {
    const { url } = await start(false)
    const { response, leave } = await read(`${url}/alone`, 'gzip')
    const long = await fetch(`${url}/long`, { headers: { 'accept-encoding': 'gzip' } })
    const etag = long.headers.get('etag') as string

    expect([response.status, response.headers.get('content-encoding')]).to.deep.equal([200, null])
    expect(long.headers.get('content-encoding')).to.equal('gzip')
    expect(etag).to.match(/^W\//)
    expect((await fetch(`${url}/long`, { headers: { 'if-none-match': etag } })).status).to.equal(304)
    leave()
  })

  describe('in Chromium', () => {
    before(launch)

    for (const [path, compress] of [
      ['alone', ['br']],
      ['alone', ['gzip']],
      ['shared', true],
    ] as [string, boolean | ('br' | 'gzip')[]][]) {
      it(`gives an EventSource each event at once: ${path}, ${compress}`, async () => {
        const { url } = await start(compress)
        const page = await newPage()
        await page.goto(url)
        await page.evaluate(async path => {
          const seen: number[] = []
          const source = new EventSource(`/${path}`)
          source.addEventListener('tick', tick => seen.push(JSON.parse((tick as MessageEvent).data).n))
          Object.assign(globalThis, { seen })
          await new Promise(resolve => source.addEventListener('open', resolve))
        }, path)
        const seen = async (...numbers: number[]) => {
          await page.waitForFunction(
            n => (globalThis as unknown as { seen: number[] }).seen.length === n,
            numbers.length,
          )
          expect(await page.evaluate('seen')).to.deep.equal(numbers)
        }

        if (path === 'shared') await topics.get('ticks').publish(event('tick', { n: 1 }))
        await seen(1)
        if (path === 'shared') await topics.get('ticks').publish(event('tick', { n: 2 }))
        else gate.open()
        await seen(1, 2)
      })
    }
  })
})
