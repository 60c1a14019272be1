import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { type App, type ControllerClass, StreamLimitError } from 'okapi'
import { END_REASONS } from '../../src/sse/frames.js'
import { Connection, get, leaveAll } from '../support/connection.js'
import { examplesOf, runScript } from '../support/examples.js'
import { codesIn, read, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const paper = 'docs/limits.md'

describe(paper, () => {
  const { find, load } = examplesOf('docs/limits.md')
  const apps = new Set<App>()
  const listen = async (name: string): Promise<string> => {
    const { app } = await load<{ app: App }>(name)
    apps.add(app)
    if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
    return urlOf(app)
  }
  const open = async (url: string): Promise<Subscription> => {
    const stream = await subscribe(url)
    await stream.take(1)
    return stream
  }

  afterEach(async () => {
    mock.reset()
    leaveAll()
    await closeAll()
  })
  after(() => Promise.all([...apps].map(app => app.close())))

  it('protected: lets in the origin that is named, with its cookies, and counts requests', async () => {
    const url = await listen('protected')

    const { headers } = await fetch(`${url}/quotes`, { headers: { origin: 'https://app.example' } })

    expect(headers.get('access-control-allow-origin')).to.equal('https://app.example')
    expect(headers.get('access-control-allow-credentials')).to.equal('true')
    expect(headers.get('x-content-type-options')).to.equal('nosniff')
    expect(headers.get('x-ratelimit-limit')).to.equal('100')
  })

  it('admission: refuses the 21st stream of an address, in both forms', async () => {
    const url = await listen('admission')
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(`${url}/watch/prices`)))
    const lines: unknown[] = []
    const console = { log: (...words: unknown[]) => lines.push(words) }
    const sources: EventSource[] = []
    class Browser extends EventSource {
      constructor(path: string) {
        super(url + path)
        sources.push(this)
      }
    }

    await runScript(find('admission by fetch'), {
      console,
      fetch: (path: string, init: RequestInit) => fetch(url + path, init),
    })
    await runScript(find('admission in the browser'), { console, EventSource: Browser })
    await until(() => lines.length === 2)
    const states = sources.map(({ readyState }) => readyState)
    for (const source of sources) source.close()
    for (const stream of streams) stream.leave()

    expect(lines).to.deep.equal([
      [429, 'Too many event streams are open from your address: close one, or try again later', '5'],
      ['limit'],
    ])
    expect(states).not.to.include(EventSource.CLOSED)
  })

  it('later: is told to an EventSource in the form that it survives, and to others with its status', async () => {
    const { News } = await load<{ News: ControllerClass }>('later')
    const { url } = await serve([News])

    const connection = await Connection.open(url, get('/news', { accept: 'text/event-stream' }))
    await connection.has('stream:end')

    expect(connection.body).to.match(/^event: stream:end\nretry: 1[1-5]\d{3}\ndata: \{"reason":"busy"\}\n\n$/)
    expect((await fetch(`${url}/news`)).status).to.equal(503)
  })

  it('duration: ends its streams within the hour', async () => {
    const { Ticker } = await load<{ Ticker: ControllerClass }>('duration')
    const { url } = await serve([Ticker])
    const stream = await open(`${url}/ticker`)
    const now = Date.now

    mock.method(Date, 'now', () => now() + 3_600_000)

    expect((await stream.rest()).map(({ event, data }) => [event, data])).to.deep.equal([
      ['stream:end', '{"reason":"duration"}'],
    ])
  })

  it('names every limit of the streams that are open, and what is refused by it', () => {
    const told = tableAfter(paper, '| limit | counts |').map(([limit, , status]) => [codesIn(limit)[0], status])
    const declared = read('src/admission.ts')
      .match(/^export interface (?:Admission|AppAdmission)Options\b.*?^}/gms)
      ?.flatMap(body => body.match(/(?<=^ {2})\w+(?=\?:)/gm) ?? [])

    expect([...told.map(([limit]) => limit), 'retryAfter']).to.have.members(declared ?? [])
    expect(read('src/admission.ts')).to.contain('retryAfter = 5_000')
    expect(read(paper)).to.match(
      /retryAfter \}` of the app says when to ask again,\s+in milliseconds, 5,000 by default/,
    )
    for (const [limit, status] of told) {
      // Each route is refused as the place where all streams are counted.
      const counted = limit === 'perRoute' ? 'total' : (limit as StreamLimitError['limit'])
      expect(`${new StreamLimitError(counted, 5).statusCode}`, limit).to.equal(status)
    }
  })

  it('names the plugins that stand before every route, and those that it says to install', () => {
    const told = tableAfter(paper, '| option | plugin |')
    const [, install = ''] = read(paper).match(/^npm install (.*)/m) ?? []

    expect(told.map(([option]) => codesIn(option)[0])).to.deep.equal(['cors', 'securityHeaders', 'rateLimit'])
    expect(told.map(([, plugin]) => plugin)).to.have.members(install.split(' '))
  })

  it('tells the bounds of a request as they are', async () => {
    const { app } = await serve([])
    const { bodyLimit, keepAliveTimeout } = app.initialConfig
    const defaults = tableAfter(paper, '## Requests').map(([, value]) => value)

    expect(bodyLimit).to.equal(1_048_576)
    expect(defaults).to.deep.equal([
      '1 MiB',
      ...[app.server.requestTimeout, app.server.headersTimeout, keepAliveTimeout].map(value =>
        value?.toLocaleString('en'),
      ),
    ])
  })

  it('names every reason for which a stream ends', () => {
    const told = tableAfter(paper, '<!-- check: reasons -->').map(([reason]) => codesIn(reason)[0])

    expect(told).to.deep.equal([...END_REASONS])
  })
})

function urlOf({ server }: App): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
