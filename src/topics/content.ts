import { encode } from '../sse/encode.js'
import { EncodedEvent, ServerSentEvent } from '../sse/event.js'
import type { Serializer } from '../sse/serializer.js'
import { TopicEventError } from './errors.js'
import { TopicEvent } from './event.js'

/**
 * The text of an event as it stands in a log: without an id, which its place there gives it.
 *
 * @throws {TopicEventError} for an event with an id of its own, or one that stands in a topic already
 * @throws {SerializationError} for data that has no text
 */
export function contentOf(value: unknown, serializer: Serializer): string {
  if (value instanceof EncodedEvent) throw new TopicEventError(value instanceof TopicEvent ? value.id : undefined)
  if (value instanceof ServerSentEvent && value.id !== undefined) throw new TopicEventError(value.id)
  return encode(value, serializer)
}
