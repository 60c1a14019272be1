// NestJS on its Fastify adapter: @Sse with Observables, a Subject for many clients, and the POST checked by a
// ValidationPipe. Usage: node bench/servers/nest.mjs <port>
import 'reflect-metadata'
import { Body, Controller, Get, HttpCode, Module, Post, Req, Sse, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { from, interval, map, Subject, take } from 'rxjs'
import { Order } from '../order.mjs'
import { memory, numbersOf, publish, tokens } from '../work.mjs'

const toEvent = data => ({ type: 'token', data })

class Bench {
  subject = new Subject()

  json() {
    return { hello: 'world' }
  }
  gen({ url }) {
    return from(tokens(numbersOf(url).n)).pipe(map(toEvent))
  }
  ticks({ url }) {
    const { n, ms } = numbersOf(url)
    return interval(ms).pipe(
      take(n),
      map(i => toEvent({ i, t: 'hello' })),
    )
  }
  live() {
    return this.subject
  }
  publish({ url }) {
    publish(numbersOf(url), data => this.subject.next({ data }))
    return {}
  }
  order(order) {
    return { ordered: order.items.length }
  }
  mem() {
    return memory()
  }
}

// What tsc makes of decorators, by hand: this file is run without a compiler.
function declare(name, type, decorators) {
  Reflect.defineMetadata('design:paramtypes', [type], Bench.prototype, name)
  const descriptor = Object.getOwnPropertyDescriptor(Bench.prototype, name)
  for (const decorate of decorators) decorate(Bench.prototype, name, descriptor)
}
const parameter = decorator => (target, name) => decorator(target, name, 0)

declare('json', Object, [Get('/json')])
// Its default limit of what may wait drops a client of a fast generator.
declare('gen', Object, [Sse('/gen', { maxPendingDataLength: 0 }), parameter(Req())])
declare('ticks', Object, [Sse('/ticks'), parameter(Req())])
declare('live', Object, [Sse('/live')])
declare('publish', Object, [Post('/publish'), HttpCode(200), parameter(Req())])
declare('order', Order, [Post('/orders'), parameter(Body())])
declare('mem', Object, [Get('/mem')])
Controller()(Bench)

class App {}
Module({ controllers: [Bench] })(App)

const app = await NestFactory.create(App, new FastifyAdapter(), { logger: ['error', 'warn'] })
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }))
await app.listen(Number(process.argv[2]), '127.0.0.1')
