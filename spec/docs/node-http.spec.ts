import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import * as sse from 'okapi/sse'
import { examplesOf } from '../support/examples.js'
import { closeServers, listen } from '../support/listen.js'
import { codesIn, proseOf } from '../support/papers.js'
import { subscribe } from '../support/subscribe.js'

const paper = 'docs/node-http.md'

describe(paper, () => {
  const { load } = examplesOf(paper)

  afterEach(closeServers)

  it('plain: streams without a framework', async () => {
    const { server } = await load<{ server: Server }>('plain')
    expect(server).to.be.instanceOf(createServer().constructor)
    const stream = await subscribe(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

    expect((await stream.take(2)).map(({ event }) => event)).to.deep.equal(['tick', 'tick'])
    stream.leave()
    server.closeAllConnections()
    server.close()
  })

  it('is right in what streamEvents takes, resolves to and rejects with', async () => {
    const done: string[] = []
    const port = await listen((request, response) => {
      const last = sse.lastEventId(request.headers) ?? 'none'
      const source = (function* () {
        if (request.url === '/failed') throw new Error('No line')
        yield `after ${last}`
      })()
      const options = { headers: { 'x-stream': 'plain' }, name: 'The plain one', retry: 5_000 }
      sse.streamEvents(request, response, source, options).then(
        () => done.push('over'),
        ({ message }) => response.writeHead(502).end(message),
      )
    })
    const url = `http://127.0.0.1:${port}`

    const stream = await subscribe(url, { headers: { 'last-event-id': '7' } })
    expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['after 7', '{"reason":"done"}'])
    expect(stream.headers.get('x-stream')).to.equal('plain')
    expect(stream.text()).to.match(/^retry: 5000\n\n/)
    expect(done).to.deep.equal(['over'])

    const failed = await fetch(`${url}/failed`)
    expect([failed.status, await failed.text()]).to.deep.equal([502, 'No line'])
    expect((await fetch(url, { headers: { 'last-event-id': 'stream.end' } })).status).to.equal(204)
  })

  it('names only what okapi/sse exports', () => {
    const named = codesIn(proseOf(paper).join('\n')).flatMap(
      code => code.match(/^(streamEvents|lastEventId)\b/)?.[1] ?? [],
    )

    expect(Object.keys(sse)).to.include.members(named)
    expect(named).to.have.length.above(1)
  })
})
