import type { JournalEntry } from './journal.js'

/** Events that are framed for HTTP/1.1, to be written to every socket at the same position. */
export class Chunk {
  /** The sequence of the first event in it. */
  readonly first: number
  readonly last: number
  readonly bytes: Buffer
  /** Where only some of them may be wanted. */
  readonly entries: readonly JournalEntry[]

  constructor(first: number, last: number, bytes: Buffer, entries: readonly JournalEntry[]) {
    this.first = first
    this.last = last
    this.bytes = bytes
    this.entries = entries
  }
}

/** How much is kept for subscribers that are a little behind, in bytes; more only while somebody is on the way to it. */
const KEPT = 1 << 18

/** The newest events of a topic as chunks, each framed once for all. */
export class Hot {
  readonly #prefix: string
  #chunks: Chunk[] = []
  #size = 0
  #joined: Chunk | undefined
  #limit = 0

  constructor(epoch: string) {
    this.#prefix = `id: ${epoch}.`
  }

  add(entries: readonly JournalEntry[]): void {
    const chunk = this.frame(entries)
    const { length } = this.#chunks
    // A hole cannot be bridged: what was before it is left to the journal.
    if (length > 0 && chunk.first !== (this.#chunks[length - 1] as Chunk).last + 1) this.clear()
    this.#chunks.push(chunk)
    this.#size += chunk.bytes.length
  }

  /** The events behind a sequence, up to about `limit` bytes but at least one; nothing if the first of them is not here. */
  after(sequence: number, limit: number): Chunk | undefined {
    const chunks = this.#chunks
    const [oldest] = chunks
    if (oldest === undefined || sequence < oldest.first - 1) return undefined
    const newest = chunks[chunks.length - 1] as Chunk
    if (sequence === newest.first - 1) return newest
    if (this.#joined?.first === sequence + 1 && this.#limit === limit && this.#isWhole(this.#joined))
      return this.#joined
    this.#joined = this.#join(sequence, limit)
    this.#limit = limit
    return this.#joined
  }

  /** Lets go of what is older than `sequence`, and of what is no longer needed by anybody who has read up to `passed`. */
  trim(sequence: number, passed: number): void {
    let gone = 0
    for (const chunk of this.#chunks) {
      if (chunk.last >= sequence && (this.#size <= KEPT || chunk.last > passed)) break
      this.#size -= chunk.bytes.length
      gone++
    }
    if (gone === 0) return
    this.#chunks.splice(0, gone)
    this.#joined = undefined
  }

  clear(): void {
    this.#chunks = []
    this.#size = 0
    this.#joined = undefined
  }

  /** One chunk of the chunked transfer coding with these events. See RFC 9112, section 7.1. */
  frame(entries: readonly JournalEntry[]): Chunk {
    let text = ''
    for (const entry of entries) text += `${this.#prefix}${entry.sequence}\n${entry.text}`
    const { length } = entries
    return new Chunk(entries[0]?.sequence ?? 0, entries[length - 1]?.sequence ?? 0, frameText(text), entries)
  }

  /** Whether nothing came behind a chunk that it could have taken along. */
  #isWhole(chunk: Chunk): boolean {
    return chunk.bytes.length >= this.#limit / 2 || chunk.last === (this.#chunks[this.#chunks.length - 1] as Chunk).last
  }

  #join(sequence: number, limit: number): Chunk | undefined {
    const chunks = this.#chunks
    let index = this.#find(sequence + 1)
    const start = chunks[index]
    if (start === undefined) return undefined
    const first = start.first === sequence + 1 ? start : this.frame(start.entries.slice(sequence + 1 - start.first))
    const parts = [first.bytes]
    let { last } = first
    for (let size = first.bytes.length; ++index < chunks.length; ) {
      const next = chunks[index] as Chunk
      size += next.bytes.length
      if (size > limit) break
      parts.push(next.bytes)
      last = next.last
    }
    return parts.length === 1 ? first : new Chunk(sequence + 1, last, Buffer.concat(parts), [])
  }

  /** The chunk that holds an event. */
  #find(sequence: number): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#chunks[middle] as Chunk).first <= sequence) low = middle
      else high = middle - 1
    }
    return sequence <= (this.#chunks[low] as Chunk).last ? low : this.#chunks.length
  }
}

/** One chunk with this text. */
export function frameText(text: string): Buffer {
  const size = Buffer.byteLength(text)
  return Buffer.from(`${size.toString(16)}\r\n${text}\r\n`)
}
