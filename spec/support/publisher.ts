import type { AddressInfo } from 'node:net'
import { Controller, createApp, event, SSE, Topics } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'
import 'reflect-metadata'

// A process that publishes to a file journal, one event after the other, until it is killed. It tells its port, and then
// each position that was acknowledged. `publishing.ts` starts it with a port and a directory.

@Controller('/numbers')
class Numbers {
  constructor(readonly topics: Topics) {}

  @SSE('', { retry: 20 })
  numbers() {
    return this.topics.subscribe('numbers')
  }
}

const [port, directory] = process.argv.slice(2)
const topics = new Topics({ journal: new LmdbJournal(directory as string) })
const app = await createApp({ controllers: [Numbers], topics, fastify: { logger: false } })
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.send?.((app.server.address() as AddressInfo).port)

for (;;) {
  const position = await topics.publish('numbers', event('number', 0))
  process.send?.(position)
  await new Promise(resolve => setTimeout(resolve, 1))
}
