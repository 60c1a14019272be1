import type { OutgoingHttpHeaders } from 'node:http'
import { CODINGS, type Coding, type Compressor, codingFor, compressorFor } from './coding.js'
import { GZIP_HEAD, type Piece, pieceOf, Tally } from './gzip.js'
import { chunkOf, openSink, type Sink, type StreamResponse } from './sink.js'

/** What is offered, as the option `compress` says it. */
export type Compress = boolean | readonly Coding[]

/**
 * Sends the head of a response whose client is offered compression, and returns how to write its body.
 *
 * @param shares whether most of the body are chunks that others are sent too
 */
export function openCompressed(
  response: StreamResponse,
  given: OutgoingHttpHeaders,
  compress: Compress,
  shares: boolean,
): Sink {
  const vary = given.vary ?? response.getHeader('vary')
  const headers = { ...given, vary: vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding` }
  // Something encoded already is nobody's to compress again.
  const encoded = given['content-encoding'] ?? response.getHeader('content-encoding')
  const offered = compress === true ? CODINGS : compress || []
  const accept = encoded === undefined ? response.req.headers['accept-encoding'] : undefined
  // Only pieces of gzip can stand in several streams.
  const alike = shares ? offered.filter(one => one === 'gzip') : []
  const shared = codingFor(accept, alike)
  const coding = shared ?? codingFor(accept, offered)
  if (coding === undefined) return openSink(response, headers)
  const sink = openSink(response, { ...headers, 'content-encoding': coding })
  // The head does not wait for the first batch to be compressed.
  sink.write('', false)
  return shared ? new SharedSink(sink) : new CompressedSink(response, sink, compressorFor(coding))
}

/** Compresses with a memory of its own what it is given, batch by batch. */
export class CompressedSink implements Sink {
  readonly relays = false
  readonly #sink: Sink
  readonly #compressor: Compressor
  #taken = true
  #drained: (() => void) | undefined

  constructor(response: StreamResponse, sink: Sink, compressor: Compressor) {
    this.#sink = sink
    this.#compressor = compressor
    compressor.on('data', (bytes: Buffer) => {
      this.#taken = sink.send(bytes, false)
    })
    compressor.on('end', () => sink.send(NOTHING, true))
    compressor.on('error', () => response.destroy())
    response.on('close', () => compressor.destroy())
  }

  // It is never taken at once: other threads compress.
  write(text: string, last: boolean): boolean {
    if (last) this.#compressor.end(text)
    else this.#compressor.write(text, this.#onWritten)
    return false
  }

  drained(callback: () => void): void {
    this.#drained = callback
  }

  readonly #onWritten = (error?: Error | null): void => {
    const callback = this.#drained
    this.#drained = undefined
    if (error || callback === undefined) return
    if (this.#taken) callback()
    else this.#sink.drained(callback)
  }

  queued(): number {
    return this.#sink.queued()
  }

  send(bytes: Buffer, last: boolean): boolean {
    return this.write(bytes.toString(), last)
  }

  relay(): never {
    throw new TypeError('Only chunks that stand by themselves can be shared')
  }

  slim(): void {}
}

const NOTHING = Buffer.alloc(0)

/** Chunks that were compressed for one stream, and so for all: each with the bytes that go on the wire. */
const shared = new WeakMap<Buffer, Piece & { readonly framed: Buffer }>()

/** Compresses each batch by itself, and so each shared chunk once. Keeps no more than a checksum for each stream. */
export class SharedSink implements Sink {
  readonly #sink: Sink
  readonly #tally = new Tally()

  constructor(sink: Sink) {
    this.#sink = sink
    sink.send(GZIP_HEAD, false)
  }

  get relays(): boolean {
    return this.#sink.relays
  }

  relay(chunk: Buffer): boolean {
    let piece = shared.get(chunk)
    if (piece === undefined) {
      const made = pieceOf(contentOf(chunk))
      piece = { ...made, framed: chunkOf(made.bytes) }
      shared.set(chunk, piece)
    }
    this.#tally.add(piece)
    return this.#sink.relay(piece.framed)
  }

  write(text: string, last: boolean): boolean {
    return this.send(Buffer.from(text), last)
  }

  send(bytes: Buffer, last: boolean): boolean {
    const piece = pieceOf(bytes)
    this.#tally.add(piece)
    return this.#sink.send(last ? Buffer.concat([piece.bytes, this.#tally.end()]) : piece.bytes, last)
  }

  drained(callback: () => void): void {
    this.#sink.drained(callback)
  }

  queued(): number {
    return this.#sink.queued()
  }

  slim(): void {
    this.#sink.slim()
  }
}

/** What stands in chunks of the chunked transfer coding. */
function contentOf(chunks: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < chunks.length; ) {
    const end = chunks.indexOf('\r\n', at)
    const size = Number.parseInt(chunks.toString('latin1', at, end), 16)
    parts.push(chunks.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}
