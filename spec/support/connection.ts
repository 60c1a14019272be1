import { connect, type Socket } from 'node:net'
import { until } from './until.js'

const open = new Set<Connection>()

/** A bare TCP connection: requests as they are written, answers byte for byte. */
export class Connection {
  readonly socket: Socket
  /** The pieces in which the answer arrived. */
  readonly pieces: Buffer[] = []
  closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    open.add(this)
    socket.on('data', piece => this.pieces.push(piece))
    socket.on('close', () => {
      this.closed = true
      open.delete(this)
    })
    // A connection that is cut is an answer too.
    socket.on('error', () => {})
  }

  /** Connects to the host and port of a URL, and sends a first text, if there is one. */
  static async open(url: string, text = ''): Promise<Connection> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const connection = new Connection(socket)
    await new Promise<void>((resolve, reject) =>
      socket.once('connect', resolve).once('error', reject).once('close', reject),
    )
    if (text !== '') socket.write(text)
    return connection
  }

  send(text: string): void {
    this.socket.write(text)
  }

  /** What has arrived. */
  get text(): string {
    return Buffer.concat(this.pieces).toString()
  }

  /** How many bytes have arrived. */
  get size(): number {
    return this.pieces.reduce((size, piece) => size + piece.length, 0)
  }

  /** What has arrived behind the first head. */
  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4)
  }

  /** Waits until a text has arrived. */
  async has(text: string): Promise<void> {
    await until(() => this.text.includes(text), `${JSON.stringify(text)} has arrived`)
  }

  /** Waits until a chunked answer is complete; returns all that arrived. Quick for long answers too. */
  async complete(): Promise<Buffer> {
    const isComplete = (): boolean => Buffer.concat(this.pieces.slice(-5)).toString().endsWith('\r\n0\r\n\r\n')
    await until(isComplete, 'the answer is complete')
    return Buffer.concat(this.pieces)
  }

  /** Waits until the connection is closed; returns all that arrived. */
  async end(): Promise<string> {
    await until(() => this.closed, 'the connection is closed')
    return this.text
  }

  /** Stops to read, and forgets nothing. */
  pause(): this {
    this.socket.pause()
    return this
  }

  /** Leaves without a word. */
  leave(): void {
    this.socket.destroy()
  }
}

/** Closes all connections that are open: for `afterEach`. */
export function leaveAll(): void {
  for (const connection of open) connection.leave()
}

/** A request as it stands on the wire. */
export function get(path: string, headers: Record<string, string> = {}): string {
  return ask('GET', path, headers)
}

/** A POST request of JSON as it stands on the wire. */
export function post(path: string, body: unknown = {}): string {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }
  return ask('POST', path, headers) + text
}

function ask(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ host: 'okapi', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
