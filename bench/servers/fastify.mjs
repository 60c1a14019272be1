// The JSON route on bare Fastify: what the framework adds to an ordinary request is measured against it.
// Usage: node bench/servers/fastify.mjs <port>
import fastify from 'fastify'

const app = fastify()
app.get('/json', () => ({ hello: 'world' }))
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
