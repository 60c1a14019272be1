import { once } from 'node:events'
import { connect } from 'node:net'
import { mock } from 'node:test'
import { expect } from 'chai'
import { Controller, Signal, SSE, Streams } from 'okapi'
import request from 'supertest'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'
import { settles, until } from './support/until.js'

describe('Streams', () => {
  let ended = 0
  let sent = 0

  @Controller('/live')
  class Live {
    @SSE('/waiting')
    async *waiting(@Signal() signal: AbortSignal) {
      try {
        yield 'begun'
        await once(signal, 'abort')
      } finally {
        ended++
      }
    }

    @SSE('/quiet', { end: false })
    async *quiet(@Signal() signal: AbortSignal) {
      yield 'begun'
      await once(signal, 'abort')
    }

    @SSE('/flood')
    *flood() {
      for (;;) {
        sent++
        yield 'x'.repeat(65_536)
      }
    }
  }

  beforeEach(() => {
    ended = 0
    sent = 0
  })
  afterEach(async () => {
    mock.reset()
    await closeAll()
  })

  it('counts the open streams', async () => {
    const { app, url } = await serve([Live])
    expect(app.streams).to.be.instanceOf(Streams)
    expect(app.streams.size).to.equal(0)

    const [one, two] = await Promise.all([subscribe(`${url}/live/waiting`), subscribe(`${url}/live/waiting`)])
    expect(app.streams.size).to.equal(2)

    one.leave()
    await until(() => app.streams.size === 1)
    two.leave()
    await until(() => app.streams.size === 0)
    expect(app.streams.orphans).to.equal(0)
  })

  it('end when the app closes, and ask each client to come back at a moment of its own', async () => {
    const { app, url } = await serve([Live])
    const subscriptions = await Promise.all(Array.from({ length: 5 }, () => subscribe(`${url}/live/waiting`)))
    for (const subscription of subscriptions) await subscription.take(1)

    await app.close()

    const texts = await Promise.all(subscriptions.map(each => each.rest().then(() => each.text())))
    const times = texts.map(text =>
      Number(/\n\nevent: stream:end\nretry: (\d+)\ndata: \{"reason":"closing"\}\n\n$/.exec(text)?.[1]),
    )
    for (const time of times) expect(time, 'not before the grace of 2,000 is over').to.be.within(3_000, 7_000)
    expect(new Set(times).size).to.be.above(1)
    expect(ended).to.equal(5)
    expect(app.streams.size).to.equal(0)
  })

  it('end with an event also if they say nothing when they are done', async () => {
    const { app, url } = await serve([Live])
    const stream = await subscribe(`${url}/live/quiet`)
    await stream.take(1)

    await app.close()

    await stream.rest()
    expect(stream.text()).to.match(/^data: begun\n\nevent: stream:end\nretry: \d{4}\ndata: \{"reason":"closing"\}\n\n$/)
  })

  it('are told goodbye one after the other if that is spread, and come back one after the other', async () => {
    const { app, url } = await serve([Live], { closeGrace: 10, closeSpread: 400 })
    const subscriptions = await Promise.all(Array.from({ length: 20 }, () => subscribe(`${url}/live/waiting`)))
    const seen = new Set<number>()

    const closed = app.close()
    const watch = setInterval(() => seen.add(app.streams.size), 1)
    await closed
    clearInterval(watch)

    expect(seen.size).to.be.above(4)
    for (const subscription of subscriptions) {
      expect((await subscription.rest()).at(-1)?.data).to.equal('{"reason":"closing"}')
      expect(Number(/retry: (\d+)/.exec(subscription.text())?.[1])).to.be.within(1_010, 5_010)
    }
  })

  it('keep nobody waiting for the rest of the spread when the last one has left', async () => {
    const { app, url } = await serve([Live], { closeSpread: 3_600_000 })
    const [one, two] = await Promise.all([subscribe(`${url}/live/waiting`), subscribe(`${url}/live/waiting`)])

    const closed = app.close()
    one.leave()
    two.leave()

    await closed
    expect(app.streams.size).to.equal(0)
  })

  it('are cut after the grace if their clients read nothing, though others have ended', async () => {
    const { app, url } = await serve([Live], { closeGrace: 20 })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.pause().write('GET /live/flood HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await settles(() => sent)
    const reading = await subscribe(`${url}/live/waiting`)
    await reading.take(1)

    await app.close()

    expect(app.streams.size).to.equal(0)
    expect((await reading.rest()).map(({ event }) => event)).to.deep.equal(['stream:end'])
    socket.destroy()
  })

  it('leave no timer behind when they have ended before the grace is over', async () => {
    const set = mock.method(globalThis, 'setTimeout')
    const clear = mock.method(globalThis, 'clearTimeout')
    const { app, url } = await serve([Live], { closeGrace: 54_321 })
    const stream = await subscribe(`${url}/live/waiting`)
    await stream.take(1)

    await app.close()

    const timer = set.mock.calls.find(({ arguments: [, delay] }) => delay === 54_321)?.result
    expect(timer).to.be.an('object')
    expect(clear.mock.calls.map(({ arguments: [cleared] }) => cleared)).to.include(timer)
  })

  it('are not cut at once by a grace that no timer knows', async () => {
    const { app, url } = await serve([Live], { closeGrace: 2 ** 31 - 1, closeSpread: 40 })
    const all = await Promise.all(Array.from({ length: 4 }, () => subscribe(`${url}/live/waiting`)))
    for (const stream of all) await stream.take(1)

    await app.close()

    for (const stream of all) {
      expect((await stream.rest()).at(-1)?.data).to.equal('{"reason":"closing"}')
      expect(stream.text()).to.contain(`retry: ${2 ** 31 - 1}\n`)
    }
  })

  it('have everybody wait for the last of them who closes them meanwhile', async () => {
    const { app, url } = await serve([Live])
    const stream = await subscribe(`${url}/live/waiting`)
    await stream.take(1)

    await Promise.all([app.streams.close(1_000, 50), app.streams.close(1_000, 50)])

    expect(app.streams.size).to.equal(0)
    expect((await stream.rest()).at(-1)?.data).to.equal('{"reason":"closing"}')
  })

  it('take no more while the app closes', async () => {
    const streams = new Streams()
    expect([streams.closing, streams.closesIn]).to.deep.equal([false, 0])

    await streams.close(1_000)

    expect(streams.closing).to.equal(true)
    expect(streams.closesIn).to.be.within(0, 1_000)
    const { app } = await serve([Live], { fastify: { return503OnClosing: false } })
    await app.streams.close(0)
    const { status, headers, body } = await request(app.server).get('/live/waiting')
    expect(status).to.equal(503)
    expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
    expect(body.detail).to.equal('The server is closing')
  })
})
