import { expect } from 'chai'
import request from 'supertest'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, startSample } from '../support/sample.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

describe('Chat', () => {
  afterEach(closeSamples)

  function post(message: unknown): RequestInit {
    return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) }
  }

  it('answers word by word, and says when it is done', async () => {
    const { url, clock } = await startSample()
    const stream = await subscribe(`${url}/chat`, post('Is it\nraining?'))

    const events = await stream.rest()

    const last = events.pop()
    expect(events.map(({ data }) => data).join('')).to.match(/^You said: Is it\nraining\?\n\nI am .* for nobody\.$/)
    expect(events.slice(0, 3).map(({ data }) => data)).to.deep.equal(['You ', 'said: ', 'Is '])
    expect([last?.event, last?.data]).to.deep.equal(['done', ''])
    expect(clock.waits).to.deep.equal(Array(events.length).fill(60))
  })

  it('stops as soon as the client leaves', async () => {
    const { app, url, clock } = await startSample({ clock: new FastClock(0.001) })
    const stream = await subscribe(`${url}/chat`, post('Hello'))
    await stream.take(1)

    stream.leave()

    await until(() => app.streams.size === 0 && clock.waiting === 0)
    expect(clock.waits).to.have.length(1)
  })

  for (const [what, message, constraint] of [
    ['no message', undefined, 'isString'],
    ['an empty message', '', 'isNotEmpty'],
    ['a message of 501 characters', 'x'.repeat(501), 'maxLength'],
    ['a message that is no text', 7, 'isString'],
  ]) {
    it(`refuses ${what}`, async () => {
      const { app } = await startSample()

      const response = await request(app.server).post('/chat').send({ message })

      expect(response.status).to.equal(400)
      expect(response.type).to.equal('application/problem+json')
      expect(response.body.errors.map((issue: { constraint: string }) => issue.constraint)).to.include(constraint)
    })
  }

  it('answers a POST only', async () => {
    const { app } = await startSample()

    await request(app.server).get('/chat').expect(405).expect('allow', 'POST')
  })
})
