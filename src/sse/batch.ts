import { dataText, END, encodeEvent, type Head, headOf, isSimple, PLAIN } from './encode.js'
import { EncodedEvent, ServerSentEvent } from './event.js'
import type { Serializer } from './serializer.js'

/**
 * The events that leave in one write, gathered as text.
 *
 * The end of an event is written together with the head of the next one: a piece of text less to glue, of the three that
 * a small event has.
 */
export class Batch {
  #text = ''
  #unended = false

  /** How many characters were gathered. */
  get length(): number {
    return this.#text.length
  }

  /**
   * Adds a value, as `encode` would.
   *
   * @throws {SerializationError} if there is no text for the data; then nothing was added
   */
  add(value: unknown, serializer: Serializer): void {
    if (value instanceof ServerSentEvent) {
      if (isSimple(value)) this.#glue(headOf(value.event), dataText(value.data, value.serializer ?? serializer))
      else this.addText(encodeEvent(value, serializer))
    } else if (value instanceof EncodedEvent) this.addText(value.wire)
    else this.#glue(PLAIN, dataText(value, serializer))
  }

  #glue(head: Head, data: string): void {
    this.#text = this.#text + (this.#unended ? head.next : head.first) + data
    this.#unended = true
  }

  /** Adds whole events. */
  addText(events: string): void {
    this.#text = this.#all() + events
    this.#unended = false
  }

  /** Whether it takes as many bytes as characters. */
  isAscii(): boolean {
    return Buffer.byteLength(this.#text) === this.#text.length
  }

  /** Puts whole events before those that were gathered. */
  lead(events: string): void {
    this.#text = events + this.#text
  }

  #all(): string {
    return this.#unended ? this.#text + END : this.#text
  }

  /** Gives what was gathered, and begins anew. */
  take(): string {
    const text = this.#all()
    this.#text = ''
    this.#unended = false
    return text
  }
}
