// The JSON route on bare Fastify, and the POST without any validation: what the framework adds to an ordinary request is
// measured against them.
// Usage: node bench/servers/fastify.mjs <port>
import fastify from 'fastify'

const app = fastify()
app.get('/json', () => ({ hello: 'world' }))
app.post('/orders', ({ body }) => ({ ordered: body.items.length }))
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
