import 'reflect-metadata'
import { Body, Controller, createApp, Param, Post, SSE, Topics } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'

/**
 * A server of topics that are kept in a file, as a process of its own. Says `listening` when it does.
 *
 * Started as `node topic-server.js <directory> <port>`.
 */
const [directory = '', port = ''] = process.argv.slice(2)

@Controller('/topics')
class Rooms {
  readonly #topics: Topics

  constructor(topics: Topics) {
    this.#topics = topics
  }

  @SSE('/:name')
  watch(@Param('name') name: string) {
    return this.#topics.subscribe(name.split('+'))
  }

  @Post('/:name')
  async publish(@Param('name') name: string, @Body('text') text: string) {
    return { position: await this.#topics.publish(name, text) }
  }
}

const app = await createApp({
  controllers: [Rooms],
  topics: { journal: new LmdbJournal(directory) },
  fastify: { logger: false },
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.stdout.write('listening\n')
process.once('SIGTERM', () => app.close())
