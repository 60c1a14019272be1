// The validated POST in NestJS, on its Fastify adapter. Usage: node bench/servers/nest.mjs <port>
import 'reflect-metadata'
import { Body, Controller, Get, Module, Post, ValidationPipe } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Order } from '../order.mjs'

class Orders {
  json() {
    return { hello: 'world' }
  }
  order(order) {
    return { ordered: order.items.length }
  }
}

// What tsc makes of decorators, by hand: this file is run without a compiler.
function declare(name, types, decorators) {
  Reflect.defineMetadata('design:paramtypes', types, Orders.prototype, name)
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, name)
  for (const decorate of decorators) decorate(Orders.prototype, name, descriptor)
}
declare('json', [], [Get('/json')])
declare('order', [Order], [Post('/orders'), (target, name) => Body()(target, name, 0)])
Controller()(Orders)

class App {}
Module({ controllers: [Orders] })(App)

const app = await NestFactory.create(App, new FastifyAdapter(), { logger: false })
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }))
await app.listen(Number(process.argv[2]), '127.0.0.1')
