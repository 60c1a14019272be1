import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import type { App } from 'okapi'
import { parse } from 'yaml'
import { certificate } from '../support/certificate.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, read, tableAfter } from '../support/papers.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const paper = 'docs/deployment.md'

describe(paper, () => {
  const { blocks, find, load } = examplesOf(paper)
  const listeners = (): number => process.listenerCount('SIGTERM')

  it('deployed: serves streams, tells how it is, and listens to signals until it is closed', async () => {
    const before = listeners()
    const { app } = await load<{ app: App }>('deployed')
    const url = urlOf(app)
    const stream = await subscribe(`${url}/clock`)

    expect(await (await fetch(`${url}/readyz`)).json()).to.deep.equal(JSON.parse(find('deployed', 'answer').code))
    expect(await stream.take(2)).to.have.length(2)
    expect(listeners()).to.equal(before + 1)

    stream.leave()
    await until(() => app.streams.size === 0)
    await app.close()
    await until(() => listeners() === before)
  })

  it('gives Kubernetes more time than closing takes', () => {
    const shown = find('deployed').code
    const [drain, spread] = ['drainDelay', 'closeSpread'].map(name =>
      Number(shown.match(new RegExp(`${name}: ([\\d_]+)`))?.[1]?.replaceAll('_', '')),
    ) as [number, number]
    const pod = parse(blocks.find(({ language }) => language === 'yaml')?.code ?? '')
    const [container] = pod.containers

    expect(pod.terminationGracePeriodSeconds * 1_000).to.be.above(drain + spread + 2_000)
    expect([container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path]).to.deep.equal(
      tableAfter(paper, '## Health').map(([path]) => codesIn(path)[0]),
    )
    expect(drain).to.be.above(container.readinessProbe.periodSeconds * 1_000)
  })

  it('tells the defaults of src', () => {
    const told = read(paper)

    expect(read('src/plugin.ts')).to.contain('closeGrace = 2_000, closeSpread = 0 ')
    expect(told)
      .to.match(/`closeSpread`, 0 by default/)
      .and.match(/`closeGrace` later, 2,000 milliseconds by default/)
    expect(read('src/signals.ts')).to.contain('drainDelay ?? 0').and.contain('deadline ?? 30_000')
    expect(told)
      .to.match(/`drainDelay`, 0 by default/)
      .and.match(/`deadline`, 30,000 milliseconds by default/)
    expect(read('src/health.ts')).to.contain('timeout = 1_000')
    expect(told).to.match(/`timeout`, 1,000 milliseconds by default/)
  })

  it('own app: listens to signals as well, and tells how it is', async () => {
    const before = listeners()
    const { app } = await load<{ app: FastifyInstance }>('own app')
    await app.listen({ port: 0, host: '127.0.0.1' })

    const { status } = await fetch(`${urlOf(app)}/readyz`)

    expect(status).to.equal(200)
    expect(listeners()).to.equal(before + 1)
    await app.close()
    await until(() => listeners() === before)
  })

  it('tls: speaks HTTP/2 over TLS', async () => {
    const { key, cert } = certificate()
    const folder = await mkdtemp(join(tmpdir(), 'okapi-tls-'))
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert)])
    Object.assign(process.env, { TLS_KEY: keyFile, TLS_CERT: certFile })
    const { app } = await load<{ app: FastifyInstance }>('tls')
    delete process.env.TLS_KEY
    delete process.env.TLS_CERT
    await rm(folder, { recursive: true })
    await app.listen({ port: 0, host: '127.0.0.1' })

    const client = connect(urlOf(app).replace('http:', 'https:'), { ca: cert, servername: 'localhost' })
    const answer = await text(client.request({ ':path': '/status' }))
    client.destroy()
    await app.close()

    expect(answer).to.equal('{"up":true}')
  })

  it('ids: gives back the id of the proxy, or one of its own', async () => {
    const { app } = await load<{ app: FastifyInstance }>('ids')
    const idOf = async (headers = {}) => (await app.inject({ url: '/status', headers })).headers['x-request-id']

    expect(await idOf({ 'x-request-id': 'from-the-proxy' })).to.equal('from-the-proxy')
    expect(await idOf()).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    await app.close()
  })
})

function urlOf({ server }: FastifyInstance): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
