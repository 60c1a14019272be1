import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import type { App } from 'okapi'
import { examplesOf } from '../support/examples.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('docs/deployment.md', () => {
  const { find, load } = examplesOf('docs/deployment.md')
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
})

function urlOf({ server }: FastifyInstance): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
