// The validated POST on Fastify, with class-transformer and class-validator called by hand.
// Usage: node bench/servers/fastify-validator.mjs <port>
import { plainToInstance } from 'class-transformer'
import { validate } from 'class-validator'
import fastify from 'fastify'
import { Order } from '../order.mjs'

const app = fastify()
app.get('/json', () => ({ hello: 'world' }))
app.post('/orders', async ({ body }, reply) => {
  const order = plainToInstance(Order, body)
  const errors = await validate(order, { whitelist: true })
  return errors.length > 0 ? reply.code(400).send(errors) : { ordered: order.items.length }
})
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
