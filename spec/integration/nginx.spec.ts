import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Controller, event, Signal, SSE, Topics } from 'okapi'
import { removeFolders } from '../support/folder.js'
import { type Latch, latch } from '../support/latch.js'
import { startNginx, stopNginx } from '../support/nginx.js'
import { closeAll, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('Streams behind nginx', function () {
  this.timeout(20_000)

  let left: Latch<void>
  let next: Latch<void>

  @Controller()
  class Live {
    constructor(readonly topics: Topics) {}

    @SSE('/first')
    async *first(@Signal() signal: AbortSignal) {
      try {
        yield event('first', 1)
        await next.promise
        yield event('second', 2)
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      } finally {
        left.open()
      }
    }

    @SSE('/topic')
    topic() {
      return this.topics.get('live').subscribe()
    }
  }

  beforeEach(() => {
    left = latch()
    next = latch()
  })

  afterEach(async () => {
    await stopNginx()
    await closeAll()
    await removeFolders()
  })

  for (const [what, location] of [
    ['with its defaults, which buffer', ''],
    ['with gzip on', 'gzip on; gzip_types text/event-stream; gzip_min_length 0;'],
    ['with HTTP/1.1 and keep-alive to the app', 'proxy_http_version 1.1; proxy_set_header Connection "";'],
  ] as const) {
    describe(what, () => {
      async function front(): Promise<{ url: string; publish: (data: number) => void; open: () => number }> {
        const topics = new Topics()
        const { app } = await serve([Live], { topics })
        const url = await startNginx((app.server.address() as AddressInfo).port, location)
        return { url, publish: data => topics.publish('live', data), open: () => app.streams.size }
      }

      const dataOf = async (stream: Subscription): Promise<string | undefined> => (await stream.take(1))[0]?.data

      it('gives each event when it is made, and tells the generator that the client has left', async () => {
        const { url, open } = await front()
        const stream = await subscribe(`${url}/first`, { headers: { 'accept-encoding': 'gzip' } })

        expect(await dataOf(stream)).to.equal('1')
        next.open()
        expect(await dataOf(stream)).to.equal('2')

        stream.leave()
        await left.promise
        await until(() => open() === 0)
      })

      it('relays a topic, and lets go of a subscriber that has left', async () => {
        const { url, publish, open } = await front()
        const stream = await subscribe(`${url}/topic`, { headers: { 'accept-encoding': 'gzip' } })
        await until(() => open() === 1)

        publish(1)
        expect(await dataOf(stream)).to.equal('1')
        publish(2)
        expect(await dataOf(stream)).to.equal('2')

        stream.leave()
        await until(() => open() === 0)
      })
    })
  }
})
