import { type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { releaseParser } from './parser.js'

/** The response that carries a stream: of `node:http`, or of `node:http2` in its compatible form. */
export type StreamResponse = ServerResponse | Http2ServerResponse

/** Where the text of a stream goes. */
export interface Sink {
  /**
   * Writes text; with `last`, ends the response behind it. The first call takes the head along, and comes before any of
   * `send` or `relay`: it may be one without text.
   *
   * @returns whether the reader has taken everything: if not, wait for `drained`
   */
  write(text: string, last: boolean): boolean
  /** Writes bytes as they are. Otherwise as `write`. */
  send(bytes: Buffer, last: boolean): boolean
  /** Calls back once, when everything written has been taken. */
  drained(callback: () => void): void
  /** A number that changes while the reader takes what was written, as far as can be seen from here. */
  queued(): number
  /** Whether `relay` may be called: the socket is ours, and the body is chunked. */
  readonly relays: boolean
  /** Writes bytes that are framed already. Answers as `write`. */
  relay(chunk: Buffer): boolean
  /** Gives back what only a connection that serves another request would need. */
  slim(): void
}

/** Makes the head of the response and returns the fastest way to write it and its body. */
export function openSink(response: StreamResponse, headers: OutgoingHttpHeaders): Sink {
  const socket = ownSocket(response)
  if (socket) return new SocketSink(response as ServerResponse, socket, headers)
  return new ResponseSink(response, headers)
}

/**
 * The socket to write to, if the response is the one in charge of it. A response that waits behind others of a pipeline
 * has none yet; one whose `write` was replaced (by a compressor, or a test) wants to see what is written.
 */
function ownSocket(response: StreamResponse): Socket | undefined {
  if (!(response instanceof ServerResponse)) return undefined
  if (response.write !== ServerResponse.prototype.write || response.end !== ServerResponse.prototype.end)
    return undefined
  return response.socket ?? undefined
}

/**
 * Writes framed batches straight to the socket of an HTTP/1.1 response. The response itself makes the head and knows of
 * the end, so that the connection can be kept alive and the next request is served.
 */
class SocketSink implements Sink {
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #chunked: boolean
  /** Whether nothing has to stand between the last chunk and the end. */
  readonly #whole: boolean
  #begun = false

  constructor(response: ServerResponse, socket: Socket, headers: OutgoingHttpHeaders) {
    this.#response = response
    this.#socket = socket
    response.writeHead(response.statusCode, headers)
    this.#chunked = response.chunkedEncoding
    this.#whole = this.#chunked && headers.trailer === undefined && !response.hasHeader('trailer')
  }

  // A client of HTTP/1.0 reads no chunks.
  get relays(): boolean {
    return this.#chunked
  }

  relay(chunk: Buffer): boolean {
    const socket = this.#socket
    socket.write(chunk)
    return socket.writableLength === 0
  }

  slim(): void {
    if (this.#response.req.complete) releaseParser(this.#socket)
  }

  write(text: string, last: boolean): boolean {
    if (this.#begun) this.#writeOn(text, last)
    else this.#begin(text, last)
    // Not the answer of `write()`: it says no for every batch over the high-water mark, though the kernel took it all.
    return this.#socket.writableLength === 0
  }

  /** Writes the head, with the text and the end behind it: as one piece if it can, which is the cheapest by far. */
  #begin(text: string, last: boolean): void {
    this.#begun = true
    const socket = this.#socket
    const response = this.#response
    const frame = text !== '' && this.#whole && !socket.destroyed ? chunk(text.length, text) : ''
    socket.cork()
    if (frame !== '' && Buffer.byteLength(frame) === frame.length) {
      // The response puts its head before what it writes first; it would write the frame of that by itself, in pieces.
      // In UTF-8, which Node writes heads in, and would not if it had to follow the text.
      response.chunkedEncoding = false
      response.write(last ? frame + LAST_CHUNK : frame, 'utf8')
      response.chunkedEncoding = !last
      socket.uncork()
      if (last) response.end()
    } else {
      response.flushHeaders()
      this.#writeOn(text, last)
      socket.uncork()
    }
  }

  #writeOn(text: string, last: boolean): void {
    if (last) this.#socket.cork()
    if (text !== '') this.#writeText(text)
    if (last) this.#response.end()
  }

  send(bytes: Buffer, last: boolean): boolean {
    if (bytes.length > 0) this.#socket.write(this.#chunked ? chunkOf(bytes) : bytes)
    return last ? this.write('', true) : this.#socket.writableLength === 0
  }

  // The callback of an empty write comes when all before it is out. 'drain' would not come for less than a full buffer.
  drained(callback: () => void): void {
    this.#socket.write('', 'latin1', error => {
      if (!error) callback()
    })
  }

  // What the stream itself counts goes down only when a whole write is out; the handle counts bytes, as Node's own
  // time-outs do.
  queued(): number {
    const { _handle: handle } = this.#socket as Socket & { _handle?: { writeQueueSize?: number } | null }
    return handle?.writeQueueSize ?? this.#socket.writableLength
  }

  // Measuring makes the text flat, which costs more than anything else here: so what is measured is what is sent, framed
  // as if it were ASCII, and framed again only if it is not.
  #writeText(text: string): void {
    const frame = this.#chunked ? chunk(text.length, text) : text
    const size = Buffer.byteLength(frame)
    if (size === frame.length) this.#socket.write(frame, 'latin1')
    else if (this.#chunked) this.#socket.write(chunk(size - frame.length + text.length, text), 'utf8')
    else this.#socket.write(text, 'utf8')
  }
}

/** One chunk of the chunked transfer coding. See RFC 9112, section 7.1. */
function chunk(bytes: number, text: string): string {
  return `${bytes.toString(16)}\r\n${text}\r\n`
}

/** One chunk with these bytes. */
export function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END])
}

const LINE_END = Buffer.from('\r\n')

/** Ends a body of chunks. */
const LAST_CHUNK = '0\r\n\r\n'

/** Writes through the response: HTTP/2, and HTTP/1.1 where the socket is not ours alone. */
class ResponseSink implements Sink {
  readonly relays = false
  readonly #response: ServerResponse

  constructor(response: StreamResponse, headers: OutgoingHttpHeaders) {
    this.#response = response as ServerResponse
    this.#response.writeHead(response.statusCode, headers)
    this.#response.flushHeaders()
  }

  write(text: string, last: boolean): boolean {
    const taken = text === '' || this.#response.write(text)
    if (last) this.#response.end()
    return taken
  }

  send(bytes: Buffer, last: boolean): boolean {
    const taken = bytes.length === 0 || this.#response.write(bytes)
    if (last) this.#response.end()
    return taken
  }

  drained(callback: () => void): void {
    this.#response.once('drain', callback)
  }

  queued(): number {
    return this.#response.writableLength
  }

  relay(): never {
    throw new TypeError('Only a socket takes chunks that are framed already')
  }

  slim(): void {}
}
