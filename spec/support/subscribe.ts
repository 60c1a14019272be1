import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** A live event stream, read by a parser that is not ours. */
export interface Subscription {
  readonly status: number
  readonly headers: Headers
  /** The next events, waiting for them; fewer only if the stream ends first. */
  take(count: number): Promise<EventSourceMessage[]>
  /** All events up to the end of the stream. */
  rest(): Promise<EventSourceMessage[]>
  /** What has arrived so far, byte for byte. */
  text(): string
  /** Cuts the connection. */
  leave(): void
}

/** Opens an event stream with `fetch`. */
export async function subscribe(url: string, init: RequestInit = {}): Promise<Subscription> {
  const controller = new AbortController()
  const response = await fetch(url, { ...init, signal: controller.signal })
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: event => events.push(event) })
  let text = ''
  let ended = reader === undefined
  const read = async (): Promise<void> => {
    const { done, value } = await (reader as ReadableStreamDefaultReader<Uint8Array>).read()
    ended = done
    const chunk = decoder.decode(value, { stream: !done })
    text += chunk
    parser.feed(chunk)
  }
  return {
    status: response.status,
    headers: response.headers,
    async take(count) {
      while (events.length < count && !ended) await read()
      return events.splice(0, count)
    },
    async rest() {
      while (!ended) await read()
      return events.splice(0)
    },
    text: () => text,
    leave: () => controller.abort(),
  }
}
