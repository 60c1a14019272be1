import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { GapError, HttpError } from 'okapi'
import { blocksOf } from './block.js'
import { Link, type Taker } from './link.js'

/** A connection over a socket, to a server that answers with a stream of its own for each path. */
export class SocketLink extends Link {
  readonly #request: ClientRequest
  #response: IncomingMessage | undefined
  #text = ''
  #finished = false
  #left = false

  constructor(taker: Taker, url: string, id: string | undefined) {
    super(taker)
    this.arriving = true
    const headers = id === undefined ? {} : { 'last-event-id': Buffer.from(id).toString('latin1') }
    this.#request = get(url, { agent: false, headers }, response => this.#answered(response))
    this.#request.on('error', () => this.#over())
  }

  #answered(response: IncomingMessage): void {
    this.#response = response
    this.arriving = false
    this.taker.entered()
    response.setEncoding('utf8')
    response.on('error', () => {})
    response.on('data', text => this.#arrived(text))
    response.on('close', () => this.#over())
    if (this.stalled) response.pause()
  }

  #arrived(text: string): void {
    if (this.#left) return
    this.#text += text
    if (this.#response?.statusCode !== 200) return
    const end = this.#text.lastIndexOf('\n\n') + 2
    if (end < 2) return
    for (const block of blocksOf(this.#text.slice(0, end))) {
      if (block.event === 'stream:end') this.#finished = block.id === 'stream.end'
      else this.taker.take(block)
    }
    this.#text = this.#text.slice(end)
  }

  #over(): void {
    if (this.#left) return
    const { statusCode } = this.#response ?? {}
    if (statusCode === 410) this.taker.over(this, new GapError(JSON.parse(this.#text)))
    else if (statusCode === 503) this.taker.over(this, new HttpError(503, this.#text))
    else if (statusCode !== undefined && statusCode !== 200) this.taker.over(this, new Error(this.#text))
    else if (this.#finished) this.taker.over(this)
    else this.taker.cut()
  }

  override pause(): void {
    super.pause()
    this.#response?.pause()
  }

  resume(): void {
    this.stalled = false
    this.#response?.resume()
  }

  ping(): void {}

  sendAway(): void {
    this.taker.cut()
  }

  leave(): void {
    this.#left = true
    this.#request.destroy()
  }
}
