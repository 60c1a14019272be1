import { connect, type Socket } from 'node:net'
import { until } from './until.js'

/** What was asked. */
export interface Asked {
  path?: string
  method?: string
  version?: '1.0' | '1.1'
  headers?: Record<string, string>
}

/** A request without any client library: a socket, and what came out of it, byte for byte. */
export class Wire {
  readonly #socket: Socket
  #parts: Buffer[] = []
  #size = 0
  #over = false

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', bytes => {
      this.#parts.push(bytes)
      this.#size += bytes.length
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#over = true
    })
  }

  ask({ path = '/', method = 'GET', version = '1.1', headers = {} }: Asked = {}): this {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#socket.write(`${method} ${path} HTTP/${version}\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`)
    return this
  }

  /** Status line and headers. */
  get head(): string {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n'))
  }

  /** Everything after the head, as it came: with the frames of the chunks. */
  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4)
  }

  get text(): string {
    return this.#received.toString('utf8')
  }

  get #received(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0] ?? Buffer.alloc(0)
  }

  get over(): boolean {
    return this.#over
  }

  get size(): number {
    return this.#size
  }

  /** The chunks of a chunked body so far; the last one of an ended body is the empty string. */
  get chunks(): string[] {
    const chunks: string[] = []
    const received = this.#received
    let at = received.indexOf('\r\n\r\n') + 4
    for (let end = received.indexOf('\r\n', at); end !== -1; end = received.indexOf('\r\n', at)) {
      const size = Number.parseInt(received.toString('latin1', at, end), 16)
      if (received.length < end + 4 + size) break
      chunks.push(received.toString('utf8', end + 2, end + 2 + size))
      at = end + 4 + size
    }
    return chunks
  }

  /** Waits for this text. */
  async sees(part: string): Promise<void> {
    await until(
      () => this.text.includes(part),
      () => `${JSON.stringify(part)} in ${JSON.stringify(this.text.slice(0, 2_000))}`,
    )
  }

  /** Waits for the end of a chunked body. */
  async ends(): Promise<void> {
    const tail = () => Buffer.concat(this.#parts.slice(-5)).subarray(-5).toString('latin1')
    await until(() => tail() === '0\r\n\r\n', 'the end of the response')
  }

  /** Waits for the end of the connection. */
  async closes(): Promise<void> {
    await until(() => this.#over, 'the end of the connection')
  }

  /** Reads no more until `resume`. */
  pause(): this {
    this.#socket.pause()
    return this
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends its side of the connection, and goes on listening. */
  finish(): void {
    this.#socket.end()
  }

  /** Cuts the connection. */
  leave(): void {
    this.#socket.destroy()
  }
}

const wires = new Set<Wire>()

/** Asks a server on this port. */
export function ask(port: number, asked: Asked = {}): Wire {
  const wire = new Wire(port).ask(asked)
  wires.add(wire)
  return wire
}

/** Cuts every connection that was opened here: for `afterEach`. */
export function leaveAll(): void {
  for (const wire of wires) wire.leave()
  wires.clear()
}
