import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Body, Controller, createApp, Get, okapi, Post } from 'okapi'
import { closeAll, serve } from './support/serve.js'
import { until } from './support/until.js'

// Each of these would wait for a timeout of minutes without the closer, and so fail by the time limit of a spec.
describe('closing an app', () => {
  let finish: (value: string) => void = () => {}
  let asked = 0

  @Controller()
  class Slow {
    @Get('/quick')
    quick() {
      return 'quick'
    }

    @Post('/echo')
    echo(@Body() text: string) {
      return text
    }

    @Get('/slow')
    slow() {
      asked++
      return new Promise<string>(resolve => {
        finish = resolve
      })
    }
  }

  beforeEach(() => {
    asked = 0
  })
  afterEach(closeAll)

  const patient = { closeGrace: 60_000 }

  it('does not wait for a connection that is kept alive', async () => {
    const { app, url } = await serve([Slow], patient)
    const agent = new Agent({ keepAlive: true })
    const [response] = await once(get(`${url}/quick`, { agent }), 'response')
    await text(response)

    await app.close()

    agent.destroy()
  })

  it('does not wait for a connection that never sent a request', async () => {
    const { app, url } = await serve([Slow], patient)
    const connected = once(app.server, 'connection')
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    await connected

    await app.close()

    await once(socket.resume(), 'close')
  })

  it('lets a request finish, and closes its connection then', async () => {
    const { app, url } = await serve([Slow], patient)
    const agent = new Agent({ keepAlive: true })
    const answer = once(get(`${url}/slow`, { agent }), 'response')
    await until(() => asked === 1)

    const closed = app.close()
    await until(() => !app.server.listening)
    finish('finished')

    const [response] = await answer
    expect(await text(response)).to.equal('finished')
    await closed
    agent.destroy()
  })

  for (const [what, text] of [
    ['its head', 'GET /quick HTTP/1.1\r\nHost: '],
    ['its body', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhalf'],
  ] as const) {
    it(`waits no longer than the grace for a client that stops in the middle of ${what}`, async () => {
      const { app, url } = await serve([Slow], { closeGrace: 20 })
      const connected = once(app.server, 'connection')
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.write(text)
      const [served] = await connected
      await until(() => served.bytesRead === text.length)

      await app.close()

      await once(socket.resume(), 'close')
    })
  }

  it('lets a request take longer than the grace', async () => {
    const { app, url } = await serve([Slow], { closeGrace: 5 })
    const answer = fetch(`${url}/slow`)
    await until(() => asked === 1)

    const closed = app.close()
    await sleep(40)
    finish('finished')

    expect(await (await answer).text()).to.equal('finished')
    await closed
  })

  it('lets a request of HTTP/2 finish, and closes its session then', async () => {
    const { app, url } = await serve([Slow], { ...patient, fastify: { http2: true } })
    const session = connectHttp2(url)
    const stream = session.request({ ':path': '/slow' })
    await until(() => asked === 1)

    const closed = app.close()
    await until(() => !app.server.listening)
    finish('finished')

    expect(await text(stream)).to.equal('finished')
    await closed
    await until(() => session.closed)
  })

  it('does not wait for an idle session of HTTP/2', async () => {
    const { app, url } = await serve([Slow], { ...patient, fastify: { http2: true } })
    const session = connectHttp2(url)
    expect(await text(session.request({ ':path': '/quick' }))).to.equal('quick')

    await app.close()

    await until(() => session.closed)
  })

  it('keeps nothing of connections that have gone, though two plugins look after one server', async () => {
    const { app, url } = await serve([Slow], {
      ...patient,
      setup: app => app.register(okapi, { prefix: '/more', controllers: [Slow] }),
    })
    const connections: WeakRef<Socket>[] = []
    app.server.on('connection', (socket: Socket) => {
      connections.push(new WeakRef(socket))
    })

    for (const path of ['/quick', '/more/quick', '/quick']) {
      const closed = once(app.server, 'connection').then(([socket]) => once(socket, 'close'))
      const [response] = await once(get(url + path, { agent: new Agent({ keepAlive: false }) }), 'response')
      await text(response)
      await closed
    }

    const gone = (): boolean => {
      globalThis.gc?.()
      return connections.filter(connection => connection.deref()).length <= 1
    }
    await until(gone, 'all but the last, which Node itself may hold, to be gone')
    expect(connections).to.have.length(3)
  })

  it('does not wait for anything if it never listened', async () => {
    const app = await createApp({ controllers: [Slow] })

    await app.close()

    expect(app.server.listening).to.equal(false)
  })
})
