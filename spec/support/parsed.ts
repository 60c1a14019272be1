import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** The events that a foreign parser finds in the text of a stream. */
export function parsed(...pieces: string[]): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: event => events.push(event) })
  for (const piece of pieces) parser.feed(piece)
  return events
}
