import { type IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'chai'
import { openSink, type Sink, type StreamResponse } from '../../src/sse/sink.js'
import { askHttp2, leaveAllHttp2 } from '../support/ask-http2.js'
import { framed } from '../support/hand-feed.js'
import { latch } from '../support/latch.js'
import { closeServers, listen, listenHttp2 } from '../support/listen.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

const headers = { 'content-type': 'text/event-stream' }

/** Writes until the reader does not take it all. */
function fill(sink: Sink): void {
  const text = 'x'.repeat(10_000_000)
  for (let n = 0; sink.write(text, false); n++) if (n === 10) throw new Error('It takes everything')
}

describe('openSink', () => {
  afterEach(async () => {
    leaveAll()
    leaveAllHttp2()
    await closeServers()
  })

  /** Serves sinks; `use` is given each of them. */
  function serveSinks(use: (sink: Sink, response: ServerResponse, request: IncomingMessage) => void): Promise<number> {
    return listen((request, response) => use(openSink(response, headers), response, request))
  }

  /** Serves one sink, which is returned with its response when somebody has asked for it. */
  async function serveSink(open: (respond: (response: StreamResponse) => void) => Promise<number>) {
    const opened = latch<{ sink: Sink; response: StreamResponse }>()
    const port = await open(response => opened.open({ sink: openSink(response, headers), response }))
    return { port, opened: opened.promise }
  }

  it('sends the head, with the status and the headers that the response has already', async () => {
    const port = await listen((_, response) => {
      response.statusCode = 203
      response.setHeader('Set-Cookie', 'a=1')
      openSink(response, headers).write('data: 1\n\n', true)
    })

    const wire = ask(port)
    await wire.ends()

    expect(wire.head).to.match(/^HTTP\/1\.1 203 /)
    expect(wire.head).to.contain('\r\nSet-Cookie: a=1\r\n').and.contain('\r\ncontent-type: text/event-stream\r\n')
  })

  it('frames each write as one chunk, sized in bytes', async () => {
    const port = await serveSinks(sink => {
      sink.write('data: a\n\n', false)
      sink.write('data: größe 😀\n\n', false)
      sink.write('data: \xFF\n\n', true)
    })

    const wire = ask(port)
    await wire.ends()

    expect(wire.body).to.equal('9\r\ndata: a\n\n\r\n14\r\ndata: größe 😀\n\n\r\na\r\ndata: \xFF\n\n\r\n0\r\n\r\n')
  })

  it('sends bytes as they are: in a chunk, or bare to a client of HTTP/1.0', async () => {
    const port = await serveSinks(sink => {
      sink.write('', false)
      sink.send(Buffer.from('größe'), false)
      sink.send(Buffer.from('!'), true)
    })
    const [wire, old] = [ask(port), ask(port, { version: '1.0' })]
    await wire.ends()
    await old.closes()

    expect(wire.body).to.equal('7\r\ngröße\r\n1\r\n!\r\n0\r\n\r\n')
    expect(old.body).to.equal('größe!')
  })

  it('says whether bytes that leave as they are were taken', async () => {
    const { port, opened } = await serveSink(respond => listen((_, response) => respond(response)))
    ask(port).pause()
    const { sink } = await opened
    sink.write('', false)

    expect(sink.send(Buffer.from('a'), false)).to.equal(true)
    expect(sink.send(Buffer.alloc(50_000_000), false)).to.equal(false)
  })

  it('writes a head in UTF-8, whatever the text behind it', async () => {
    for (const text of ['a', 'ä']) {
      const port = await listen((_, response) => openSink(response, { ...headers, 'x-name': 'café' }).write(text, true))

      const wire = ask(port)
      await wire.ends()

      expect(wire.head).to.contain('\r\nx-name: café')
    }
  })

  it('sends the trailers that the head announces', async () => {
    const port = await listen((_, response) => {
      response.addTrailers({ 'x-sum': '1' })
      openSink(response, { ...headers, trailer: 'x-sum' }).write('data: 1\n\n', true)
    })

    const wire = ask(port)
    await wire.sees('x-sum: 1')

    expect(wire.body).to.equal('9\r\ndata: 1\n\n\r\n0\r\nx-sum: 1\r\n\r\n')
  })

  it('sends half a character as U+FFFD', async () => {
    const port = await serveSinks(sink => sink.write('data: \uD800\n\n', true))

    const wire = ask(port)
    await wire.ends()

    expect(wire.chunks).to.deep.equal(['data: \uFFFD\n\n', ''])
  })

  it('sends no chunk for no text, which would end the body', async () => {
    const port = await serveSinks(sink => {
      sink.write('', false)
      sink.write('data: 1\n\n', false)
      sink.write('', true)
    })

    const wire = ask(port)
    await wire.ends()

    expect(wire.chunks).to.deep.equal(['data: 1\n\n', ''])
  })

  it('sends the head alone when the text comes later', async () => {
    const { port, opened } = await serveSink(respond => listen((_, response) => respond(response)))
    const wire = ask(port)
    const { sink } = await opened

    sink.write('', false)
    await wire.sees('\r\n\r\n')
    expect(wire.body).to.equal('')

    sink.write('data: 1\n\n', true)
    await wire.ends()
    expect(wire.chunks).to.deep.equal(['data: 1\n\n', ''])
  })

  it('says that everything was taken as soon as the system has it, however much that is', async () => {
    const taken = latch<boolean>()
    const port = await serveSinks(sink => taken.open(sink.write('x'.repeat(100_000), false)))

    ask(port)

    expect(await taken.promise).to.equal(true)
  })

  it('keeps the connection for the next request', async () => {
    const port = await serveSinks((sink, _, { url }) => sink.write(`data: ${url}\n\n`, true))
    const wire = ask(port, { path: '/1' })
    await wire.ends()

    wire.ask({ path: '/2' })
    await wire.sees('data: /2\n\n\r\n0\r\n\r\n')

    expect(wire.text.split('HTTP/1.1 200 OK')).to.have.length(3)
    expect(wire.text).to.contain('a\r\ndata: /1\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n')
  })

  it('frames nothing for a client of HTTP/1.0, and closes the connection behind the end', async () => {
    const port = await serveSinks(sink => {
      sink.write('data: ü\n\n', false)
      sink.write('data: 2\n\n', true)
    })

    const wire = ask(port, { version: '1.0' })
    await wire.closes()

    expect(wire.head).to.contain('\r\nConnection: close').and.not.contain('chunked')
    expect(wire.body).to.equal('data: ü\n\ndata: 2\n\n')
  })

  for (const [name, open] of [
    ['HTTP/1.1', (respond: (response: StreamResponse) => void) => listen((_, response) => respond(response))],
    ['HTTP/2', (respond: (response: StreamResponse) => void) => listenHttp2((_, response) => respond(response))],
  ] as const) {
    describe(`Over ${name}`, () => {
      it('says when the reader has not taken everything, and calls back once it has', async () => {
        const { port, opened } = await serveSink(open)
        const reader = name === 'HTTP/2' ? askHttp2(port) : ask(port)
        reader.pause()
        const { sink } = await opened
        let drains = 0

        fill(sink)
        sink.drained(() => drains++)
        await turns(20)
        expect(drains).to.equal(0)

        reader.resume()
        while (drains === 0) await turns(1)
        await turns(20)
        expect(drains).to.equal(1)
      })

      it('does not call back when the reader is gone', async () => {
        const { port, opened } = await serveSink(open)
        const reader = name === 'HTTP/2' ? askHttp2(port) : ask(port)
        reader.pause()
        const { sink, response } = await opened
        const closed = new Promise<void>(resolve => response.once('close', resolve))
        let drains = 0
        fill(sink)
        sink.drained(() => drains++)

        reader.leave()

        await closed
        await turns(5)
        expect(drains).to.equal(0)
      })
    })
  }

  it('does not get ahead of the answers before it on the same connection', async () => {
    const first = latch<ServerResponse>()
    const port = await listen((request, response) => {
      if (request.url === '/first') first.open(response)
      else openSink(response, headers).write('data: second\n\n', true)
    })
    const wire = ask(port, { path: '/first' }).ask({ path: '/second' })

    const response = await first.promise
    await turns(20)
    expect(wire.text).to.equal('')
    response.end('first')

    await wire.sees('\r\n\r\ne\r\ndata: second\n\n\r\n0\r\n\r\n')
    expect(wire.text).to.contain('\r\n\r\nfirstHTTP/1.1 200 OK\r\n')
  })

  describe('A response whose write() or end() was replaced', () => {
    it('is written through, so that what replaced it sees the text', async () => {
      const seen: unknown[] = []
      const port = await listen((_, response) => {
        response.write = (...args: unknown[]) => {
          seen.push(args[0])
          return Reflect.apply(ServerResponse.prototype.write, response, [String(args[0]).toUpperCase()])
        }
        const sink = openSink(response, headers)
        sink.write('data: a\n\n', false)
        sink.write('data: b\n\n', true)
      })

      const wire = ask(port)
      await wire.ends()

      expect(seen).to.deep.equal(['data: a\n\n', 'data: b\n\n'])
      expect(wire.chunks).to.deep.equal(['DATA: A\n\n', 'DATA: B\n\n', ''])
    })

    it('sends its head alone when the text comes later', async () => {
      const port = await listen((_, response) => {
        response.write = ServerResponse.prototype.write.bind(response)
        openSink(response, headers)
      })

      const wire = ask(port)
      await wire.sees('\r\n\r\n')

      expect(wire.head).to.contain('content-type: text/event-stream')
      expect(wire.body).to.equal('')
    })

    it('is ended through it', async () => {
      const port = await listen((_, response) => {
        response.end = () => Reflect.apply(ServerResponse.prototype.end, response, ['data: more\n\n'])
        openSink(response, headers).write('data: a\n\n', true)
      })

      const wire = ask(port)
      await wire.ends()

      expect(wire.chunks).to.deep.equal(['data: a\n\n', 'data: more\n\n', ''])
    })
  })

  it('still has a number for what waits when the connection is gone', async () => {
    const queued = latch<number>()
    const port = await listen((_, response) => {
      const sink = openSink(response, headers)
      response.socket?.destroy()
      queued.open(sink.queued())
    })
    ask(port)

    expect(await queued.promise).to.be.at.least(0)
  })

  it('sends the head of HTTP/2 alone when the text comes later', async () => {
    const port = await listenHttp2((_, response) => void openSink(response, headers))

    const answer = askHttp2(port)

    await until(() => answer.headers[':status'] === 200)
    expect(answer.text()).to.equal('')
  })

  it('writes through the response of HTTP/2', async () => {
    const port = await listenHttp2((_, response) => {
      const sink = openSink(response, headers)
      sink.write('data: größe\n\n', false)
      sink.write('', true)
    })

    const answer = askHttp2(port)
    await answer.sees('\n\n')

    expect(answer.headers).to.include({ ':status': 200, 'content-type': 'text/event-stream' })
    expect(answer.text()).to.equal('data: größe\n\n')
  })

  it('sends bytes as they are over HTTP/2, down to a single one', async () => {
    const port = await listenHttp2((_, response) => {
      const sink = openSink(response, headers)
      sink.send(Buffer.from('größe'), false)
      sink.send(Buffer.from('!'), false)
      sink.send(Buffer.alloc(0), true)
    })

    const answer = askHttp2(port)
    await until(answer.over)

    expect(answer.text()).to.equal('größe!')
  })

  describe('Chunks that are framed already', () => {
    it('leave as they are, in order with what is written', async () => {
      const port = await serveSinks(sink => {
        sink.write(': open\n\n', false)
        sink.relay(Buffer.from('9\r\ndata: a\n\n\r\n'))
        sink.relay(Buffer.from('a\r\ndata: \xFF\n\n\r\n'))
        sink.write('data: b\n\n', true)
      })

      const wire = ask(port)
      await wire.ends()

      expect(wire.chunks).to.deep.equal([': open\n\n', 'data: a\n\n', 'data: \xFF\n\n', 'data: b\n\n', ''])
    })

    it('are taken, or waited for, like others', async () => {
      const { port, opened } = await serveSink(respond => listen((_, response) => respond(response)))
      const wire = ask(port).pause()
      const { sink } = await opened
      let drains = 0
      expect(sink.write('', false)).to.equal(true)
      expect(sink.relay(framed(': small\n\n'))).to.equal(true)

      expect(sink.relay(framed('x'.repeat(100_000_000)))).to.equal(false)
      sink.drained(() => drains++)
      await turns(20)
      expect(drains).to.equal(0)

      wire.resume()
      await until(() => drains === 1)
    })

    it('go only where the body is chunked and the socket is ours', async () => {
      const relays: Record<string, boolean> = {}
      const port = await serveSinks((sink, response, { url, httpVersion }) => {
        relays[`${url} ${httpVersion}`] = sink.relays
        response.end()
      })
      const replaced = await listen((_, response) => {
        response.write = ServerResponse.prototype.write.bind(response)
        relays.replaced = openSink(response, headers).relays
        response.end()
      })
      const http2 = await listenHttp2((_, response) => {
        relays.http2 = openSink(response, headers).relays
        response.end()
      })

      const wires = [ask(port), ask(port, { version: '1.0' }), ask(replaced)]
      const answer = askHttp2(http2)
      for (const wire of wires) await wire.sees('\r\n\r\n')
      await until(answer.over)

      expect(relays).to.deep.equal({ '/ 1.1': true, '/ 1.0': false, replaced: false, http2: false })
    })

    it('are refused everywhere else', async () => {
      const outcome = latch<unknown>()
      const port = await listenHttp2((_, response) => {
        const sink = openSink(response, headers)
        try {
          sink.relay(framed(': a\n\n'))
        } catch (error) {
          outcome.open(error)
        }
        response.end()
      })
      askHttp2(port)

      expect(await outcome.promise).to.be.an.instanceOf(TypeError)
    })
  })

  describe('A connection that serves no further request', () => {
    it('gives its parser back, once the request has been read', async () => {
      const { port, opened } = await serveSink(respond => listen((_, response) => respond(response)))
      const wire = ask(port)
      const { sink, response } = await opened
      const socket = response.socket as unknown as { parser: object | null }

      sink.slim()
      expect(socket.parser).to.equal(null)

      sink.write('data: 1\n\n', true)
      await wire.ends()
    })

    it('keeps its parser while the request is on its way', async () => {
      const { port, opened } = await serveSink(respond => listen((_, response) => respond(response)))
      const wire = ask(port, { method: 'POST', headers: { 'Content-Length': '5' } })
      const { sink, response } = await opened
      const socket = response.socket as unknown as { parser: object | null }

      sink.slim()
      expect(socket.parser).to.be.an('object')

      sink.write('data: 1\n\n', true)
      await wire.ends()
    })

    it('is as it was over HTTP/2', async () => {
      const port = await listenHttp2((_, response) => {
        const sink = openSink(response, headers)
        sink.slim()
        sink.write('data: 1\n\n', true)
      })

      const answer = askHttp2(port)
      await answer.sees('data: 1\n\n')
    })
  })
})
