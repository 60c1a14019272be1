import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How often idle connections are looked for while the server closes, in milliseconds. */
const SWEEP = 20

interface Closable {
  close(): void
}

/**
 * Lets a server close at once when it has nothing more to do. Node's own `close()` waits for connections that turn idle
 * a moment later, and for those that never sent a request, until they time out; for minutes, with Fastify's defaults.
 * Requests that are being answered are let finish.
 *
 * @returns starts to close idle connections, until the server is closed
 */
export function idleCloser(app: FastifyInstance): () => void {
  const { server } = app
  const sockets = new Set<Socket>()
  const sessions = new Set<Closable>()
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
    const timer = setInterval(sweep, SWEEP).unref()
    server.once('close', () => clearInterval(timer))
  }
}
