import { readdirSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import type { FastifyInstance } from 'fastify'
import type { ControllerClass } from 'okapi'
import { examplesOf, isController, pathOf, runScript } from '../support/examples.js'
import { blocksOf } from '../support/papers.js'
import { project, runBin } from '../support/run.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

const papers = readdirSync(join(project, 'docs')).filter(name => name.endsWith('.md'))

/** Held to the code by readme.spec.ts. */
const drawings = ['tree']

describe('The papers of docs', () => {
  for (const name of papers) {
    it(`have a spec that runs what ${name} shows, if it shows code`, () => {
      const code = blocksOf(`docs/${name}`).some(({ language }) => /^[jt]s$/.test(language))
      const spec = join(project, 'spec/docs', name.replace(/\.md$/, '.spec.ts'))

      expect(!code || readFileSync(spec, 'utf8').includes(`examplesOf('docs/${name}'`), spec).to.equal(true)
    })
  }
})

describe('The examples of the README', () => {
  const { find, load } = examplesOf('README.md', drawings)
  const serveExample = async (name: string): Promise<string> => {
    const declared = await load<Record<string, ControllerClass>>(name)
    const controllers = Object.values(declared).filter(isController)
    return (await serve(controllers)).url
  }
  const told = async (name: string, path: string, init?: RequestInit): Promise<string> => {
    const response = await fetch((await serveExample(name)) + path, init)
    return `${response.status} ${await response.text()}`
  }

  afterEach(closeAll)

  it('clock: reads the time once, and as a stream in the browser', async () => {
    const { app } = await load<{ app: FastifyInstance }>('clock')
    const { port } = app.server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    const sources: EventSource[] = []
    class Browser extends EventSource {
      constructor(path: string) {
        super(url + path)
        sources.push(this)
      }
    }

    const { now } = (await (await fetch(`${url}/clock`)).json()) as { now: string }
    const lines = await new Promise<string[]>(resolve => {
      const lines: string[] = []
      const log = (line: string): void => {
        if (lines.push(line) === 3) resolve(lines)
      }
      runScript(find('clock in the browser'), { EventSource: Browser, console: { log } })
    })
    for (const source of sources) source.close()
    await app.close()

    expect(new Date(now).toJSON()).to.equal(now)
    expect(lines[0]).to.equal('connected')
    for (const line of lines.slice(1)) expect(new Date(line).toJSON()).to.equal(line)
  })

  it('prices: answers, converts, refuses and redirects', async () => {
    const url = await serveExample('prices')
    const ask = async (method: string, path: string): Promise<string> => {
      const response = await fetch(`${url}/prices/${path}`, { method })
      return `${response.status} ${await response.text()}`
    }

    expect(await ask('GET', 'OKP')).to.equal('200 {"symbol":"OKP","price":"12.50"}')
    expect(await ask('GET', 'OKP?digits=1')).to.equal('200 {"symbol":"OKP","price":"12.5"}')
    expect(await ask('GET', 'OKP?digits=one')).to.match(/^400 .*is not a number/)
    expect(await ask('GET', 'latest')).to.equal('200 {"symbol":"OKP","price":"12.50"}')
    expect(await ask('POST', 'NEW?price=3')).to.equal('201 {"symbol":"NEW","price":3}')
    expect(await ask('POST', 'NEW')).to.match(/^400 .*is missing/)
    expect(await ask('DELETE', 'NEW')).to.equal('204 ')
    expect(await ask('GET', 'NEW')).to.match(/^404 .*There is no price of NEW/)
  })

  it('pages: escapes what is put into HTML', async () => {
    expect(await told('pages', '/hello?name=<you>')).to.equal('200 <h1>Hello, &lt;you&gt;</h1>')
  })

  it('orders: takes what follows the rules, and answers what does not as it is shown', async () => {
    const url = await serveExample('orders')
    const send = async (order: object): Promise<Response> =>
      fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(order),
      })
    const order = (count: number) => send({ items: [{ symbol: 'OKP', count }] })

    expect(await (await order(1)).json()).to.deep.equal({ ordered: 1 })
    expect((await send({})).status).to.equal(400)
    expect(await (await order(0)).json()).to.deep.equal(JSON.parse(find('orders', 'answer').code))
  })

  it('guarded: answers by who asks', async () => {
    const by = (user: string) => ({ headers: { 'x-user': user } })

    expect(await told('guarded', '/accounts')).to.match(/^401 /)
    expect(await told('guarded', '/accounts', by('ada'))).to.equal('200 {"id":"ada"}')
    expect(await told('guarded', '/accounts/all', by('ada'))).to.match(/^403 /)
    expect(await told('guarded', '/accounts/all', by('admin'))).to.equal('200 []')
  })

  it('wire: sends byte for byte what is shown', async () => {
    expect(await told('wire', '/wire/all')).to.equal(`200 ${find('wire', 'answer').code}`)
  })

  it('writer: sends by calls', async () => {
    const stream = await subscribe(`${await serveExample('writer')}/countdown`)

    expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['3', '2', '1', 'go', '{"reason":"done"}'])
  })

  it('channel: streams what a timer sends', async () => {
    const stream = await subscribe(`${await serveExample('channel')}/readings`)

    expect((await stream.take(2)).map(({ data }) => data)).to.deep.equal(['{"celsius":21}', '{"celsius":21}'])
    stream.leave()
  })

  it('resume: goes on behind the last event ID', async () => {
    const stream = await subscribe(`${await serveExample('resume')}/news`, { headers: { 'last-event-id': '1' } })

    expect(await stream.take(2)).to.deep.equal([
      { id: '2', event: 'item', data: 'three' },
      { id: 'stream.end', event: 'stream:end', data: '{"reason":"done"}' },
    ])
  })

  it('topics: tells everybody who listens', async () => {
    const url = `${await serveExample('topics')}/talks/a`
    const streams = await Promise.all([subscribe(url), subscribe(url)])

    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'hello' }),
    })

    const heard = await Promise.all(streams.map(stream => stream.take(1)))
    expect(heard.flat().map(({ event, data }) => [event, data])).to.deep.equal([
      ['said', 'hello'],
      ['said', 'hello'],
    ])
    for (const stream of streams) stream.leave()
  })

  it('refuse: answers 404 before the stream starts', async () => {
    expect(await told('refuse', '/jobs/8')).to.match(/^404 .*There is no job 8/)
    expect(await told('refuse', '/jobs/7')).to.match(/^200 data: 10\n\ndata: 50\n\n/)
  })

  it('leave: runs the finally of the generator', async () => {
    const url = await serveExample('leave')
    const { log } = await load<{ log: { push(line: string): void } }>('leave')
    const pushed = new Promise<string>(resolve => {
      log.push = resolve
    })
    const stream = await subscribe(`${url}/poll`)
    await stream.take(2)

    stream.leave()

    expect(await pushed).to.equal('left')
  })

  it('recover: sends another event in place of one without text', async () => {
    expect(await told('recover', '/rows')).to.match(
      /^200 data: {"id":1}\n\nevent: unreadable\n.*\n\ndata: {"id":3}\n\n/,
    )
  })

  it('post: streams over POST to a fetch client', async () => {
    const url = await serveExample('post')
    const lines: string[] = []

    await runScript(find('post in the browser'), {
      fetch: (path: string, init: RequestInit) => fetch(url + path, init),
      console: { log: (line: string) => lines.push(line) },
    })

    expect(lines).to.deep.equal(['to', 'be', 'or', 'not'])
  })

  it('serializer: turns data into text of its own', async () => {
    expect(await told('serializer', '/table')).to.match(/^200 data: OKP,12.5\n\n/)
  })

  it('injection: takes what the container of the app has', async () => {
    const { app } = await load<{ app: FastifyInstance }>('injection')

    expect((await app.inject('/market')).body).to.equal('{"open":false}')
    await app.close()
  })

  it('plugin: serves below its prefix', async () => {
    const { app } = await load<{ app: FastifyInstance }>('plugin')

    expect((await app.inject('/api/status')).body).to.equal('{"up":true}')
    await app.close()
  })

  it('openapi: describes the stream by its events, and sends what it declares', async () => {
    const { app } = await load<{ app: FastifyInstance }>('openapi')

    expect((await app.inject('/openapi.json')).json()).to.have.nested.property(
      'paths./shares/{symbol}/live.get.responses.200',
    )
    expect((await app.inject('/shares/OKP/live')).body).to.match(
      /^event: price\ndata: {"price":12.5,"volume":100}\n\nid: stream.end\n/,
    )
    await app.close()
  })

  it('testing: is a spec that passes', async () => {
    const output = await runBin(project, 'mocha/bin/mocha.js', '--no-config', '--no-package', pathOf(find('testing')))

    expect(output)
      .to.match(/2 passing/)
      .and.not.match(/failing/)
  })

  it('plain: streams without a framework', async () => {
    const { server } = await load<{ server: Server }>('plain')
    const stream = await subscribe(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    expect((await stream.take(2)).map(({ event }) => event)).to.deep.equal(['tick', 'tick'])
    stream.leave()
    server.closeAllConnections()
    server.close()
  })
})
