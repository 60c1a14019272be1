import type { ServerOptions } from 'node:http'
import type { SecureServerOptions } from 'node:http2'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type RouteHandlerMethod,
} from 'fastify'
import findMyWay from 'find-my-way'
import { DefinitionError, HttpError } from './errors.js'
import { answerGarbage, answerProblem, problemHandler } from './failures.js'
import { type Fallback, type FolderOptions, foldersOf } from './folders.js'
import { checkNames } from './known.js'
import { describeRequest, logOf, noLog } from './log.js'
import { type OkapiOptions, okapi, optionNames } from './plugin.js'
import { type ProtectionOptions, protect } from './protection.js'
import { checkSignals, closeOnSignals, type SignalOptions } from './signals.js'
import type { Names } from './sse/known.js'
import { Streams } from './streams.js'

/**
 * Options of Fastify itself: logger, TLS, HTTP/2, limits.
 *
 * Other than by Fastify's own defaults, a client has 120 seconds to send its request (`requestTimeout`), 30 of them for the
 * head (`http.headersTimeout`). Neither cuts an answer, however long it takes.
 */
export interface FastifyOptions extends FastifyServerOptions {
  http?: ServerOptions | null
  https?: HttpsServerOptions | SecureServerOptions | null
  http2?: boolean
  http2SessionTimeout?: number
}

/** The options of an app. */
export interface AppOptions extends Omit<OkapiOptions, 'streams' | 'log'>, ProtectionOptions, FolderOptions {
  /** Fastify's options. Without a `logger`, errors are told on the console; `logger: false` asks for silence. */
  fastify?: FastifyOptions
  /**
   * Closes the app on SIGTERM and SIGINT, from `listen()` on, and ends the process: see `closeOnSignals`. Default: signals
   * are yours.
   */
  signals?: boolean | SignalOptions
  /**
   * Called before the controllers are added, and awaited: the place for Fastify plugins, hooks, and routes of your own.
   * What it returns does not matter, so that `app => app.register(plugin)` will do.
   */
  setup?: (app: FastifyInstance) => unknown
}

const names: Names<AppOptions> = {
  ...optionNames,
  cors: true,
  securityHeaders: true,
  rateLimit: true,
  compress: true,
  etag: true,
  static: true,
  spa: true,
  fastify: true,
  signals: true,
  setup: true,
}

/** A Fastify instance that serves controllers. */
export type App = FastifyInstance & {
  /** The open streams, to be counted. */
  readonly streams: Streams
}

/**
 * Makes an app: a Fastify instance with the controllers on it, ready to `listen()` or to be given to supertest as
 * `app.server`. `app.close()` ends the streams, lets ordinary requests finish, and disposes what the container made.
 *
 * Every error of a request is answered as problem details (RFC 9457), also an unknown path (404), unless `setup` set a
 * handler of its own for those, and a wrong method (405).
 *
 * @example
 * ```ts
 * const app = await createApp({ controllers: [Clock] })
 * await app.listen({ port: 8080 })
 * ```
 * @throws {DefinitionError} if a controller, route or parameter is declared wrongly, or a package is not installed that
 *   an option needs
 */
export async function createApp(options: AppOptions): Promise<App> {
  checkNames('createApp()', options, names)
  const { fastify: fastifyOptions = {}, signals, setup } = options
  if ('inject' in fastifyOptions) {
    throw new DefinitionError(
      'createApp(), option fastify',
      'takes options. Of an app that exists: app.register(okapi, { controllers })',
    )
  }
  if (signals) checkSignals(signals === true ? {} : signals)
  const app = fastify({ ...defaults, ...fastifyOptions, ...loggerOf(fastifyOptions) } as FastifyServerOptions)
  limitHeaders(app, fastifyOptions)
  const silent = 'logger' in fastifyOptions && fastifyOptions.logger === false
  const streams = new Streams()
  app.decorate('streams', streams)
  const log = silent ? noLog : logOf(app)
  app.setErrorHandler(problemHandler(log))
  const answerUnknown = unknownAnswerer(app)
  try {
    await protect(app, options)
    await setup?.(app)
    const fallback = await foldersOf(app, options, log)
    setNotFoundHandler(app, answerUnknown, fallback)
    if (signals) app.addHook('onListen', async () => closeOnSignals(app, signals === true ? {} : signals))
    const forPlugin = Object.entries(options).filter(([name]) => Object.hasOwn(optionNames, name))
    await app.register(okapi, {
      ...(Object.fromEntries(forPlugin) as unknown as OkapiOptions),
      streams,
      ...(silent ? { log: false } : {}),
    })
    await app.ready()
  } catch (error) {
    await app.close().catch(() => {})
    throw error
  }
  return app as FastifyInstance as App
}

