// The server that the benchmarks load: written as a user would, by the public API only.
// Usage: node --expose-gc bench/servers/okapi.mjs <port>   (build the project first)
import { Body, Controller, createApp, event, Get, HttpCode, Post, Query, SSE, Topics, text } from 'okapi'
import { Order } from '../order.mjs'

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

/** N small messages: the shape of a token stream. */
async function* tokens(n) {
  for (let i = 0; i < n; i++) yield event('token', { i, t: 'hello' })
}

/** `<ns> <sequence> xxxx`, of exactly this size. */
function payload(sequence, size) {
  return `${process.hrtime.bigint()} ${sequence} `.padEnd(size, 'x')
}

class Bench {
  constructor(topics) {
    this.topic = topics.get('live')
  }
  live() {
    return this.topic.subscribe()
  }
  publish(count = 1, size = 100, rate = 0) {
    let sent = 0
    const start = Date.now()
    const send = () => this.topic.publish(text(payload(sent++, size)))
    const paced = () => {
      send()
      if (sent < count) setTimeout(paced, Math.max(0, start + (sent * 1000) / rate - Date.now()))
    }
    const eachTurn = () => {
      send()
      if (sent < count) setImmediate(eachTurn)
    }
    if (rate > 0) paced()
    else if (rate < 0) setImmediate(eachTurn)
    else while (sent < count) send()
  }
  json() {
    return { hello: 'world' }
  }
  gen(n) {
    return tokens(n)
  }
  *sync(n) {
    for (let i = 0; i < n; i++) yield event('token', { i, t: 'hello' })
  }
  async *ticks(n, ms) {
    for (let i = 0; i < n; i++) {
      await sleep(ms)
      yield event('token', { i, t: 'hello' })
    }
  }
  order(order) {
    return { ordered: order.items.length }
  }
  mem() {
    globalThis.gc?.()
    globalThis.gc?.()
    return process.memoryUsage()
  }
}

// What tsc makes of decorators, by hand: this file is run without a compiler.
function declare(name, types, decorators) {
  Reflect.defineMetadata('design:paramtypes', types, Bench.prototype, name)
  const descriptor = Object.getOwnPropertyDescriptor(Bench.prototype, name)
  for (const decorate of decorators) decorate(Bench.prototype, name, descriptor)
}
const parameter = (index, decorator) => (target, name) => decorator(target, name, index)

declare('json', [], [Get('/json')])
declare('gen', [Number], [SSE('/gen'), parameter(0, Query('n'))])
declare('sync', [Number], [SSE('/sync'), parameter(0, Query('n'))])
declare('ticks', [Number, Number], [SSE('/ticks'), parameter(0, Query('n')), parameter(1, Query('ms'))])
declare('live', [], [SSE('/live')])
declare(
  'publish',
  [Number, Number, Number],
  [
    Post('/publish'),
    HttpCode(200),
    parameter(0, Query('count')),
    parameter(1, Query('size')),
    parameter(2, Query('rate')),
  ],
)
declare('order', [Order], [Post('/orders'), parameter(0, Body())])
declare('mem', [], [Get('/mem')])
Reflect.defineMetadata('design:paramtypes', [Topics], Bench)
Controller()(Bench)

const app = await createApp({ controllers: [Bench], fastify: { logger: false } })
await app.listen({ port: Number(process.argv[2] ?? 3000), host: '127.0.0.1' })
