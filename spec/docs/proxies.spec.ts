import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import { type App, Controller, createApp, Get, html, Req, Signal, SSE } from 'okapi'
import { ask } from '../support/ask.js'
import { closePages, launch, newPage } from '../support/browser.js'
import { certificate } from '../support/certificate.js'
import { examplesOf } from '../support/examples.js'
import { removeFolders } from '../support/folder.js'
import { startNginx, stopNginx } from '../support/nginx.js'
import { closeAll, serve, start } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const paper = 'docs/proxies.md'

@Controller()
class Silent {
  @Get('/')
  page() {
    return html`<title>Silent</title>`
  }

  @Get('/ip')
  ip(@Req() { ip }: { ip: string }) {
    return ip
  }

  @SSE('/silence')
  async *silence(@Signal() signal: AbortSignal) {
    yield 'hush'
    await once(signal, 'abort')
  }
}

/** A request that says where it is from. */
const from = (addresses: string) => ({ headers: { 'x-forwarded-for': addresses } })

describe(paper, function () {
  this.timeout(30_000)

  const { find, load } = examplesOf(paper)
  /** What is shown within the location, but for the address of the app and for how long a stream may be silent. */
  const directives = (silence = '60s'): string =>
    find('nginx')
      .code.replace(/^location .*\{|\}$|proxy_pass .*;/gm, '')
      .replace('60s', silence)
  const portOf = ({ server }: FastifyInstance): number => (server.address() as AddressInfo).port

  before(launch)

  afterEach(async () => {
    await closePages()
    await stopNginx()
    await closeAll()
    await removeFolders()
  })

  it('nginx, behind: gives each event at once, and tells who the client is', async () => {
    const { app } = await load<{ app: App }>('behind')
    await start(app)
    const url = await startNginx(portOf(app), directives())
    const stream = await subscribe(`${url}/clock`)

    expect(await stream.take(2)).to.have.length(2)
    stream.leave()
    await until(() => app.streams.size === 0)

    expect(await ask(`${url}/clock/reader`, from('203.0.113.7'))).to.equal('200 {"ip":"203.0.113.7"}')
    const behind = `http://127.0.0.1:${portOf(app)}/clock/reader`
    expect(await ask(behind, from('198.51.100.1, 203.0.113.7'))).to.equal('200 {"ip":"203.0.113.7"}')
  })

  it('is right about trustProxy: false knows the proxy alone, true believes whoever asks', async () => {
    const plain = await serve([Silent])
    const trusting = await serve([Silent], { fastify: { trustProxy: true } })

    expect(await ask(`${plain.url}/ip`, from('203.0.113.7'))).to.equal('200 127.0.0.1')
    expect(await ask(`${trusting.url}/ip`, from('198.51.100.1, 203.0.113.7'))).to.equal('200 198.51.100.1')
  })

  it('is right that nginx cuts a stream that is silent, and none that is pinged in time', async () => {
    const silent = await serve([Silent], { streamOptions: { pingInterval: 0 } })
    const pinged = await serve([Silent], { streamOptions: { pingInterval: 40 } })
    const cut = await subscribe(`${await startNginx(portOf(silent.app), directives('1s'))}/silence`)
    const kept = await subscribe(`${await startNginx(portOf(pinged.app), directives('1s'))}/silence`)
    let over = false
    const reading = kept.rest().then(
      () => {
        over = true
      },
      () => {},
    )

    const end = await cut.rest().catch(() => 'cut')

    expect(end).to.satisfy((value: unknown) => value === 'cut' || JSON.stringify(value) === '[{"data":"hush"}]')
    await until(() => kept.text().split(': ping').length > 30)
    expect({ over, open: pinged.app.streams.size }).to.deep.equal({ over: false, open: 1 })
    kept.leave()
    await reading
  })

  it('is right that a browser opens six streams of HTTP/1.1, and that the seventh waits', async () => {
    const { app, url } = await serve([Silent])
    const page = await newPage()
    await page.goto(url)

    await page.evaluate(open, 7)
    await page.waitForFunction(() => window.streams.filter(({ readyState }) => readyState === 1).length === 6)
    expect(app.streams.size).to.equal(6)
    expect(await page.evaluate(leave)).to.equal(0)

    await page.waitForFunction(() => window.streams[6]?.readyState === 1)
  })

  it('is right that HTTP/2 has room for more', async () => {
    const app = await createApp({
      controllers: [Silent],
      fastify: { http2: true, https: certificate(), logger: false },
    })
    await start(app)
    const page = await newPage({ ignoreHTTPSErrors: true })
    await page.goto(`https://127.0.0.1:${portOf(app)}`)

    await page.evaluate(open, 20)
    await until(() => app.streams.size === 20)
  })
})

declare global {
  interface Window {
    streams: { readyState: number; close(): void }[]
    EventSource: new (url: string) => { readyState: number; close(): void }
  }
  const window: Window
}

/** In the page: opens streams. */
function open(count: number): void {
  window.streams = Array.from({ length: count }, () => new window.EventSource('/silence'))
}

/** In the page: closes the first, and tells how the last one was before. */
function leave(): number | undefined {
  const last = window.streams.at(-1)?.readyState
  window.streams[0]?.close()
  return last
}
