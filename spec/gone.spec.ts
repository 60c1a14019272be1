import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { isGone } from '../src/gone.js'
import { askHttp2, leaveAllHttp2 } from './support/ask-http2.js'
import { latch } from './support/latch.js'
import { closeServers, listen, listenHttp2 } from './support/listen.js'
import { until } from './support/until.js'
import { ask, leaveAll } from './support/wire.js'

describe('isGone', () => {
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeServers()
  })

  it('is true once the client has left, also of an answer that waits behind another', async () => {
    const opened = latch<ServerResponse[]>()
    const responses: ServerResponse[] = []
    const port = await listen((_, response) => {
      if (responses.push(response) === 2) opened.open(responses)
    })
    const wire = ask(port)
    wire.ask({})
    const both = await opened.promise
    expect(both.map(isGone)).to.deep.equal([false, false])

    leaveAll()
    await until(() => both.every(isGone))
  })

  it('knows the streams of HTTP/2', async () => {
    const opened = latch<Parameters<typeof isGone>[0]>()
    const port = await listenHttp2((_, response) => opened.open(response))
    askHttp2(port)
    const response = await opened.promise
    expect(isGone(response)).to.equal(false)

    leaveAllHttp2()
    await until(() => isGone(response))
  })
})
