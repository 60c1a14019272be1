import { CODINGS, type Coding } from './coding.js'
import type { ServerSentEvent } from './event.js'
import type { EndMode } from './frames.js'
import { type Names, unknownName } from './known.js'
import { defaultSerializer, type Serializer } from './serializer.js'

/** Where in a stream an error arose. */
export interface StreamErrorContext {
  /**
   * `serialize`: an event has no text, and the answer decides what follows. `source`: the generator, or what else the
   * stream reads, threw. `overflow`: a producer that does not wait sent too much. `cleanup`: a `finally` threw, after
   * the stream was over.
   */
  readonly phase: 'serialize' | 'source' | 'overflow' | 'cleanup'
  /** The value that could not be serialized. */
  readonly value?: unknown
  /** What the stream is called in logs: for a controller, `Prices.watch GET /prices/:symbol`. */
  readonly name: string
  /** The request of the stream: Fastify's in an app, Node's under `okapi/sse`. */
  readonly request: unknown
}

/** What becomes of an event that could not be serialized: sent in another form, left out, or the end of the stream. */
export type ErrorAnswer = ServerSentEvent | 'skip' | 'end'

/**
 * The options of an event stream. The nearest one wins, option by option: that of the route, then that of the
 * controller, then that of the app (`streamOptions`, or the token `STREAM_OPTIONS`), then the default.
 */
export interface StreamOptions {
  /** Turns data into text; an event may bring its own. Default: strings raw, bytes as Base64, the rest as JSON. */
  serializer?: Serializer
  /**
   * Milliseconds of silence after which a comment keeps the connection alive; at most an eighth late. 0 turns it off.
   * Default 15,000, as the standard advises.
   */
  pingInterval?: number
  /**
   * Told of every error after the stream has begun. For `phase: 'serialize'` the answer counts: an event to send
   * instead, `'skip'`, or `'end'` (which is also what no answer means).
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that only logs returns nothing
  onError?: (error: unknown, context: StreamErrorContext) => ErrorAnswer | undefined | void
  /** The reconnection time to give the client at the start, in milliseconds. Default: none, the client's own. */
  retry?: number
  /**
   * How a finished stream stays finished, though EventSource reconnects after every end. `'event'` sends a last event
   * `stream:end`, whose id is answered 204 when the client comes back; `'id'` sends the id alone, which some clients
   * ignore; `false` sends nothing. Default `'event'` for GET, `false` for other methods. A stream that is cut short,
   * for whatever reason, always says so.
   */
  end?: EndMode
  /** `'uuid'` gives an id to every event with data that has none. Nobody can resume from it. Default: no ids. */
  ids?: 'uuid' | false
  /**
   * Milliseconds the head of the response waits for the first event, so that an error before it is a real HTTP error.
   * Default 100; with 0 the head leaves at once.
   */
  headDelay?: number
  /**
   * About how many characters are gathered for one write, and may wait for a slow client; a third of them where the text
   * is not ASCII, so that it is as many bytes. Default 50,000.
   */
  highWaterMark?: number
  /**
   * Milliseconds after which a client that takes nothing, though there is something to take, is cut; 0 is never. One
   * that reads slowly shows only when the buffers of the operating system, some megabytes, have room again. Default
   * 60,000.
   */
  stallTimeout?: number
  /**
   * Milliseconds a stream lasts at most; 0 is for ever, the default. It ends with `stream:end`, reason `duration`, at a
   * moment of its own in the last tenth of that time, and the client comes back: through the balancer, past the guards,
   * with its last event ID.
   */
  maxDuration?: number
  /**
   * Whether the stream is compressed for clients that accept it, each batch so that they can read it at once: `true` for
   * gzip, zstd (where Node.js has it) and brotli, or those that you name, the best first. Default false. Clients that follow
   * topics are sent gzip, if it is offered, which over HTTP/1.1 all of them share.
   *
   * Memory for each stream: about 150 KiB with gzip, 95 with zstd, 570 with brotli, and next to none with shared gzip. Leave
   * it off where a stream carries a secret beside what others can write: the sizes would give it away (BREACH).
   */
  compress?: boolean | readonly Coding[]
  /** Milliseconds after which a generator that outlives its client is counted and logged. Default 5,000. */
  orphanTimeout?: number
}

