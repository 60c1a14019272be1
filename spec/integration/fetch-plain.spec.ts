import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Channel, event, lastEventId, streamEvents } from 'okapi/sse'
import { Connection, get, leaveAll } from '../support/connection.js'
import { soon, untilAtRest } from '../support/eventually.js'
import { runModule } from '../support/modules.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'

describe('okapi/sse with node:http alone', () => {
  let server: Server | undefined
  let over = 0
  let failures: unknown[] = []

  /** Serves one handler for all requests, as the documentation has it. */
  async function listen(
    handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): Promise<string> {
    const listening = createServer((request, response) => {
      handler(request, response).then(
        () => over++,
        error => {
          failures.push(error)
          response.writeHead(500).end('failed')
        },
      )
    })
    server = listening
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  }

  beforeEach(() => {
    over = 0
    failures = []
  })
  afterEach(async () => {
    leaveAll()
    server?.closeAllConnections()
    await new Promise(resolve => server?.close(resolve) ?? resolve(undefined))
    server = undefined
  })

  it('loads nothing of the framework, nor what that stands on', () => {
    const loaded = (module: string): string[] =>
      JSON.parse(
        runModule(`
          import { createRequire } from 'node:module'
          await import('${module}')
          const files = Object.keys(createRequire(process.cwd() + '/').cache)
          console.log(JSON.stringify(files.map(file => /node_modules\\/([^/]+)/.exec(file)?.[1] ?? file)))
        `),
      )

    const alone = loaded('okapi/sse')
    const whole = loaded('okapi')

    expect(alone).to.deep.equal([])
    expect(whole).to.include.members(['fastify', 'reflect-metadata'])
  })

  it('streams events to a fetch client, and says when it is over', async () => {
    const url = await listen((request, response) =>
      streamEvents(
        request,
        response,
        (async function* () {
          yield 'a'
          await sleep(1)
          yield event('b', { after: lastEventId(request.headers) }, { id: '7' })
        })(),
        { headers: { 'access-control-allow-origin': '*' } },
      ),
    )

    const stream = await subscribe(url, { headers: { 'last-event-id': '6' } })
    const events = await stream.rest()

    expect(stream.status).to.equal(200)
    expect(stream.headers.get('content-type')).to.equal('text/event-stream')
    expect(stream.headers.get('access-control-allow-origin')).to.equal('*')
    expect(stream.text()).to.equal(`data: a\n\nid: 7\nevent: b\ndata: {"after":"6"}\n\n${END}`)
    expect(events.map(({ id, event, data }) => [id, event, data])).to.deep.equal([
      [undefined, undefined, 'a'],
      ['7', 'b', '{"after":"6"}'],
      ['stream.end', 'stream:end', '{"reason":"done"}'],
    ])
    await until(() => over === 1, 'the promise of streamEvents is fulfilled')
  })

  it('answers 204 to a client that comes back to the end', async () => {
    const url = await listen((request, response) => streamEvents(request, response, ['a']))

    const response = await fetch(url, { headers: { 'last-event-id': 'stream.end' } })

    expect(response.status).to.equal(204)
  })

  for (const [head, headDelay, wait] of [
    ['waits for the first event', 5_000, () => sleep(1)],
    ['waits for nothing', 0, () => {}],
  ] as const) {
    it(`leaves an error before the first event to its caller, when the head ${head}`, async () => {
      const failing = async function* (): AsyncGenerator<string> {
        const waited = wait()
        if (waited) await waited
        if (over === 0) throw new Error('not today')
        yield 'never'
      }
      const url = await listen((request, response) => streamEvents(request, response, failing(), { headDelay }))

      const response = await soon(fetch(url), 'the answer')

      expect([response.status, await response.text()]).to.deep.equal([500, 'failed'])
      expect(failures.map(String)).to.deep.equal(['Error: not today'])
    })
  }

  it('ends a source whose client leaves, also with a full socket', async () => {
    const ended: string[] = []
    let yields = 0
    const url = await listen((request, response) => {
      const channel = new Channel<string>()
      channel.trySend('a')
      channel.onClose(() => ended.push('channel'))
      const fast = function* (): Generator<string> {
        try {
          for (;;) {
            yields++
            yield 'x'.repeat(10_000)
          }
        } finally {
          ended.push('generator')
        }
      }
      return streamEvents(request, response, request.url === '/fast' ? fast() : channel)
    })
    const idle = await Connection.open(url, get('/channel'))
    const deaf = await Connection.open(url)
    deaf.pause().send(get('/fast'))
    await idle.has('data: a')
    await until(() => yields > 0, 'the generator runs')
    await untilAtRest(() => yields)

    idle.leave()
    await until(() => over === 1, 'the first is over')
    deaf.leave()
    await until(() => over === 2, 'the second is over')

    expect(ended).to.deep.equal(['channel', 'generator'])
    expect(failures).to.deep.equal([])
  })

  it('keeps the connection for the next request', async () => {
    const url = await listen((request, response) => streamEvents(request, response, [request.url]))

    const connection = await Connection.open(url, get('/one') + get('/two'))
    await until(() => over === 2, 'both are over')
    await connection.has('data: /two')

    expect(connection.text.split(/HTTP\/1\.1 200 OK/)).to.have.length(3)
    expect(connection.closed).to.equal(false)
  })
})
