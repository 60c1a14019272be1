import { EncodedEvent } from '../sse/event.js'

/** Turns the text of an event's data back into a value. */
export type Decode<T> = (data: string, event: string | undefined) => T

/**
 * An event as it stands in a topic. It can be yielded as it is: then it goes over the wire as it was published, with its
 * position as its id.
 */
export class TopicEvent<T = unknown> extends EncodedEvent {
  /** The name of the topic. */
  readonly topic: string
  /** The position, as clients send it back; `undefined` for an event of a snapshot, or of a gap that others follow. */
  readonly id: string | undefined
  readonly #content: string
  readonly #decode: Decode<T>
  #fields: { event: string | undefined; text: string } | undefined
  #data: { value: T } | undefined

  /** @internal */
  constructor(topic: string, id: string | undefined, content: string, decode: Decode<T>) {
    super(id === undefined ? content : `id: ${id}\n${content}`)
    this.topic = topic
    this.id = id
    this.#content = content
    this.#decode = decode
  }

  /** The event type, if it has one. */
  get event(): string | undefined {
    return this.#parsed().event
  }

  /** The text of the data. */
  get text(): string {
    return this.#parsed().text
  }

  /** The data, decoded when it is first asked for: JSON as its value, other text as it is. */
  get data(): T {
    this.#data ??= { value: this.#decode(this.text, this.event) }
    return this.#data.value
  }

  #parsed(): { event: string | undefined; text: string } {
    this.#fields ??= parse(this.#content)
    return this.#fields
  }
}

function parse(content: string): { event: string | undefined; text: string } {
  let event: string | undefined
  const data: string[] = []
  for (const line of content.split('\n')) {
    if (line.startsWith('data: ')) data.push(line.slice(6))
    else if (line.startsWith('event: ')) event = line.slice(7)
  }
  return { event, text: data.join('\n') }
}

/** JSON as its value, other text as it is: what the default serializer made, except that a string of JSON is taken for it. */
export function decodeDefault(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