/** The options of a stream with every default filled in. */
export interface ResolvedOptions extends Required<Omit<StreamOptions, 'onError' | 'retry' | 'end'>> {
  readonly onError: StreamOptions['onError']
  readonly retry: number | undefined
  readonly end: EndMode
}

const defaults = {
  serializer: defaultSerializer,
  pingInterval: 15_000,
  ids: false,
  headDelay: 100,
  highWaterMark: 50_000,
  stallTimeout: 60_000,
  maxDuration: 0,
  compress: false,
  orphanTimeout: 5_000,
} as const satisfies Partial<StreamOptions>

const names: Names<StreamOptions> = {
  serializer: true,
  pingInterval: true,
  onError: true,
  retry: true,
  end: true,
  ids: true,
  headDelay: true,
  highWaterMark: true,
  stallTimeout: true,
  maxDuration: true,
  compress: true,
  orphanTimeout: true,
}

const milliseconds = ['pingInterval', 'retry', 'headDelay', 'stallTimeout', 'maxDuration', 'orphanTimeout'] as const

/**
 * Fills in what the options leave open.
 *
 * @param method the HTTP method of the stream, for the default of `end`
 * @param layers the options, the nearest first
 * @throws {TypeError} for an option that makes no sense, named
 */
export function resolveOptions(method: string, ...layers: (StreamOptions | undefined)[]): ResolvedOptions {
  for (const layer of layers) checkOptions(layer)
  const of = <Name extends keyof StreamOptions>(name: Name): StreamOptions[Name] | undefined => {
    for (const layer of layers) if (layer?.[name] !== undefined) return layer[name]
    return undefined
  }
  return {
    serializer: of('serializer') ?? defaults.serializer,
    pingInterval: of('pingInterval') ?? defaults.pingInterval,
    onError: of('onError'),
    retry: of('retry'),
    end: of('end') ?? (method === 'GET' ? 'event' : false),
    ids: of('ids') ?? defaults.ids,
    headDelay: of('headDelay') ?? defaults.headDelay,
    highWaterMark: of('highWaterMark') ?? defaults.highWaterMark,
    stallTimeout: of('stallTimeout') ?? defaults.stallTimeout,
    maxDuration: of('maxDuration') ?? defaults.maxDuration,
    compress: of('compress') ?? defaults.compress,
    orphanTimeout: of('orphanTimeout') ?? defaults.orphanTimeout,
  }
}

/** @throws {TypeError} for an option that makes no sense or that there is none of, named */
export function checkOptions(options: StreamOptions = {}): void {
  const unknown = unknownName(options, names)
  if (unknown) throw new TypeError(`The stream options know ${unknown}`)
  const { serializer, onError, end, ids, compress, highWaterMark } = options
  for (const name of milliseconds) checkNumber(name, options[name], 0)
  checkNumber('highWaterMark', highWaterMark, 1)
  if (serializer !== undefined && typeof serializer?.serialize !== 'function') {
    throw new TypeError('The stream option serializer is an object with a method serialize(data)')
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw new TypeError(`The stream option onError is a function, not a ${typeof onError}`)
  }
  if (![undefined, 'event', 'id', false].includes(end)) {
    throw new TypeError(`The stream option end is 'event', 'id' or false, not ${end}`)
  }
  if (![undefined, 'uuid', false].includes(ids)) {
    throw new TypeError(`The stream option ids is 'uuid' or false, not ${ids}`)
  }
  checkCodings(compress)
}

function checkCodings(compress: unknown): void {
  if (compress === undefined || typeof compress === 'boolean') return
  if (!Array.isArray(compress)) {
    throw new TypeError(`The stream option compress is true, false or an array such as ['gzip'], not ${compress}`)
  }
  const known = [...CODINGS].sort().join(', ')
  for (const one of compress) {
    if (CODINGS.includes(one as Coding)) continue
    throw new TypeError(`The stream option compress names ${String(one)}; this Node.js has ${known}`)
  }
}

function checkNumber(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value < 2 ** 31)) return
  throw new TypeError(`The stream option ${name} is a whole number from ${least} to ${2 ** 31 - 1}, not ${value}`)
}
