import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Roster } from './roster.js'

// The parser of a connection is a third of what the connection costs while it only listens. Node has no public way to
// give it back early: this one is taken only where everything it touches looks as it does in the versions it was
// written for (20 to 24), and otherwise the parser stays until the connection closes.

interface Parser {
  remove(): void
  unconsume(): void
  close(): void
}

interface Connection {
  parser?: Partial<Parser> | null
  server?: Server & { httpAllowHalfOpen?: boolean }
  _handle?: { reading?: boolean; _consumed?: boolean; readStart?(): void } | null
}

/** What Node's HTTP server listens with while it reads requests, by the names of the functions. */
const OWN = [
  ['data', 'bound socketOnData'],
  ['end', 'bound socketOnEnd'],
  ['drain', 'bound socketOnDrain'],
] as const

/** The methods that Node's HTTP server replaces on a connection, to see who else wants to read. */
const WRAPPED = ['on', 'addListener', 'prependListener', 'setEncoding'] as const

/**
 * Gives the parser of a connection back to Node, once its last request has been read. What the client sends from then
 * on is read and forgotten; when it closes its side, the connection is closed behind what was written.
 *
 * @returns whether it was given back
 */
export function releaseParser(socket: Socket): boolean {
  const connection = socket as Connection
  const { parser, _handle: handle, server } = connection
  if (!isParser(parser) || !handle || !server) return false
  const own = OWN.map(([event, name]) => listenerOf(socket, event, name))
  if (own.includes(undefined)) return false
  parser.unconsume()
  handle._consumed = false
  for (const [index, [event]] of OWN.entries()) socket.off(event, own[index] as () => void)
  connection.parser = null
  parser.remove()
  // As Node does: it may be at work just now.
  setImmediate(destroy, parser)
  // Not deleted: that would turn the connection into a slow object, a kilobyte larger.
  for (const name of WRAPPED) Object.assign(socket, { [name]: Object.getPrototypeOf(socket)[name] })
  if (!server.httpAllowHalfOpen) socket.on('end', hangUp)
  socket.resume()
  if (!handle.reading) {
    handle.reading = true
    handle.readStart?.()
  }
  remember(socket, server)
  return true
}

function isParser(parser: Partial<Parser> | null | undefined): parser is Parser {
  return [parser?.remove, parser?.unconsume, parser?.close].every(method => typeof method === 'function')
}

// Node still holds the object until the response is over: what it holds is empty.
function destroy(parser: Parser): void {
  parser.close()
  for (const key of Reflect.ownKeys(parser)) Reflect.set(parser, key, undefined)
}

function listenerOf(socket: Socket, event: string, name: string): unknown {
  const found = socket.listeners(event).filter(listener => listener.name === name)
  return found.length === 1 ? found[0] : undefined
}

function hangUp(this: Socket): void {
  this.destroySoon()
}

/** The connections whose parser was given back, by server: Node finds those that are open by their parsers. */
const RELEASED = Symbol('okapi.released')
const released = new WeakMap<Server, Roster<Socket>>()

/** Sees to it that `closeAllConnections()` goes on to close them all. */
function remember(socket: Socket, server: Server): void {
  let sockets = released.get(server)
  if (sockets === undefined) {
    sockets = new Roster(RELEASED)
    released.set(server, sockets)
    closeAlso(server, sockets)
  }
  sockets.add(socket)
  socket.on('close', forget)
}

function forget(this: Socket): void {
  released.get((this as Connection).server as Server)?.delete(this)
}

function closeAlso(server: Server, sockets: Iterable<Socket>): void {
  const closeAll = server.closeAllConnections
  server.closeAllConnections = () => {
    closeAll.call(server)
    for (const socket of sockets) socket.destroy()
  }
}
