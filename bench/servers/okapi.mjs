// The server that the benchmarks load: written as a user would, by the public API only.
// Usage: node --expose-gc bench/servers/okapi.mjs <port>   (build the project first)
import { Controller, createApp, event, Get, Query, SSE } from 'okapi'

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

/** N small messages: the shape of a token stream. */
async function* tokens(n) {
  for (let i = 0; i < n; i++) yield event('token', { i, t: 'hello' })
}

class Bench {
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
declare('mem', [], [Get('/mem')])
Controller()(Bench)

const app = await createApp({ controllers: [Bench], fastify: { logger: false } })
await app.listen({ port: Number(process.argv[2] ?? 3000), host: '127.0.0.1' })
