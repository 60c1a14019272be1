import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Controller, closeOnSignals, Get } from 'okapi'
import { killChildren, startChild } from './support/child.js'
import { closeAll, serve } from './support/serve.js'
import { subscribe } from './support/subscribe.js'
import { until } from './support/until.js'

describe('An app that closes on signals', () => {
  afterEach(killChildren)

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`says goodbye to its streams on ${signal}, runs its hooks, and ends with exit code 0`, async () => {
      const child = await startChild()
      const stream = await subscribe(`${child.url}/stream`)
      await stream.take(1)

      child.signal(signal)

      expect((await stream.rest()).map(({ event, data }) => [event, data])).to.deep.equal([
        ['stream:end', '{"reason":"closing"}'],
      ])
      expect(await child.exit).to.equal(0)
      expect(child.told).to.deep.equal(['closed'])
    })
  }

  it('does so for an app that is watched by closeOnSignals', async () => {
    const child = await startChild({ late: true })

    child.signal('SIGTERM')

    expect(await child.exit).to.equal(0)
    expect(child.told).to.deep.equal(['closed'])
  })

  it('lets a request finish', async () => {
    const child = await startChild()
    const answer = fetch(`${child.url}/slow`)
    await child.tells('asked')

    child.signal('SIGTERM')
    for (let listens = true; listens; ) {
      listens = await fetch(`${child.url}/quick`).then(
        () => true,
        () => false,
      )
    }
    child.say('finish')

    expect(await (await answer).text()).to.equal('finished')
    expect(await child.exit).to.equal(0)
  })

  it('says that it is not ready first, refuses streams, and answers all else, until the balancer has noticed', async () => {
    const child = await startChild({ signals: { drainDelay: 1_500 } })
    const stream = await subscribe(`${child.url}/stream`)
    await stream.take(1)
    expect((await fetch(`${child.url}/readyz`)).status).to.equal(200)

    child.signal('SIGTERM')
    for (let ready = 200; ready !== 503; ) ready = (await fetch(`${child.url}/readyz`)).status
    const live = await fetch(`${child.url}/healthz`)
    const quick = await fetch(`${child.url}/quick`)
    const refused = await fetch(`${child.url}/stream`)
    const gentle = await subscribe(`${child.url}/stream`, { headers: { accept: 'text/event-stream' } })

    expect([live.status, quick.status, refused.status, gentle.status]).to.deep.equal([200, 200, 503, 200])
    expect(refused.headers.get('retry-after')).to.match(/^[123]$/)
    expect((await gentle.rest()).map(({ data }) => data)).to.deep.equal(['{"reason":"closing"}'])
    expect(stream.text(), 'who is in stays until it closes').to.equal('data: begun\n\n')
    expect((await stream.rest()).at(-1)?.data).to.equal('{"reason":"closing"}')
    expect(await child.exit).to.equal(0)
  })

  it('spreads its goodbyes, and does not wait for the rest of the time when all are told', async () => {
    const child = await startChild({ signals: true, closeSpread: 60_000 })
    const source = new EventSource(`${child.url}/stream`)
    const reasons: string[] = []
    source.addEventListener('stream:end', ({ data }) => reasons.push(data))
    await new Promise(resolve => source.addEventListener('message', resolve))

    child.signal('SIGTERM')
    await until(() => reasons.length > 0)

    expect(source.readyState).not.to.equal(source.CLOSED)
    source.close()
    expect(await child.exit).to.equal(0)
  })

  for (const [first, second] of [
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const) {
    it(`is cut at once by ${second} after ${first}, with exit code 1`, async () => {
      const child = await startChild({ signals: { drainDelay: 60_000 } })
      const stream = await subscribe(`${child.url}/stream`)
      await stream.take(1)

      child.signal(first)
      for (let ready = 200; ready !== 503; ) ready = (await fetch(`${child.url}/readyz`)).status
      child.signal(second)

      expect(await child.exit).to.equal(1)
      expect(await stream.rest().catch(() => 'cut')).to.equal('cut')
    })
  }

  it('is cut by a second Ctrl-C, but takes two at the same moment for one: npm passes its own on', async () => {
    const child = await startChild({ signals: { drainDelay: 60_000 } })
    const begin = Date.now()
    let over = false
    child.exit.then(() => {
      over = true
    })

    while (!over) {
      child.signal('SIGINT')
      await sleep(10)
    }

    expect(await child.exit).to.equal(1)
    expect(Date.now() - begin).to.be.at.least(100)
  })

  it('waits for a request no longer than the deadline, and ends with exit code 1', async () => {
    const child = await startChild({ signals: { deadline: 50 } })
    const answer = fetch(`${child.url}/slow`).catch(() => 'cut')
    await child.tells('asked')

    child.signal('SIGTERM')

    expect(await child.exit).to.equal(1)
    expect(await answer).to.equal('cut')
  })

  it('ends with exit code 1 if a hook fails', async () => {
    const child = await startChild({ signals: true, breaks: true })

    child.signal('SIGTERM')

    expect(await child.exit).to.equal(1)
    expect(child.told).to.deep.equal(['closed'])
  })

  it('closes every app of its process before it ends', async () => {
    const child = await startChild({ signals: true, twice: true })
    const streams = await Promise.all(child.urls.map(url => subscribe(`${url}/stream`)))

    child.signal('SIGTERM')

    for (const stream of streams) expect((await stream.rest()).at(-1)?.data).to.equal('{"reason":"closing"}')
    expect(await child.exit).to.equal(0)
    expect(child.told).to.deep.equal(['closed', 'closed'])
  })

  it('leaves signals alone once it has closed by itself', async () => {
    const child = await startChild()
    child.say('close')
    await child.tells('closed')

    // The default of a process that listens to no signal. It is told again until it has let go.
    let over = false
    child.exit.then(() => {
      over = true
    })
    while (!over) {
      child.signal('SIGTERM')
      await sleep(5)
    }

    expect(await child.exit).to.equal('SIGTERM')
  })

  it('leaves signals alone if nobody asked', async () => {
    const child = await startChild({})

    child.signal('SIGTERM')

    expect(await child.exit).to.equal('SIGTERM')
    expect(child.told).to.deep.equal([])
  })
})

describe('closeOnSignals', () => {
  @Controller()
  class Plain {
    @Get()
    plain() {
      return 'plain'
    }
  }

  const count = (): number[] => ['SIGTERM', 'SIGINT'].map(signal => process.listenerCount(signal))

  afterEach(closeAll)

  it('listens once for all apps of the process, and no more when they have closed', async () => {
    const before = count()
    const [one, two] = [await serve([Plain]), await serve([Plain], { signals: {} })]
    closeOnSignals(one.app)
    expect(count()).to.deep.equal(before.map(number => number + 1))

    await one.app.close()
    expect(count()).to.deep.equal(before.map(number => number + 1))
    await two.app.close()
    await until(() => count().join() === before.join())
  })
})
