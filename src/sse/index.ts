/** Event streams for plain `node:http`: no Fastify, no decorators. The subpath `okapi/sse`. */

// Streams
export { Channel } from './channel.js'
export type { Coding } from './coding.js'
export { encode } from './encode.js'
// Errors
export {
  EventFieldError,
  OverflowError,
  SerializationError,
  StreamClosedError,
  StreamError,
  type StreamErrorCode,
} from './errors.js'
// Events
export {
  binary,
  comment,
  custom,
  type EventFields,
  event,
  json,
  type MoreFields,
  ServerSentEvent,
  text,
} from './event.js'
export type { EndReason } from './frames.js'
export type { ObservableLike } from './observable.js'
export type { ErrorAnswer, StreamErrorContext, StreamOptions } from './options.js'
export { lastEventId } from './request.js'
// Serializers
export {
  Base64Serializer,
  DefaultSerializer,
  JsonSerializer,
  type Serializer,
  TextSerializer,
} from './serializer.js'
export { type StreamEventsOptions, streamEvents } from './serve.js'
export type { EventSourceLike } from './source.js'
export { EventWriter, type PipeOptions } from './writer.js'

// Not exported: EventStream, the sinks and the sources. They are how it works, not what it offers.
