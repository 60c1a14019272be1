import { expect } from 'chai'
import { Controller, event, Signal, SSE } from 'okapi'
import { container } from 'tsyringe'
import { Clock } from '../../sample/clock.js'
import { FastClock } from '../support/fast-clock.js'
import { killMains, startMain } from '../support/main.js'
import { closeSamples, startSample } from '../support/sample.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('The example program of the guide', () => {
  afterEach(async () => {
    killMains()
    await closeAll()
    await closeSamples()
  })

  it('A19: a message each second tells the time and since when it is connected, until the client leaves', async () => {
    @Controller()
    class Connected {
      constructor(private readonly clock: Clock) {}

      @SSE('/events')
      async *events(@Signal() signal: AbortSignal) {
        const connectedSince = this.clock.now().toISOString()
        for await (const now of this.clock.every(1_000, signal)) {
          yield event('message', { time: now.toISOString(), connectedSince, timestamp: now.getTime() / 1_000 })
        }
      }
    }
    const clock = new FastClock()
    const child = container.createChildContainer().registerInstance<Clock>(Clock, clock)
    const { app, url } = await serve([Connected], { container: child })
    const stream = await subscribe(`${url}/events`)

    const events = await stream.take(2)
    stream.leave()

    const start = Date.UTC(2026, 0, 31, 12) / 1_000
    const since = '"connectedSince":"2026-01-31T12:00:00.000Z"'
    expect(events.map(({ event, data }) => [event, data])).to.deep.equal([
      ['message', `{"time":"2026-01-31T12:00:01.000Z",${since},"timestamp":${start + 1}}`],
      ['message', `{"time":"2026-01-31T12:00:02.000Z",${since},"timestamp":${start + 2}}`],
    ])
    await until(() => app.streams.size === 0 && clock.waiting === 0)
  })

  describe('A21: the run of the program', () => {
    it('A21: start, started and shutdown are told in this order, also with a stream open', async () => {
      const told: string[] = []
      const { app, url } = await startSample({
        options: {
          setup: setup => {
            setup.addHook('onReady', async () => void told.push('start'))
            setup.addHook('onListen', async () => void told.push('started'))
            setup.addHook('onClose', async () => void told.push('shutdown'))
          },
        },
      })
      const stream = await subscribe(`${url}/events`)
      await stream.take(1)

      await app.close()

      expect(told).to.deep.equal(['start', 'started', 'shutdown'])
    })

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`A21: ${signal} stops it at once with a stream open, and the stream says why`, async () => {
        const main = await startMain()
        const stream = await subscribe(`${main.url}/counter`)
        await stream.take(1)

        const code = await main.stop(signal)

        const last = (await stream.rest()).pop()
        expect(code).to.equal(0)
        expect([last?.event, last?.data]).to.deep.equal(['stream:end', '{"reason":"closing"}'])
      })
    }
  })
})
