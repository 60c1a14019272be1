import type { Server } from 'node:http'
import { setInterval } from 'node:timers/promises'
import { expect } from 'chai'
import { Body, Controller, createApp, type FastifyOptions, Post, Signal, SSE } from 'okapi'
import { certificate } from '../support/certificate.js'
import { Connection, leaveAll, post } from '../support/connection.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

describe('An app', () => {
  @Controller()
  class Work {
    @SSE('/ticks')
    async *ticks(@Signal() signal: AbortSignal) {
      for await (const _ of setInterval(10, undefined, { signal })) yield 'tick'
    }

    @Post('/notes')
    add(@Body({ validate: false }) note: object) {
      return note
    }
  }

  afterEach(async () => {
    leaveAll()
    await closeAll()
  })

  describe('limits the time that a client takes to send its request', () => {
    const quick = { connectionsCheckingInterval: 5 }

    it('to 120 seconds, and 30 for the head, and that of an idle connection to 72', async () => {
      const { server } = await createApp({ controllers: [Work] })
      const own = await createApp({
        controllers: [Work],
        fastify: { requestTimeout: 1_000, keepAliveTimeout: 3_000, http: { headersTimeout: 2_000 } },
      })
      const hasty = await createApp({ controllers: [Work], fastify: { requestTimeout: 1_000 } })
      const patient = await createApp({ controllers: [Work], fastify: { requestTimeout: 0 } })
      const tls = await createApp({ controllers: [Work], fastify: { https: certificate() } as FastifyOptions })
      const of = ({ requestTimeout, headersTimeout, keepAliveTimeout }: Server) => [
        requestTimeout,
        headersTimeout,
        keepAliveTimeout,
      ]

      expect(of(server)).to.deep.equal([120_000, 30_000, 72_000])
      expect(of(hasty.server)).to.deep.equal([1_000, 1_000, 72_000])
      expect(of(patient.server)).to.deep.equal([0, 30_000, 72_000])
      expect(of(own.server)).to.deep.equal([1_000, 2_000, 3_000])
      expect(of(tls.server)).to.deep.equal([120_000, 30_000, 72_000])
    })

    for (const [what, options, text] of [
      ['its head', { http: { ...quick, headersTimeout: 20 } }, 'GET /ticks HTTP/1.1\r\nHost: '],
      ['its body', { requestTimeout: 20, http: quick }, post('/notes', { text: 'a' }).slice(0, -3)],
    ] as const) {
      it(`and answers 408 to one who stops in the middle of ${what}, and cuts no stream that lasts longer`, async () => {
        const { url } = await serve([Work], { fastify: { keepAliveTimeout: 10, ...options } })
        const stream = await subscribe(`${url}/ticks`)
        await stream.take(1)

        const half = await Connection.open(url, text)

        expect(await half.end()).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n/)
        expect(await stream.take(20)).to.have.length(20)
        stream.leave()
      })
    }

    it('and the size of the body to 1 MiB, or as much as Fastify is told', async () => {
      const statuses: number[] = []
      for (const [fastify, length] of [
        [{}, 1_048_500],
        [{}, 1_048_600],
        [{ bodyLimit: 100 }, 200],
      ] as const) {
        const { url } = await serve([Work], { fastify })
        const body = JSON.stringify({ text: 'x'.repeat(length) })
        const headers = { 'content-type': 'application/json' }
        statuses.push((await fetch(`${url}/notes`, { method: 'POST', headers, body })).status)
      }

      expect(statuses).to.deep.equal([200, 413, 413])
    })
  })
})
