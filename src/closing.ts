import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { NOWHERE, Roster } from './sse/roster.js'

/** How often idle connections are looked for while the server closes, in milliseconds. */
const SWEEP = 20

const CLOSING = Symbol('okapi.closing')

/** Tells every plugin of an app that it is about to close, in so many milliseconds. */
export function announceClosing({ server }: { server: EventEmitter }, delay: number): void {
  server.emit(CLOSING, delay)
}

/** Calls back when an app is about to close. */
export function onAnnounced({ server }: { server: EventEmitter }, listener: (delay: number) => void): void {
  server.on(CLOSING, listener)
}

type Closer = () => Promise<void>

const closersOf = new WeakMap<EventEmitter, Closer[]>()

/**
 * Calls back when an app closes, which waits for it. The callbacks of all plugins of a server run side by side; hooks of
 * Fastify run one after the other, so that each plugin would take a grace of its own.
 */
export function onClosing(app: FastifyInstance, closer: Closer): void {
  const others = closersOf.get(app.server)
  if (others) {
    others.push(closer)
    return
  }
  const closers = [closer]
  closersOf.set(app.server, closers)
  app.addHook('preClose', async () => {
    await Promise.all(closers.map(close => close()))
  })
}

/**
 * Lets a server close at once when it has nothing more to do. Node's own `close()` waits for connections that turn idle
 * a moment later, and for those that never sent a request, until they time out; for minutes, with Fastify's defaults;
 * and for those that never send the rest of a request, for ever. Requests that are being answered are let finish, and
 * clients that read slowly get the whole of their answer, which Node would cut.
 *
 * @param grace how long a client may neither send nor take anything while the server waits for it, in milliseconds
 * @returns starts to close idle connections, until the server is closed
 */
export function idleCloser(app: FastifyInstance, grace: number): () => void {
  const { server } = app
  const traffic = trafficOf(server)
  return () => {
    const closeIdle = server.closeIdleConnections?.bind(server)
    // Node takes an answer for done once all of it is written, and would cut the clients that are still reading.
    if (closeIdle) server.closeIdleConnections = () => traffic.isAwaited() || closeIdle()
    const sweep = (): void => {
      server.closeIdleConnections?.()
      for (const session of traffic.sessions) session.close()
      for (const { socket } of traffic.connections) if (socket.bytesRead === 0) socket.destroy()
    }
    const timers = [setInterval(sweep, SWEEP).unref(), setInterval(silenceCutter(traffic), grace).unref()]
    server.once('close', () => timers.forEach(clearInterval))
  }
}

type Response = ServerResponse | Http2ServerResponse

/** One connection of a server. */
class Connection {
  readonly socket: Socket
  /**
   * The last response to go this way. It is under way as long as any before it, and a listener for each would cost every
   * request something.
   */
  response: ServerResponse | undefined
  /** @internal for the roster of the connections */
  place = NOWHERE

  constructor(socket: Socket) {
    this.socket = socket
  }
}

const CONNECTION = Symbol('okapi.connection')
const SESSION = Symbol('okapi.session')
const STREAM = Symbol('okapi.stream')

interface Connected extends Socket {
  // Not in a WeakMap: that would slow down every collection of garbage.
  [CONNECTION]?: Connection
}

/** A session of HTTP/2. It is idle when it has no open stream. */
interface Session {
  close(): void
  once(name: 'close', listener: () => void): void
}

/** What comes and goes over a server. */
class Traffic {
  readonly connections = new Roster<Connection>('place')
  readonly sessions = new Roster<Session>(SESSION)
  /** The responses of HTTP/2 that are under way: they come side by side. */
  readonly #streams = new Roster<Http2ServerResponse>(STREAM)

  constructor(server: EventEmitter) {
    const note = (socket: Socket): void => this.#noteConnection(socket)
    server.on('connection', note)
    server.on('secureConnection', note)
    server.on('session', (session: Session) => {
      this.sessions.add(session)
      session.once('close', () => this.sessions.delete(session))
    })
    server.on('request', ({ socket }: IncomingMessage, response: Response) => {
      if ('stream' in response) this.#noteStream(response)
      else noteAnswer(socket, response)
    })
  }

  /** The responses that are under way; of each connection, the last one. */
  *answers(): Generator<Response> {
    yield* this.#streams
    for (const { response } of this.connections) {
      if (response && !response.writableFinished && !response.destroyed) yield response
    }
  }

  /** Whether a response is written, and not taken yet. */
  isAwaited(): boolean {
    for (const response of this.answers()) if (response.writableEnded) return true
    return false
  }

  #noteConnection(socket: Connected): void {
    const connection = new Connection(socket)
    socket[CONNECTION] = connection
    this.connections.add(connection)
    socket.on('close', () => this.connections.delete(connection))
  }

  #noteStream(response: Http2ServerResponse): void {
    this.#streams.add(response)
    response.on('close', () => this.#streams.delete(response))
  }
}

// A connection from before the plugin came is not known.
function noteAnswer(socket: Connected, response: ServerResponse): void {
  const connection = socket[CONNECTION]
  if (connection) connection.response = response
}

const traffics = new WeakMap<EventEmitter, Traffic>()

/** The traffic of a server, from the first time that this is asked: several plugins may look after one server. */
function trafficOf(server: EventEmitter): Traffic {
  let traffic = traffics.get(server)
  if (traffic === undefined) {
    traffic = new Traffic(server)
    traffics.set(server, traffic)
  }
  return traffic
}

/** Cuts, each time it is called, the connections where nothing moved since the last time, and the client is to blame. */
function silenceCutter(traffic: Traffic): () => void {
  const { connections } = traffic
  let before = movedOf(connections)
  return () => {
    const busy = new Set<string>()
    for (const response of traffic.answers()) if (!waitsForClient(response)) busy.add(peerOf(response.req.socket))
    const now = movedOf(connections)
    for (const { socket } of connections) {
      const peer = peerOf(socket)
      if (!busy.has(peer) && before.get(peer) === now.get(peer)) socket.destroy()
    }
    before = now
  }
}

/** How many bytes each client has sent and taken. */
function movedOf(connections: Iterable<Connection>): Map<string, number> {
  const moved = new Map<string, number>()
  for (const { socket } of connections) {
    const peer = peerOf(socket)
    moved.set(peer, (moved.get(peer) ?? 0) + socket.bytesRead + socket.bytesWritten - socket.writableLength)
  }
  return moved
}

/** Whether a client has to take more of an answer, or to send more of its request, before anything can go on. */
function waitsForClient(response: Response): boolean {
  const { req, socket } = response
  // Something before it is under way.
  if (socket === null) return false
  const { writableEnded, writableNeedDrain } = 'stream' in response ? response.stream : response
  return (
    writableEnded || writableNeedDrain || (req.readableFlowing === true && req.readableLength === 0 && !req.complete)
  )
}

// By address, because the socket of a request is not the one that connected, under TLS and HTTP/2.
function peerOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}
