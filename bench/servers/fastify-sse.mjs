// @fastify/sse, with a set of replies for many clients. Usage: node bench/servers/fastify-sse.mjs <port>
import sse from '@fastify/sse'
import fastify from 'fastify'
import { memory, numbersOf, publish, tokens } from '../work.mjs'

const app = fastify()
await app.register(sse)
const replies = new Set()

async function* events(n, ms) {
  for await (const data of tokens(n, ms)) yield { event: 'token', data }
}

async function stream(request, reply) {
  const { n, ms } = numbersOf(request.url)
  await reply.sse.send(events(n, ms))
}

app.get('/json', async () => ({ hello: 'world' }))
app.get('/gen', { sse: 'only' }, stream)
app.get('/ticks', { sse: 'only' }, stream)
app.get('/live', { sse: 'only' }, async (_request, reply) => {
  reply.sse.keepAlive()
  replies.add(reply.sse)
  reply.sse.onClose(() => replies.delete(reply.sse))
  // Its head leaves with the first event.
  await reply.sse.send({ data: 'connected' })
})
app.post('/publish', async request => {
  publish(numbersOf(request.url), data => {
    for (const reply of replies) reply.send({ data }).catch(() => {})
  })
  return {}
})
app.get('/mem', async () => memory())
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
