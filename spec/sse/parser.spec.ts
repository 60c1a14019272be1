import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { expect } from 'chai'
import { releaseParser } from '../../src/sse/parser.js'
import { certificate } from '../support/certificate.js'
import { latch } from '../support/latch.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

interface Connection extends Socket {
  parser?: object | null
  server?: Server | undefined
}

describe('releaseParser', () => {
  const servers = new Set<Server>()

  afterEach(async () => {
    leaveAll()
    const closing = [...servers].map(server => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    })
    servers.clear()
    await Promise.all(closing)
  })

  async function listening(server: Server): Promise<number> {
    servers.add(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  /** A server whose answers are begun, and whose first one is returned with its connection when somebody asks. */
  async function serveOne(prepare: (response: ServerResponse) => void = () => {}) {
    const opened = latch<{ socket: Connection; request: IncomingMessage; response: ServerResponse }>()
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(String(request.url))
      prepare(response)
      response.shouldKeepAlive = false
      response.write('begun\n')
      const socket = response.socket as Connection
      // As a stream does: when the request is read, and its parser is not at work.
      process.nextTick(() => opened.open({ socket, request, response }))
    })
    const port = await listening(server)
    return { server, port, asked, opened: opened.promise }
  }

  it('leaves the answer that is under way as it is', async () => {
    const { port, opened } = await serveOne()
    const wire = ask(port)
    const { socket, response } = await opened

    expect(releaseParser(socket)).to.equal(true)

    expect(socket.parser).to.equal(null)
    await wire.sees('begun')
    response.end('done\n')
    await wire.closes()
    expect(wire.body).to.equal('6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
  })

  it('leaves nothing in the parser', async () => {
    const { port, opened } = await serveOne()
    ask(port)
    const { socket } = await opened
    const parser = socket.parser as object
    expect(Object.values(parser).filter(value => value)).to.not.deep.equal([])

    releaseParser(socket)
    await turns(2)

    expect(Object.values(parser).filter(value => value !== undefined)).to.deep.equal([])
  })

  it('reads what the client sends from then on, and forgets it', async () => {
    const { port, opened, asked } = await serveOne()
    const wire = ask(port)
    const { socket, response } = await opened
    releaseParser(socket)
    const before = socket.bytesRead

    for (let n = 0; n < 3; n++) wire.ask({ path: `/${n}`, headers: { 'X-Long': 'x'.repeat(100_000) } })

    await until(() => socket.bytesRead > before + 300_000, 'all that was sent')
    expect(socket.readableLength).to.equal(0)
    expect(asked).to.deep.equal(['/'])
    response.end('done\n')
    await wire.closes()
    expect(wire.body).to.equal('6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
  })

  it('does not mind a request that had come behind its own', async () => {
    const { port, opened, asked } = await serveOne()
    const wire = ask(port).ask({ path: '/next' })
    const { socket, response } = await opened
    await until(() => asked.length === 2, 'the next request')

    releaseParser(socket)
    response.end('done\n')

    await wire.closes()
    expect(wire.body).to.equal('6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
  })

  it('tells the request and the response that the client has left', async () => {
    const { port, opened } = await serveOne()
    const wire = ask(port)
    const { socket, request, response } = await opened
    const told: string[] = []
    request.on('close', () => told.push(`request ${request.destroyed}`))
    response.on('close', () => told.push('response'))
    releaseParser(socket)

    wire.leave()

    await until(() => told.length === 2)
    expect(told.sort()).to.deep.equal(['request true', 'response'])
    expect(request.aborted).to.equal(true)
  })

  describe('When the client closes its side', () => {
    it('closes the connection, behind what was written', async () => {
      const { port, opened } = await serveOne()
      const wire = ask(port).pause()
      const { socket, response } = await opened
      releaseParser(socket)
      response.write('x'.repeat(10_000_000))

      wire.finish()
      await until(() => socket.writableEnded, 'the end of the server side')
      wire.resume()

      await wire.closes()
      expect(wire.size).to.be.above(10_000_000)
    })

    it('goes on where the server lets clients close their side', async () => {
      const { port, server, opened } = await serveOne()
      Object.assign(server, { httpAllowHalfOpen: true })
      const wire = ask(port)
      const { socket, response } = await opened
      releaseParser(socket)
      const ended = new Promise(resolve => socket.once('end', resolve))

      wire.finish()
      await ended
      await turns(5)
      response.end('done\n')

      await wire.closes()
      expect(wire.body).to.equal('6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
    })
  })

  it('leaves a connection in reach of closeAllConnections, together with all others', async () => {
    const { port, server, opened } = await serveOne()
    const wires = [ask(port)]
    releaseParser((await opened).socket)
    for (let n = 0; n < 2; n++) wires.push(ask(port))
    for (const wire of wires) await wire.sees('begun')

    server.closeAllConnections()

    for (const wire of wires) await wire.closes()
  })

  it('lets a closed connection go', async () => {
    const { port, server, opened } = await serveOne()
    const wire = ask(port)
    const { socket } = await opened
    releaseParser(socket)
    const closed = new Promise(resolve => socket.once('close', resolve))
    wire.leave()
    await closed
    let touched = false
    socket.destroy = () => {
      touched = true
      return socket
    }

    server.closeAllConnections()

    expect(touched).to.equal(false)
  })

  it('works over TLS', async () => {
    const opened = latch<ServerResponse>()
    const server = createSecureServer(certificate(), (_, response) => {
      response.shouldKeepAlive = false
      response.write('begun\n')
      process.nextTick(() => opened.open(response))
    })
    const port = await listening(server)
    const client = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false })
    let text = ''
    client.setEncoding('utf8').on('data', part => {
      text += part
    })
    client.write('GET / HTTP/1.1\r\nHost: okapi\r\n\r\n')
    const response = await opened.promise

    expect(releaseParser(response.socket as Socket)).to.equal(true)
    client.write('GET /next HTTP/1.1\r\nHost: okapi\r\n\r\n')
    response.end('done\n')

    await new Promise(resolve => client.once('close', resolve))
    expect(text.slice(text.indexOf('\r\n\r\n'))).to.equal('\r\n\r\n6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
  })

  describe('Keeps the parser', () => {
    /** A connection whose answer goes on as before, whatever was done to it. */
    async function keeps(change: (socket: Connection) => (() => void) | undefined): Promise<void> {
      const { port, opened } = await serveOne()
      const wire = ask(port)
      const { socket, response } = await opened
      const restore = change(socket)

      expect(releaseParser(socket)).to.equal(false)

      restore?.()
      response.end('done\n')
      await wire.closes()
      expect(wire.body).to.equal('6\r\nbegun\n\r\n5\r\ndone\n\r\n0\r\n\r\n')
    }

    it('where Node no longer listens as it did', () =>
      keeps(socket => {
        for (const listener of socket.listeners('drain')) socket.off('drain', listener as () => void)
        return undefined
      }))

    it('where two listen in the same way', () =>
      keeps(socket => {
        for (const listener of socket.listeners('end')) socket.on('end', listener as () => void)
        return undefined
      }))

    for (const method of ['remove', 'unconsume', 'close']) {
      it(`where the parser has no ${method}()`, () =>
        keeps(socket => {
          const { parser } = socket
          socket.parser = Object.create(parser as object, { [method]: { value: undefined } })
          return () => Object.assign(socket, { parser })
        }))
    }

    it('where there is none, or none any more', async () => {
      expect(releaseParser(new Socket())).to.equal(false)

      await keeps(socket => {
        releaseParser(socket)
        return undefined
      })
    })

    it('where the connection belongs to no server', () =>
      keeps(socket => {
        const { server } = socket
        socket.server = undefined
        return () => Object.assign(socket, { server })
      }))

    it('where the connection is closed', async () => {
      const { port, opened } = await serveOne()
      const wire = ask(port)
      const { socket } = await opened
      socket.destroy()

      expect(releaseParser(socket)).to.equal(false)
      await wire.closes()
    })
  })

  it('reads on though the connection was paused for a slow client', async () => {
    const { port, opened } = await serveOne()
    const wire = ask(port)
    const { socket, response } = await opened
    socket.pause()
    const handle = (socket as unknown as { _handle: { readStop(): void; reading: boolean } })._handle
    handle.readStop()
    handle.reading = false

    releaseParser(socket)
    const closed = new Promise(resolve => response.once('close', resolve))
    wire.leave()

    await closed
  })
})
