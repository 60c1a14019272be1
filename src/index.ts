import 'reflect-metadata'

// Admission of streams
export type { AdmissionOptions, AppAdmissionOptions } from './admission.js'
// Answers
export { Html, html, raw, View, view } from './answers.js'
// The app
export { type App, type AppOptions, createApp, type FastifyOptions } from './app.js'
// Bodies
export { type FileHead, StreamedFile, UploadedFile } from './bodies/file.js'
export type { UploadOptions } from './bodies/uploads.js'
// Injection. Everything else of it is tsyringe's: import it from there.
export { type ControllerClass, SERIALIZER, STREAM_OPTIONS } from './container.js'
// Guards, and what they know of a route
export type { Metadata, RouteContext } from './context.js'
export { type Credential, type CredentialsOptions, credentials, type Verified } from './credentials.js'
// Controllers
export { Consumes, Multipart } from './decorators/bodies.js'
export { Controller, type ControllerOptions } from './decorators/controller.js'
export { Doc } from './decorators/doc.js'
export { Event, type EventOptions } from './decorators/events.js'
export { Catch } from './decorators/filters.js'
export { Guard, Use } from './decorators/guards.js'
export { metadata, SetMetadata } from './decorators/metadata.js'
export {
  Body,
  Cookie,
  type CreateParameterOptions,
  createParameter,
  File,
  type FileOptions,
  Files,
  Header,
  LastEventId,
  Param,
  type ParameterOptions,
  Principal,
  Query,
  Reply,
  Req,
  Signal,
  Stream,
} from './decorators/parameters.js'
export { HttpCode, Redirect, SetHeader } from './decorators/responses.js'
export { Returns, type ReturnsOptions } from './decorators/returns.js'
export { All, Delete, Get, Head, Options, Patch, Post, Put, SSE, type SSEOptions } from './decorators/routes.js'
export type { DocOptions } from './docs.js'
// Errors
export {
  BadRequestError,
  ClosingError,
  ConflictError,
  DefinitionError,
  EventMismatchError,
  ForbiddenError,
  HttpError,
  type HttpErrorOptions,
  InvalidRequestError,
  type Issue,
  NotFoundError,
  type ProblemMembers,
  RateLimitError,
  type RequestPart,
  type StreamLimit,
  StreamLimitError,
  TicketLimitError,
  UnauthorizedError,
} from './errors.js'
export { type DownloadOptions, download, FileAnswer, file, type SendFileOptions } from './files.js'
export { type ErrorFilter, type Filter, type FilterFunction, filter } from './filters.js'
export type { FolderOptions, SinglePageApp, StaticFolder } from './folders.js'
export type { GuardAnswer } from './guards.js'
export type { HealthOptions } from './health.js'
export type { Hook, HookFunction, HookMethods, Hooks } from './hooks.js'
export { Jwt, type JwtClaims } from './jwt.js'
export { withoutTicket } from './log.js'
export type { DeclaredStreamOptions, Injected } from './metadata.js'
// OpenAPI
export { type DescribeOptions, describeApi } from './openapi/describe.js'
export type {
  OpenApiDocument,
  OpenApiInfo,
  OpenApiLink,
  OpenApiSecurityScheme,
  OpenApiServer,
  OpenApiTag,
  Schema,
} from './openapi/document.js'
export { openapiOf } from './openapi/documents.js'
export { downgrade } from './openapi/downgrade.js'
export type { OpenApiOptions, OpenApiServing, OpenApiWebhook } from './openapi/options.js'
export { type OkapiOptions, okapi } from './plugin.js'
export type { Problem } from './problem.js'
export type {
  CompressionOptions,
  CorsOptions,
  EtagOptions,
  ProtectionOptions,
  RateLimitOptions,
  SecurityHeadersOptions,
} from './protection.js'
export { type Closable, closeOnSignals, type SignalOptions } from './signals.js'
// Event streams
export {
  Base64Serializer,
  binary,
  Channel,
  type Coding,
  comment,
  custom,
  DefaultSerializer,
  type EndReason,
  type ErrorAnswer,
  EventFieldError,
  type EventFields,
  type EventSourceLike,
  EventWriter,
  encode,
  event,
  JsonSerializer,
  json,
  lastEventId,
  type MoreFields,
  type ObservableLike,
  OverflowError,
  type PipeOptions,
  SerializationError,
  type Serializer,
  ServerSentEvent,
  StreamClosedError,
  StreamError,
  type StreamErrorCode,
  type StreamErrorContext,
  type StreamEventsOptions,
  type StreamOptions,
  streamEvents,
  TextSerializer,
  text,
} from './sse/index.js'
export { Streams } from './streams.js'
export { type Ticket, type TicketGrant, type TicketStore, Tickets, type TicketsOptions } from './tickets.js'
// Topics
export {
  GapError,
  JournalError,
  LagError,
  TopicBusyError,
  TopicClosedError,
  TopicEventError,
  TopicLimitError,
  TopicNameError,
} from './topics/errors.js'
export { type Decode, TopicEvent } from './topics/event.js'
export type { Gap, GapReason } from './topics/gap.js'
export type { Journal, JournalBounds, JournalEntry, JournalLog, Retention } from './topics/journal.js'
export { MemoryJournal } from './topics/journals/memory.js'
export type { OnGap, OnLag, SnapshotLike, SubscribeOptions } from './topics/options.js'
export type { Publication } from './topics/publication.js'
export { Subscription } from './topics/subscription.js'
export { Topic } from './topics/topic.js'
export type { TopicStats } from './topics/topic-log.js'
export { Topics, type TopicsOptions } from './topics/topics.js'
export type { ValidationOptions } from './validation/options.js'
export type { ItemType, ValueType } from './value-type.js'

// Not exported: the metadata ledger, the handlers, the readers of arguments. They are how it works, not what it offers.
