import { createHook } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import { type App, Body, Channel, Controller, type EventWriter, Req, Signal, SSE, Stream } from 'okapi'
import { Connection, get, leaveAll, post } from '../support/connection.js'
import { closeAll, serve } from '../support/serve.js'
import { until } from '../support/until.js'

const HOUR = 3_600_000
const BATCH = 100

describe('A thousand clients that come and go', () => {
  let started = 0
  let ended = 0

  @Controller('/leaks')
  class Leaks {
    @SSE('/signal', { pingInterval: 50 })
    @SSE('/signal', { method: 'POST' })
    async *signal(@Signal() signal: AbortSignal): AsyncGenerator<string> {
      started++
      try {
        yield 'a'
        await sleep(HOUR, undefined, { signal })
      } finally {
        ended++
      }
    }

    @SSE('/set-up')
    async setUp(@Signal() signal: AbortSignal): Promise<string[]> {
      started++
      await sleep(HOUR, undefined, { signal }).finally(() => ended++)
      return []
    }

    @SSE('/channel', { stallTimeout: 50 })
    channel(): Channel<string> {
      started++
      const channel = new Channel<string>()
      channel.trySend('a')
      channel.onClose(() => ended++)
      return channel
    }

    @SSE('/calls')
    async calls(@Stream() stream: EventWriter, @Signal() signal: AbortSignal): Promise<void> {
      started++
      try {
        stream.data('a')
        await stream.pipe(this.ticks(signal))
      } finally {
        ended++
      }
    }

    async *ticks(signal: AbortSignal): AsyncGenerator<number> {
      for (let n = 0; ; n++) {
        yield n
        await sleep(1, undefined, { signal })
      }
    }

    @SSE('/fast', { stallTimeout: 50 })
    *fast(): Generator<string> {
      started++
      try {
        for (;;) yield 'x'.repeat(1_000)
      } finally {
        ended++
      }
    }

    @SSE('/finite')
    async *finite(): AsyncGenerator<number> {
      started++
      yield* [1, 2, 3]
      ended++
    }
  }

  const requests = [
    get('/leaks/signal'),
    post('/leaks/signal'),
    get('/leaks/set-up'),
    get('/leaks/channel'),
    get('/leaks/calls'),
    get('/leaks/finite'),
    get('/leaks/finite') + get('/leaks/signal'),
    get('/leaks/signal') + get('/leaks/channel'),
  ]
  /** The requests of a batch, one for each client; a fast stream among them, which is work enough. */
  const batch = [...Array.from({ length: BATCH - 1 }, (_, n) => requests[n % requests.length]), get('/leaks/fast')]
  const calls = batch.join('').split(' HTTP/1.1').length - 1

  beforeEach(() => {
    started = 0
    ended = 0
  })
  afterEach(() => {
    leaveAll()
    return closeAll()
  })

  /** Lets batches of clients come; and each time, once all methods run, lets them leave. */
  async function visit(app: App, url: string, clients: number): Promise<void> {
    for (let left = clients; left > 0; left -= BATCH) {
      const expected = started + calls
      const connections = await Promise.all(batch.map(request => Connection.open(url, request)))
      await until(() => started === expected, 'all methods were called')
      for (const connection of connections) connection.leave()
      await until(() => app.streams.size === 0 && ended === started, 'all streams are over')
    }
  }

  async function heap(): Promise<number> {
    for (let n = 0; n < 4; n++) {
      await sleep(10)
      global.gc?.()
    }
    return process.memoryUsage().heapUsed
  }

  it('leave no memory behind', async function () {
    this.timeout(60_000)
    const { app, url } = await serve([Leaks])
    const ENOUGH = 500_000
    await visit(app, url, 1_000)

    // What is left behind is left each time; what the engine keeps for itself now and then is not.
    let grown = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 4 && grown > ENOUGH; tries++) {
      const before = await heap()
      await visit(app, url, 1_000)
      grown = (await heap()) - before
    }

    // One stream weighs some 10 KiB: one in twenty that stays behind would show.
    expect(grown).to.be.below(ENOUGH)
    expect(app.streams.orphans).to.equal(0)
  })

  it('leave nothing behind that keeps the process alive', async () => {
    const { app, url } = await serve([Leaks])
    await visit(app, url, BATCH)
    const before = process.getActiveResourcesInfo().sort()

    await visit(app, url, BATCH)
    await until(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'), 'all sockets are closed')

    expect(process.getActiveResourcesInfo().sort()).to.deep.equal(before.filter(name => name !== 'TCPSocketWrap'))
  })

  it('leave no timers and no listeners behind', async () => {
    const timers = new Set<number>()
    const hook = createHook({
      init: (id, type) => void (type === 'Timeout' && timers.add(id)),
      destroy: id => void timers.delete(id),
    })
    const listeners = (app: App): [unknown, number][] =>
      [process, app.server].flatMap(emitter =>
        emitter.eventNames().map((name): [unknown, number] => [name, emitter.listenerCount(name)]),
      )
    const { app, url } = await serve([Leaks])
    await visit(app, url, BATCH)
    const before = listeners(app)

    hook.enable()
    await visit(app, url, BATCH)
    // Node keeps a date for its headers by a timer of its own, and this spec looks at its clock.
    await until(() => timers.size <= 3, 'the timers are gone').finally(() => hook.disable())

    expect(listeners(app)).to.deep.equal(before)
  })
})

describe('A connection that is kept alive', () => {
  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  it('holds nothing of the last stream that it carried but the response', async () => {
    const held: Record<string, WeakRef<object>> = {}

    @Controller()
    class Last {
      @SSE('/last', { method: 'POST' })
      async *last(@Req() request: FastifyRequest, @Body({ validate: false }) body: object): AsyncGenerator<string> {
        Object.assign(held, { request: new WeakRef(request), body: new WeakRef(body) })
        yield 'a'
      }
    }
    const { url } = await serve([Last])
    const connection = await Connection.open(url, post('/last', { much: 'of it' }))
    await connection.complete()

    await until(() => {
      globalThis.gc?.()
      return Object.values(held).every(one => one.deref() === undefined)
    }, 'the request and its body are gone')
    expect(connection.closed).to.equal(false)
  })
})
