import type { Outlet } from '../../src/sse/feed.js'
import { chunksOf } from './unchunked.js'

/** The stream of one client without a connection: takes everything, until a spec says that it is slow. */
export class HandOutlet implements Outlet {
  /** Whether it takes what is written at once. */
  quick = true
  blocked = false
  closed = false
  /** What it was given at each time, without the frames of the chunks. */
  readonly chunks: string[] = []
  /** The bytes of each. */
  readonly buffers: Buffer[] = []
  /** How it ended. */
  outcome: unknown

  get text(): string {
    return this.chunks.join('')
  }

  relay(chunk: Buffer): boolean {
    if (this.blocked || this.closed) throw new Error('It was written to, though it has no room')
    const chunks = chunksOf(chunk)
    if (chunks.length === 0 || chunks.some(({ length }) => length === 0)) throw new Error(`No chunks: ${chunk}`)
    this.buffers.push(chunk)
    this.chunks.push(Buffer.concat(chunks).toString())
    this.blocked = !this.quick
    return this.quick
  }

  finish(): void {
    this.#end('finished')
  }

  close(retry: number, reason: string): void {
    this.#end({ retry, reason })
  }

  fail(error: unknown): void {
    this.#end(error)
  }

  #end(outcome: unknown): void {
    if (this.closed) throw new Error('It was ended twice')
    this.closed = true
    this.outcome = outcome
  }
}
