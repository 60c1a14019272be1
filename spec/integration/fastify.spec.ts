import { randomUUID } from 'node:crypto'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Body, Consumes, Controller, createParameter, type FastifyOptions, Get, Post, Req, SSE } from 'okapi'
import request from 'supertest'
import { certificate } from '../support/certificate.js'
import type { LogLine } from '../support/logged.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const Tenant = createParameter(request => request.getDecorator<string>('tenant'))

@Controller('/given')
class Given {
  @Get('/address')
  address(@Req() { ip, protocol, host }: FastifyRequest) {
    return { ip, protocol, host }
  }

  @Get('/tenant')
  tenant(@Tenant() tenant: string) {
    return tenant
  }

  @Get('/peer')
  peer(@Req() { raw }: FastifyRequest) {
    return (raw.socket as TLSSocket).getPeerCertificate().subject
  }

  @SSE('/ticks')
  *ticks() {
    yield 'tick'
  }

  @Post('/dots')
  @Consumes('text/x-dots')
  dots(@Body({ items: Number }) dots: number[]) {
    return dots
  }
}

describe('What Fastify has', () => {
  let lines: LogLine[] = []
  const told = (options: object = {}): FastifyOptions => ({
    logger: { level: 'info', stream: { write: (line: string) => void lines.push(JSON.parse(line)) }, ...options },
  })

  beforeEach(() => {
    lines = []
  })
  afterEach(closeAll)

  describe('for the id of a request', () => {
    const start = async () =>
      serve([Given], {
        fastify: { ...told(), requestIdHeader: 'x-request-id', genReqId: () => randomUUID() },
        setup: app => {
          app.addHook('onRequest', async ({ id }: FastifyRequest, reply: FastifyReply) => {
            reply.header('x-request-id', id)
          })
        },
      })

    it('takes that of the proxy into the log and back into the answer, of streams too', async () => {
      const { app } = await start()

      for (const path of ['/given/address', '/given/ticks', '/nowhere']) {
        lines = []
        const { headers } = await request(app.server).get(path).set('x-request-id', 'from-the-proxy')

        expect(headers['x-request-id']).to.equal('from-the-proxy')
        await until(() => lines.some(({ msg }) => msg === 'request completed'))
        expect(new Set(lines.map(({ reqId }) => reqId)), path).to.deep.equal(new Set(['from-the-proxy']))
      }
    })

    it('makes one for a request that brings none', async () => {
      const { app } = await start()

      const { headers } = await request(app.server).get('/given/address')

      expect(headers['x-request-id']).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    })
  })

  describe('for the address of a client', () => {
    const forwarded = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'okapi.example',
    }

    it('believes a proxy that it is told to trust', async () => {
      const { app } = await serve([Given], { fastify: { trustProxy: 'loopback' } })

      const { body } = await request(app.server).get('/given/address').set(forwarded)

      expect(body).to.deep.equal({ ip: '203.0.113.7', protocol: 'https', host: 'okapi.example' })
    })

    it('believes nobody unless it is told', async () => {
      const { app } = await serve([Given])

      const { body } = await request(app.server).get('/given/address').set(forwarded)

      expect(body.ip).to.match(/127\.0\.0\.1$/)
      expect(body.protocol).to.equal('http')
    })
  })

  describe('for the access log', () => {
    it('tells of a stream when it begins, and when it is over', async () => {
      const { url } = await serve([Given], { fastify: told() })

      await (await subscribe(`${url}/given/ticks`)).rest()
      await until(() => lines.length >= 3)

      const [listening, incoming, completed] = lines
      expect(listening?.msg).to.match(/^Server listening/)
      expect(incoming).to.have.nested.property('req.url', '/given/ticks')
      expect(completed).to.include({ msg: 'request completed', reqId: incoming?.reqId })
      expect(completed).to.have.nested.property('res.statusCode', 200)
      expect(completed?.responseTime).to.be.a('number')
    })

    it('leaves out what it is told to leave out', async () => {
      const headersOf = (request: FastifyRequest) => ({ url: request.url, headers: request.headers })
      const redacted = { serializers: { req: headersOf }, redact: ['req.headers.authorization'] }
      const { app } = await serve([Given], { fastify: told(redacted) })

      await request(app.server).get('/given/address').set('authorization', 'Bearer secret').set('x-seen', 'yes')

      const { req } = lines.find(({ msg }) => msg === 'incoming request') as unknown as { req: { headers: object } }
      expect(req.headers).to.include({ authorization: '[Redacted]', 'x-seen': 'yes' })
      expect(JSON.stringify(lines)).to.not.include('secret')
    })
  })

  it('for values of a request: a hook sets one, a parameter of your own gives it', async () => {
    const { app } = await serve([Given], {
      setup: app => {
        app.decorateRequest('tenant', '')
        app.addHook('onRequest', async request => {
          request.setDecorator('tenant', request.headers['x-tenant'])
        })
      },
    })

    const answers = await Promise.all(
      ['a', 'b'].map(tenant => request(app.server).get('/given/tenant').set('x-tenant', tenant)),
    )

    expect(answers.map(answer => answer.text)).to.deep.equal(['a', 'b'])
  })

  it('for bodies of another kind: a parser of the app reads them', async () => {
    const { app } = await serve([Given], {
      setup: app => {
        app.addContentTypeParser('text/x-dots', { parseAs: 'string' }, async (_: FastifyRequest, body: string) =>
          body.split('.').map(Number),
        )
      },
    })

    const { body } = await request(app.server).post('/given/dots').type('text/x-dots').send('1.2.3')

    expect(body).to.deep.equal([1, 2, 3])
  })

  it('for TLS: the app knows a client by its certificate', async () => {
    const { key, cert } = certificate()
    const { url } = await serve([Given], {
      fastify: { https: { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true } },
    })
    const ask = (own: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const asked = { ca: cert, servername: 'localhost', agent: false, ...own }
        get(`${url.replace('http:', 'https:')}/given/peer`, asked, answer => resolve(text(answer))).on('error', reject)
      })

    expect(await ask({ key, cert })).to.equal('{"CN":"localhost"}')
    expect(await ask({}).catch(() => 'refused')).to.equal('refused')
  })
})