/** The logger that was asked for, which does not tell tickets unless it has a serializer of its own. */
function loggerOf({ logger }: FastifyOptions): Pick<FastifyOptions, 'logger'> {
  // An instance goes into `loggerInstance`, as Fastify itself says.
  if (!logger || (typeof logger === 'object' && 'info' in logger)) return {}
  const given = logger === true ? {} : logger
  return { logger: { ...given, serializers: { req: describeRequest, ...given.serializers } } }
}

/** Not through Fastify's option `http`, which would shadow `https`. */
function limitHeaders({ server }: FastifyInstance, { http, https, serverFactory }: FastifyOptions): void {
  const given = https ?? http
  if (serverFactory || !('headersTimeout' in server) || (given && 'headersTimeout' in given)) return
  // Node exchanges the two where this one is longer.
  server.headersTimeout = Math.min(HEADERS_TIMEOUT, server.requestTimeout || HEADERS_TIMEOUT)
}

/** Milliseconds that a client may take to send its request. The answer takes what it takes. */
const REQUEST_TIMEOUT = 120_000

/** Milliseconds that a client may take to send the head of its request. */
const HEADERS_TIMEOUT = 30_000

/** Errors that arise before there is a route: a path that cannot be decoded. */
const answerFrameworkError: NonNullable<FastifyServerOptions['frameworkErrors']> = (error, _request, reply) => {
  answerProblem(reply as FastifyReply, error)
}

/** Fastify's options, where ours are others than its own. */
const defaults: FastifyServerOptions = {
  frameworkErrors: answerFrameworkError,
  clientErrorHandler: answerGarbage,
  // Requests that come over an open connection while the app closes are answered; its 503 would end an EventSource.
  return503OnClosing: false,
  requestTimeout: REQUEST_TIMEOUT,
}

/** What is wrong with a request that no route serves. */
type UnknownAnswerer = (request: FastifyRequest) => HttpError

/** What no route serves: 405 with the methods that would, or 404. */
function unknownAnswerer(app: FastifyInstance): UnknownAnswerer {
  const known = findMyWay(routerOptions(app))
  const methods = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    // Takes the preflights of every path there is or is not: it serves none.
    if (method === 'OPTIONS' && url === '*') return
    for (const one of [method].flat() as findMyWay.HTTPMethod[]) {
      methods.add(one)
      try {
        known.on(one, url, () => {})
      } catch {
        // The path is known already, under other constraints, or Fastify itself refuses it next.
      }
    }
  })
  return request => {
    const path = request.url.split('?', 1)[0] as string
    const allowed = [...methods].filter(method => known.find(method as findMyWay.HTTPMethod, path) !== null)
    const allow = allowed.sort().join(', ')
    return allow === '' || allowed.includes(request.method)
      ? new HttpError(404, `Nothing is served at ${path}`)
      : new HttpError(405, `${request.method} is not allowed here`, { headers: { allow } })
  }
}

/** What decides whether two paths are the same. */
function routerOptions({ initialConfig }: FastifyInstance): findMyWay.Config<findMyWay.HTTPVersion.V1> {
  const options = { ...initialConfig, ...initialConfig.routerOptions }
  const { ignoreTrailingSlash, ignoreDuplicateSlashes, caseSensitive, useSemicolonDelimiter } = options
  const given = { ignoreTrailingSlash, ignoreDuplicateSlashes, caseSensitive, useSemicolonDelimiter }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function setNotFoundHandler(app: FastifyInstance, answerUnknown: UnknownAnswerer, fallback?: Fallback): void {
  const handler: RouteHandlerMethod = async (request, reply) => {
    const error = answerUnknown(request)
    // A path that a route serves, though by another method, is never that of a file.
    if (fallback === undefined || error.statusCode !== 404 || !(await fallback(request, reply))) {
      answerProblem(reply, error)
    }
    return reply
  }
  try {
    // Or somebody could try paths as fast as they like.
    app.setNotFoundHandler(app.hasDecorator('rateLimit') ? { preHandler: app.rateLimit() } : {}, handler)
  } catch (cause) {
    // `setup` has set one of its own.
    if (fallback === undefined) return
    throw new DefinitionError(
      'createApp(), options static and spa',
      'serve what no route serves, and so does the not-found handler that setup has set; take out one of them',
      { cause },
    )
  }
}
