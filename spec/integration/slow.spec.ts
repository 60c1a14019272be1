import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Controller, SSE } from 'okapi'
import { closeAll, serve } from '../support/serve.js'

describe('A client that reads slowly, but reads', () => {
  afterEach(closeAll)

  it('is not cut for it, though one event takes longer than the stallTimeout', async () => {
    const length = 30_000_000
    @Controller()
    class Large {
      @SSE('/large', { stallTimeout: 200, end: false })
      *large() {
        yield 'x'.repeat(length)
      }
    }
    const { url } = await serve([Large])
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let received = 0
    let ended = false
    socket.on('close', () => {
      ended = true
    })

    for await (const piece of socket) {
      received += (piece as Buffer).length
      if (received > length) break
      await sleep(1)
    }

    expect(received).to.be.above(length)
    expect(ended).to.equal(false)
    socket.destroy()
  })
})
