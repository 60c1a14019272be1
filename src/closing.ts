import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How often idle connections are looked for while the server closes, in milliseconds. */
const SWEEP = 20

interface Closable {
  close(): void
}

/**
 * Lets a server close at once when it has nothing more to do. Node's own `close()` waits for connections that turn idle
 * a moment later, and for those that never sent a request, until they time out; for minutes, with Fastify's defaults;
 * and for those that never send the rest of a request, for ever. Requests that are being answered are let finish.
 *
 * @param grace how long a client may be silent while the server waits for it, in milliseconds
 * @returns starts to close idle connections, until the server is closed
 */
export function idleCloser(app: FastifyInstance, grace: number): () => void {
  const { server } = app
  const sockets = new Set<Socket>()
  const sessions = new Set<Closable>()
  const answers = new Answers(app)
  function forgetSocket(this: Socket): void {
    sockets.delete(this)
  }
  const note = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', forgetSocket)
  }
  server.on('connection', note)
  server.on('secureConnection', note)
  // HTTP/2: a session with no open stream is idle.
  server.on('session', (session: Closable & { once(name: 'close', listener: () => void): void }) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return () => {
    const sweep = (): void => {
      server.closeIdleConnections?.()
      for (const session of sessions) session.close()
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    }
    const timers = [setInterval(sweep, SWEEP).unref(), setInterval(silenceCutter(sockets, answers), grace).unref()]
    server.once('close', () => timers.forEach(clearInterval))
  }
}

/**
 * The responses that are under way. Only the last one of each connection is noted: it is under way as long as any before
 * it, and a listener for each would cost every request something. Streams of HTTP/2 come side by side.
 */
class Answers {
  readonly #last = new WeakMap<Socket, ServerResponse>()
  readonly #streams = new Set<Http2ServerResponse>()

  constructor({ server }: FastifyInstance) {
    server.on('request', (request: IncomingMessage, response: ServerResponse | Http2ServerResponse) => {
      if ('stream' in response) this.#noteStream(response)
      else this.#last.set(request.socket, response)
    })
  }

  /** Those that come over these connections. */
  *of(sockets: Iterable<Socket>): Generator<ServerResponse | Http2ServerResponse> {
    yield* this.#streams
    for (const socket of sockets) {
      const response = this.#last.get(socket)
      if (response && !response.writableFinished && !response.destroyed) yield response
    }
  }

  #noteStream(response: Http2ServerResponse): void {
    this.#streams.add(response)
    response.on('close', () => this.#streams.delete(response))
  }
}

/** Cuts, each time it is called, the connections that said nothing since the last time, though they should have. */
function silenceCutter(sockets: Set<Socket>, answers: Answers): () => void {
  const heard = new Map<Socket, number>()
  for (const socket of sockets) heard.set(socket, socket.bytesRead)
  return () => {
    const busy = new Set<string>()
    for (const response of answers.of(sockets)) if (!waitsForClient(response)) busy.add(peerOf(response.req.socket))
    for (const socket of sockets) {
      if (!busy.has(peerOf(socket)) && heard.get(socket) === socket.bytesRead) socket.destroy()
      heard.set(socket, socket.bytesRead)
    }
  }
}

/** Whether the body of a request is being read, and does not come; and nothing before it is still being answered. */
function waitsForClient({ req, socket }: ServerResponse | Http2ServerResponse): boolean {
  return socket !== null && req.readableFlowing === true && req.readableLength === 0 && !req.complete
}

// By address, because the socket of a request is not the one that connected, under TLS and HTTP/2.
function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}
