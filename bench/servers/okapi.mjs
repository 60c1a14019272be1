// The server that the benchmarks load: written as a user would, by the public API only.
// Usage: node --expose-gc bench/servers/okapi.mjs <port>   (build the project first)
import {
  Body,
  Controller,
  createApp,
  event,
  Get,
  HttpCode,
  Post,
  Query,
  SSE,
  Topics,
  text,
} from '../../dist/src/index.js'
import { Order } from '../order.mjs'
import { memory, publish } from '../work.mjs'

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

class Bench {
  constructor(topics) {
    this.topic = topics.get('live')
  }
  live() {
    return this.topic.subscribe()
  }
  publish(count = 1, size = 100, rate = 0) {
    publish({ count, size, rate }, data => this.topic.publish(text(data)))
  }
  json() {
    return { hello: 'world' }
  }
  async *gen(n) {
    for (let i = 0; i < n; i++) yield event('token', { i, t: 'hello' })
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
    return memory()
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
