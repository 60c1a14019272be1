import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { type AppOptions, Controller, createApp, Get, type HealthOptions, okapi } from 'okapi'
import { latch } from './support/latch.js'
import { type LogLine, logger } from './support/logged.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

@Controller()
class Plain {
  @Get('/plain')
  plain() {
    return 'plain'
  }
}

describe('health', () => {
  const start = (health: AppOptions['health'], options: Partial<AppOptions> = {}) =>
    serve([Plain], { health: health as HealthOptions, ...options })
  const ask = async (url: string): Promise<unknown[]> => {
    const response = await fetch(url)
    return [response.status, await response.json()]
  }

  afterEach(closeAll)

  it('is not there unless it is asked for', async () => {
    const { url } = await start(false)

    for (const path of ['/healthz', '/readyz']) expect((await fetch(url + path)).status).to.equal(404)
  })

  it('tells that the app lives and is ready, and is never cached', async () => {
    const { url } = await start(true)

    expect(await ask(`${url}/healthz`)).to.deep.equal([200, { status: 'ok' }])
    expect(await ask(`${url}/readyz`)).to.deep.equal([200, { status: 'ready' }])
    for (const path of ['/healthz', '/readyz']) {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(url + path, { method })
        expect([response.status, response.headers.get('cache-control')]).to.deep.equal([200, 'no-store'])
      }
    }
  })

  it('tells it at other paths', async () => {
    const { url } = await start({ live: '/live', ready: '/ready' })

    expect(await ask(`${url}/live`)).to.deep.equal([200, { status: 'ok' }])
    expect(await ask(`${url}/ready`)).to.deep.equal([200, { status: 'ready' }])
  })

  it('tells it below the prefix of the plugin', async () => {
    const { app } = await start(false, {
      setup: async app => {
        await app.register(okapi, { controllers: [Plain], health: true, prefix: '/api' })
      },
    })

    expect((await app.inject('/api/readyz')).statusCode).to.equal(200)
  })

  it('is not ready while the app starts, though somebody may ask', async () => {
    const seen: unknown[] = []
    const app = await createApp({
      controllers: [Plain],
      health: true,
      fastify: { logger: false },
      setup: app => {
        app.addHook('onReady', async () => {
          await new Promise<void>(resolve => app.server.listen(0, '127.0.0.1', resolve))
          const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
          seen.push(await ask(`${url}/readyz`), await ask(`${url}/healthz`))
        })
      },
    })

    expect(seen).to.deep.equal([
      [503, { status: 'starting' }],
      [200, { status: 'ok' }],
    ])
    expect((await app.inject('/readyz')).statusCode).to.equal(200)
    await new Promise(resolve => app.server.close(resolve))
    await app.close()
  })

  it('is not ready when no streams are taken any more', async () => {
    const { app, url } = await start({ checks: { never: () => expect.fail() } })

    app.streams.stopAdmitting()

    expect(await ask(`${url}/readyz`)).to.deep.equal([503, { status: 'closing' }])
    expect(await ask(`${url}/healthz`)).to.deep.equal([200, { status: 'ok' }])
  })

  it('asks the checks, and names each with how it went', async () => {
    const checks: Record<string, () => unknown> = {
      nothing: () => undefined,
      promised: async () => 'anything',
      true: () => true,
    }
    const { url } = await start({ checks })
    expect(await ask(`${url}/readyz`)).to.deep.equal([
      200,
      { status: 'ready', checks: { nothing: 'ok', promised: 'ok', true: 'ok' } },
    ])
  })

  it('is not ready while a check fails, whichever way, and gives nothing away', async () => {
    const { url } = await start({
      checks: {
        well: () => true,
        false: () => false,
        throws: () => {
          throw new Error('password of the database')
        },
        rejects: () => Promise.reject(new Error('secret')),
      },
    })

    expect(await ask(`${url}/readyz`)).to.deep.equal([
      503,
      { status: 'unready', checks: { well: 'ok', false: 'failed', throws: 'failed', rejects: 'failed' } },
    ])
  })

  it('does not wait for a check longer than its time, and does not ask it again meanwhile', async () => {
    const answer = latch<boolean>()
    let asked = 0
    const { url } = await start({
      timeout: 10,
      checks: {
        slow: () => {
          asked++
          return answer.promise
        },
      },
    })

    for (const _ of [1, 2]) {
      expect(await ask(`${url}/readyz`)).to.deep.equal([503, { status: 'unready', checks: { slow: 'timeout' } }])
    }
    expect(asked).to.equal(1)

    answer.open(true)
    expect(await ask(`${url}/readyz`)).to.deep.equal([200, { status: 'ready', checks: { slow: 'ok' } }])
    expect((await fetch(`${url}/readyz`)).status).to.equal(200)
    expect(asked).to.be.above(1)
  })

  it('logs why a check fails once, until it works again', async () => {
    const lines: LogLine[] = []
    let works = false
    const { url } = await start({ checks: { base: () => works } }, { fastify: { logger: logger(lines) } })
    const told = () => lines.filter(({ msg }) => msg === 'A health check failed').map(({ check }) => check)

    for (const _ of [1, 2, 3]) await ask(`${url}/readyz`)
    expect(told()).to.deep.equal(['base'])

    works = true
    await ask(`${url}/readyz`)
    works = false
    await ask(`${url}/readyz`)
    expect(told()).to.deep.equal(['base', 'base'])
  })

  it('does not fill the log with probes', async () => {
    const lines: LogLine[] = []
    const { url } = await start(true, { fastify: { logger: { ...logger(lines), level: 'info' } } })

    await ask(`${url}/healthz`)
    await ask(`${url}/readyz`)
    await fetch(`${url}/plain`)

    expect(lines.filter(({ msg }) => msg === 'incoming request')).to.have.length(1)
  })

  it('refuses a path without its slash, and a check that is none, at boot', async () => {
    expect(await refusal([Plain], { health: { live: 'live' } })).to.equal(
      "option health: the path 'live' lacks the leading slash",
    )
    expect(await refusal([Plain], { health: { checks: { base: true as never } } })).to.equal(
      'option health, check base: is no function',
    )
  })
})
