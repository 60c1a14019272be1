import type { AddressInfo } from 'node:net'
import { Controller, createApp, event, SSE, Topics } from 'okapi'
import 'reflect-metadata'

// A process that publishes when it is told to. `broadcasting.ts` starts it and sends it numbers of events and their
// lengths; it answers with the memory that it takes.

@Controller('/live')
class Live {
  constructor(readonly topics: Topics) {}

  @SSE()
  live() {
    return this.topics.subscribe('live')
  }
}

const topics = new Topics()
const app = await createApp({ controllers: [Live], topics, fastify: { logger: false } })
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.((app.server.address() as AddressInfo).port)

process.on('message', async ({ count, length }: { count: number; length: number }) => {
  const text = 'x'.repeat(length)
  for (let n = 0; n < count; n++) topics.publish('live', event('text', text))
  await new Promise(resolve => setImmediate(resolve))
  process.send?.({ rss: process.memoryUsage.rss(), subscribers: topics.get('live').stats()?.subscribers ?? 0 })
})
