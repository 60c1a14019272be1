// Hono's streamSSE on @hono/node-server, with a set of streams for many clients. Usage: node bench/servers/hono.mjs <port>
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { memory, numbersOf, publish, tokens } from '../work.mjs'

const app = new Hono()
const streams = new Set()

function stream(context) {
  const { n, ms } = numbersOf(context.req.url)
  return streamSSE(context, async sse => {
    for await (const message of tokens(n, ms)) await sse.writeSSE({ event: 'token', data: JSON.stringify(message) })
  })
}

app.get('/json', context => context.json({ hello: 'world' }))
app.get('/gen', stream)
app.get('/ticks', stream)
app.get('/live', context =>
  streamSSE(context, async sse => {
    streams.add(sse)
    // Its head leaves with the first event.
    await sse.writeSSE({ data: 'connected' })
    await new Promise(resolve => sse.onAbort(resolve))
    streams.delete(sse)
  }),
)
app.post('/publish', context => {
  publish(numbersOf(context.req.url), data => {
    for (const sse of streams) sse.writeSSE({ data })
  })
  return context.json({})
})
app.get('/mem', context => context.json(memory()))
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' })
