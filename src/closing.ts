import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How often idle connections are looked for while the server closes, in milliseconds. */
const SWEEP = 20

type Response = ServerResponse | Http2ServerResponse

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
  const answering = answeringOf(app)
  function forgetSocket(this: Socket): void {
    sockets.delete(this)
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', forgetSocket)
  })
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
    const timers = [setInterval(sweep, SWEEP), setInterval(silenceCutter(sockets, answering), grace)]
    server.once('close', () => timers.forEach(clearInterval))
  }
}

/** The responses that are under way. */
function answeringOf({ server }: FastifyInstance): Set<Response> {
  const answering = new Set<Response>()
  function forget(this: Response): void {
    answering.delete(this)
  }
  const note = (response: Response): void => {
    answering.add(response)
    response.on('close', forget)
  }
  server.on('request', (_request: unknown, response: Response) => {
    // One that waits behind others of a pipeline would not be told if the connection closed before its turn.
    if (response.socket === null) (response as ServerResponse).once('socket', () => note(response))
    else note(response)
  })
  return answering
}

/** Cuts, each time it is called, the connections that said nothing since the last time, though they should have. */
function silenceCutter(sockets: Set<Socket>, answering: Set<Response>): () => void {
  const heard = new Map<Socket, number>()
  for (const socket of sockets) heard.set(socket, socket.bytesRead)
  return () => {
    const busy = new Set<string>()
    for (const response of answering) if (!waitsForClient(response)) busy.add(peerOf(response.req.socket))
    for (const socket of sockets) {
      if (!busy.has(peerOf(socket)) && heard.get(socket) === socket.bytesRead) socket.destroy()
      heard.set(socket, socket.bytesRead)
    }
  }
}

/** Whether the body of a request is being read, and does not come. */
function waitsForClient({ req }: Response): boolean {
  return req.readableFlowing === true && req.readableLength === 0 && !req.complete
}

// By address, because the socket of a request is not the one that connected, under TLS and HTTP/2.
function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}
