import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** The events that a foreign parser finds in the text of a stream, given at once or piece by piece. */
export function parsed(text: string | Iterable<string>): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: event => events.push(event) })
  for (const piece of typeof text === 'string' ? [text] : text) parser.feed(piece)
  return events
}
