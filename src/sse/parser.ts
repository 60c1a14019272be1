import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

// The parser of a connection is a third of what the connection costs while it only listens. Node has no public way to
// give it back early: this one is taken only where everything it touches looks as it does in the versions it was
// written for (20 to 24), and otherwise the parser stays until the connection closes.

interface Parser {
  _consumed?: boolean
  unconsume?(): void
}

interface Connection extends Omit<Socket, 'on' | 'addListener' | 'prependListener' | 'setEncoding'> {
  parser?: Parser | null
  on?: unknown
  addListener?: unknown
  prependListener?: unknown
  setEncoding?: unknown
  _handle?: { reading?: boolean; _consumed?: boolean; readStart?(): void } | null
}

type FreeParser = (parser: Parser, request: null, socket: null) => void

const freeParser = findFreeParser()

/** What Node listens with on the connections of its HTTP server, by the names of the functions. */
const OWN = { data: 'socketOnData', end: 'socketOnEnd', close: 'socketOnClose', drain: 'socketOnDrain' } as const

/** What Node's HTTP server puts its own in front of, to see who else wants to read. */
const WATCHED = ['on', 'addListener', 'prependListener', 'setEncoding'] as const

/**
 * Gives the parser of a connection back to Node, once its last request has been read. What the client sends from then
 * on is read and forgotten; when it closes its side, the connection is closed.
 *
 * @returns whether it was given back
 */
export function releaseParser(socket: Socket): boolean {
  const connection = socket as Connection
  const { parser, _handle: handle } = connection
  if (!freeParser || !parser || !handle) return false
  const own = Object.entries(OWN).map(([name, listener]) => ({ name, listener: listenerOf(socket, name, listener) }))
  if (own.some(({ listener }) => listener === undefined)) return false
  if (parser._consumed) parser.unconsume?.()
  handle._consumed = false
  for (const { name, listener } of own) socket.off(name, listener as () => void)
  connection.parser = null
  freeParser(parser, null, null)
  // Assigned and not deleted: an object that loses a property takes a kilobyte more.
  for (const name of WATCHED) connection[name] = Object.getPrototypeOf(socket)[name]
  socket.on('data', noop)
  socket.on('end', hangUp)
  socket.resume()
  if (!handle.reading) {
    handle.reading = true
    handle.readStart?.()
  }
  return true
}

function findFreeParser(): FreeParser | undefined {
  try {
    const internals = createRequire(import.meta.url)('_http_common') as { freeParser?: FreeParser }
    return typeof internals.freeParser === 'function' ? internals.freeParser : undefined
  } catch {
    return undefined
  }
}

function listenerOf(socket: Socket, event: string, name: string): unknown {
  const found = socket.listeners(event).filter(listener => listener.name === `bound ${name}`)
  return found.length === 1 ? found[0] : undefined
}

function hangUp(this: Socket): void {
  this.destroy()
}

function noop(): void {}
