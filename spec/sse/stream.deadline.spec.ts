import { mock } from 'node:test'
import { expect } from 'chai'
import type { StreamOptions } from 'okapi/sse'
import type { EventStream } from '../../src/sse/stream.js'
import { closeServers } from '../support/listen.js'
import { never, type Recorder, streaming } from '../support/streaming.js'
import { until } from '../support/until.js'
import { ask, leaveAll, type Wire } from '../support/wire.js'

/** An open stream whose source waits. */
async function opened(options: StreamOptions = {}, method = 'GET'): Promise<Opened> {
  const seen = { returned: 0 }
  const served = await streaming(
    stream => {
      stream.from({
        next: () => never,
        return: () => {
          seen.returned++
          return undefined
        },
      })
    },
    { headDelay: 0, ...options },
  )
  const wire = ask(served.port, { method })
  await wire.sees(': open')
  return { wire, host: served.host, stream: served.streams[0] as EventStream, seen }
}

interface Opened {
  wire: Wire
  host: Recorder
  stream: EventStream
  seen: { returned: number }
}

const end = (reason: string) =>
  new RegExp(`^event: stream:end\\nretry: [1-5]\\d{3}\\ndata: \\{"reason":"${reason}"\\}\\n\\n$`)

describe('EventStream, with its time up', () => {
  afterEach(async () => {
    mock.reset()
    leaveAll()
    await closeServers()
  })

  it('ends after its longest duration, says so, and asks its client to come back', async () => {
    const { wire, host, stream, seen } = await opened({ maxDuration: 20 })
    const { signal } = stream

    await wire.ends()

    expect(wire.chunks[1]).to.match(end('duration'))
    expect(seen.returned).to.equal(1)
    expect(signal.aborted).to.equal(true)
    await until(() => host.over.length === 1)
  })

  for (const options of [{ end: false }, { end: 'id' }, {}] as const) {
    it(`says so over POST with ${JSON.stringify(options)}, too`, async () => {
      const { wire } = await opened({ maxDuration: 1, ...options }, 'POST')

      await wire.ends()

      expect(wire.chunks[1]).to.match(end('duration'))
    })
  }

  it('ends in the last tenth of its longest duration, each at a moment of its own', async () => {
    const { stream } = await opened()
    const times: number[] = []
    mock.method(stream, 'endAt', (at: number) => times.push(at))
    Object.assign(stream.options, { maxDuration: 10_000 })
    const now = Date.now()
    mock.method(Date, 'now', () => now)

    for (let n = 0; n < 100; n++) stream.open({})

    for (const time of times) expect(time - now).to.be.within(9_000, 10_000)
    expect(new Set(times).size).to.be.above(50)
  })

  it('ends at a time that somebody else sets, for a reason of its own', async () => {
    const { wire, stream } = await opened()

    stream.endAt(Date.now() + 1, 'expired')
    await wire.ends()

    expect(wire.chunks[1]).to.match(end('expired'))
  })

  it('ends for the earliest of several times, whatever their order', async () => {
    const [one, two] = [await opened(), await opened()]
    const soon = Date.now() + 10

    one.stream.endAt(soon, 'expired')
    one.stream.endAt(soon + 60_000, 'duration')
    two.stream.endAt(soon + 60_000, 'duration')
    two.stream.endAt(soon, 'expired')
    await Promise.all([one.wire.ends(), two.wire.ends()])

    expect(one.wire.chunks[1]).to.match(end('expired'))
    expect(two.wire.chunks[1]).to.match(end('expired'))
  })

  it('has no time any more when it is over', async () => {
    const { wire, host, stream } = await opened({ maxDuration: 60_000 })

    wire.leave()
    await until(() => host.over.length === 1)
    stream.endAt(Date.now(), 'expired')
    stream.endNow()

    expect(stream.closed).to.equal(true)
    expect(host.over).to.deep.equal([stream])
  })

  it('is refused if the time comes before its head', async () => {
    const { port, streams } = await streaming(stream => stream.from({ next: () => never }))
    const wire = ask(port)
    await until(() => streams.length === 1)

    streams[0]?.endAt(0, 'expired')

    await wire.sees('HTTP/1.1 500')
  })
})
