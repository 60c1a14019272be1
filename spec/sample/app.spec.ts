import { expect } from 'chai'
import { streams } from '../../sample/streams.js'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, startSample } from '../support/sample.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('createSample', () => {
  afterEach(closeSamples)

  for (const { url: path, types } of streams) {
    it(`serves ${path} as an event stream of the types ${types.join(', ')}, which leaves nothing behind`, async () => {
      const { app, url, clock } = await startSample()
      const stream = await subscribe(`${url}${path}`)

      const events = await stream.take(6)
      stream.leave()

      const seen = new Set(events.map(({ event = 'message' }) => event))
      seen.delete('stream:end')
      expect(stream.status).to.equal(200)
      expect(stream.headers.get('content-type')).to.equal('text/event-stream')
      expect([...seen]).to.deep.equal(types)
      await until(() => app.streams.size === 0 && clock.waiting === 0)
    })
  }

  for (const { url: path } of streams.filter(({ url }) => url !== '/images' && url !== '/xml-events')) {
    it(`ends the wait of ${path} as soon as the client leaves`, async () => {
      const { app, url, clock } = await startSample({ clock: new FastClock(0.001) })
      const stream = await subscribe(`${url}${path}`)
      await until(() => clock.waiting === 1)

      stream.leave()

      await until(() => app.streams.size === 0 && clock.waiting === 0)
    })
  }

  it('answers a client that comes back to /messages with those it has missed', async () => {
    const { url } = await startSample()
    const stream = await subscribe(`${url}/messages`, { headers: { 'last-event-id': 'msg-2' } })

    const events = await stream.rest()

    expect(events.map(({ id }) => id)).to.deep.equal(['msg-3', 'msg-4', 'stream.end'])
  })

  it('answers a client that comes back to /messages with an id it never sent from the start', async () => {
    const { url } = await startSample()
    const stream = await subscribe(`${url}/messages`, { headers: { 'last-event-id': 'msg-99' } })

    const events = await stream.take(1)
    stream.leave()

    expect(events.map(({ id }) => id)).to.deep.equal(['msg-0'])
  })
})
