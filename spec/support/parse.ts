import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** What a foreign parser makes of the text of a stream. */
export interface Parsed {
  readonly events: EventSourceMessage[]
  readonly comments: string[]
  readonly retries: number[]
  readonly errors: string[]
}

/** Feeds text to a parser that is not ours, piece by piece. */
export function parse(...pieces: string[]): Parsed {
  const parsed: Parsed = { events: [], comments: [], retries: [], errors: [] }
  const parser = createParser({
    onEvent: event => parsed.events.push(event),
    onComment: comment => parsed.comments.push(comment),
    onRetry: retry => parsed.retries.push(retry),
    onError: error => parsed.errors.push(error.message),
  })
  for (const piece of pieces) parser.feed(piece)
  return parsed
}
