import cookie from '@fastify/cookie'
import fastifyView, { type FastifyViewOptions } from '@fastify/view'
import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import type { DependencyContainer } from 'tsyringe'
import { Admissions, type AppAdmissionOptions } from './admission.js'
import { checkUploads, type UploadOptions } from './bodies/uploads.js'
import { idleCloser, onAnnounced, onClosing } from './closing.js'
import { type ControllerClass, childOf, Instances, SERIALIZER, STREAM_OPTIONS } from './container.js'
import { DefinitionError } from './errors.js'
import { problemHandler } from './failures.js'
import { addFiles, folderOf, warnMissing } from './files.js'
import { type Filter, translator } from './filters.js'
import type { Guard } from './guards.js'
import { addHealth, type HealthOptions } from './health.js'
import { checkNames } from './known.js'
import { type Log, logOf, noLog } from './log.js'
import { type DeclaredStreamOptions, type Injected, methodRecords } from './metadata.js'
import { checkMilliseconds } from './milliseconds.js'
import { addDocument } from './openapi/documents.js'
import type { OpenApiServing } from './openapi/options.js'
import { addControllers, checkStreamOptions } from './routes.js'
import type { Names } from './sse/known.js'
import { Streams } from './streams.js'
import { Tickets, type TicketsOptions } from './tickets.js'
import { Topics, type TopicsOptions } from './topics/topics.js'
import { type ValidationOptions, validationNames } from './validation/options.js'

/** The options of the plugin. */
export interface OkapiOptions {
  /** The classes with `@Controller`. */
  controllers: readonly ControllerClass[]
  /** The parent of the app's own container. Default tsyringe's root container. */
  container?: DependencyContainer
  /** Stream options for the whole app; those of controllers and routes win over them. */
  streamOptions?: DeclaredStreamOptions
  /** The journal and the bounds of the topics; or the topics themselves, which the app then leaves open. */
  topics?: TopicsOptions | Topics
  /** The bounds of the tickets, by which `EventSource` is let in; or the tickets themselves, to share them. */
  tickets?: TicketsOptions | Tickets
  /** Guards of every route of the controllers, asked before their own. */
  guards?: readonly Injected<Guard>[]
  /** How errors of the controllers are answered that no filter of their own answers: `[filter(OutOfStock, …)]`. */
  filters?: readonly Filter[]
  /** How DTOs are checked, beyond their own rules: options of class-validator. Default `{ whitelist: true }`. */
  validation?: ValidationOptions
  /**
   * How many streams may be open at the same time. Default: as many as come. A client that is refused is answered 429 or
   * 503 as problem details with `Retry-After`; an EventSource, which such an answer would end for good, is answered 200
   * with a reconnection time and `stream:end`, and so comes back by itself.
   */
  admission?: AppAdmissionOptions
  /**
   * Adds `/healthz` and `/readyz`, for load balancers and orchestrators: `true`, or with paths and checks of your own.
   * Default: neither.
   */
  health?: boolean | HealthOptions
  /** How forms with files are read; `@Multipart` wins over it. See `UploadOptions`. */
  uploads?: UploadOptions
  /** The view engine for `view()`: the options of @fastify/view, such as `{ engine: { eta: new Eta() }, root }`. */
  views?: FastifyViewOptions
  /** The folder of `file()` and `download()`. Needs @fastify/static. `true` where each names its own. Default: none is sent. */
  files?: string | URL | true
  /**
   * Milliseconds that streams have for their goodbye when the app closes, before they are cut; so long too may a client
   * be silent in the middle of its request, or take nothing of its answer. Default 2,000.
   */
  closeGrace?: number
  /**
   * Milliseconds over which the goodbyes to the streams are spread when the app closes, so that their clients do not
   * come back all at once; `closeGrace` begins after them. Default 0: all at once, and back 1 to 5 seconds later.
   */
  closeSpread?: number
  /** Describes the controllers in an OpenAPI document, and serves it with a page. Default: none is made. */
  openapi?: OpenApiServing
  /**
   * Checks whatever a stream sends against the `@Event`s of its method: for development. What is not declared goes to
   * `onError` with `phase: 'serialize'`. Default false, which costs nothing.
   */
  checkEvents?: boolean
  /**
   * Counts the open streams. `createApp` makes one and shows it as `app.streams`. Several plugins of one server may share
   * it, but no two servers: it takes no more streams once one of them closes.
   */
  streams?: Streams
  /** `false` keeps errors from the console in an app without a logger. Default: they are told there. */
  log?: false
}

/** The names of the options that `createApp` has as well. */
export const optionNames: Names<Omit<OkapiOptions, 'streams' | 'log'>> = {
  controllers: true,
  container: true,
  streamOptions: true,
  topics: true,
  tickets: true,
  guards: true,
  filters: true,
  validation: true,
  admission: true,
  health: true,
  uploads: true,
  views: true,
  files: true,
  closeGrace: true,
  closeSpread: true,
  openapi: true,
  checkEvents: true,
}

/** With the options of Fastify for every plugin. */
const pluginNames: Names<OkapiOptions & RegisterOptions> = {
  ...optionNames,
  streams: true,
  log: true,
  prefix: true,
  logLevel: true,
  logSerializers: true,
}

/**
 * The Fastify plugin: makes routes of controllers.
 *
 * It stands beside the app's own routes, hooks and plugins: hooks of the app run for its routes too, and its error
 * answers are its own. With the option `prefix` of `register`, all its routes stand below the prefix.
 *
 * @example
 * ```ts
 * await app.register(okapi, { controllers: [Prices], prefix: '/api' })
 * ```
 * @throws {DefinitionError} if a controller, route or parameter is declared wrongly, or a package is not installed that
 *   an option needs; nothing is served then
 */
export const okapi: FastifyPluginAsync<OkapiOptions> = async (app, options) => {
  const { controllers, streamOptions, streams = new Streams(), validation = {}, guards = [], filters = [] } = options
  const { checkEvents = false } = options
  checkPluginOptions(options)
  claim(streams, app)
  const container = childOf(options.container)
  app.addHook('onClose', () => container.dispose())
  if (streamOptions) {
    checkStreamOptions('option streamOptions', container, streamOptions)
    container.register(STREAM_OPTIONS, { useValue: streamOptions })
  }
  const log = options.log === false ? noLog : logOf(app)
  addTopics(app, container, options.topics, log)
  addTickets(container, options.tickets)

  const instances = new Instances(container)
  if (!app.hasRequestDecorator('principal')) app.decorateRequest('principal')
  app.setErrorHandler(problemHandler(log, translator([filters], instances, log, 'filters')))
  if (options.views) await app.register(fastifyView, options.views)
  if (options.files !== undefined) await addFiles(app, 'option files')
  const files = options.files === undefined || options.files === true ? undefined : folderOf(options.files)
  if (files !== undefined) warnMissing(log, 'files', files)
  if (readsCookies(controllers) && !app.hasRequestDecorator('cookies')) await app.register(cookie)
  const admissions = new Admissions(options.admission)
  const { uploads } = options
  const house = {
    app,
    container,
    instances,
    streams,
    log,
    validation,
    uploads,
    files,
    guards,
    filters,
    admissions,
    checkEvents,
  }
  await addControllers(house, controllers)
  if (options.openapi) await addDocument(app, { controllers, container, validation, guards }, options.openapi)

  if (options.health) addHealth(app, streams, log, options.health === true ? {} : options.health)

  onAnnounced(app, delay => streams.stopAdmitting(delay))
  const { closeGrace = 2_000, closeSpread = 0 } = options
  const closeIdle = idleCloser(app, closeGrace)
  onClosing(app, async () => {
    closeIdle()
    await streams.close(closeGrace, closeSpread)
  })
}

const servers = new WeakMap<Streams, object>()

/** Refuses streams of another server, which would end with that one, and refuse all others from then on. */
function claim(streams: Streams, { server }: FastifyInstance): void {
  const owner = servers.get(streams) ?? server
  if (owner !== server) {
    throw new DefinitionError('option streams', 'belongs to another server; give each its own: new Streams()')
  }
  servers.set(streams, server)
}

/** Makes `Topics` injectable, unless somebody has registered it. */
function addTopics(
  app: FastifyInstance,
  container: DependencyContainer,
  given: OkapiOptions['topics'],
  log: Log,
): void {
  if (given === undefined && container.isRegistered(Topics, true)) return
  if (given instanceof Topics) {
    container.register(Topics, { useValue: given })
    return
  }
  if (given !== undefined && 'open' in given) {
    throw new DefinitionError('option topics', 'is a journal; put it into the options: { journal }')
  }
  const serializer = container.isRegistered(SERIALIZER, true) ? { serializer: container.resolve(SERIALIZER) } : {}
  const onError = (err: unknown, topic: string): void => log.error({ err, topic }, 'The journal of a topic failed')
  const topics = topicsOf({ onError, ...serializer, ...given })
  container.register(Topics, { useValue: topics })
  app.addHook('onClose', () => topics.close())
}

function topicsOf(options: TopicsOptions): Topics {
  try {
    return new Topics(options)
  } catch (cause) {
    throw new DefinitionError('option topics', (cause as Error).message, { cause })
  }
}

/** Makes `Tickets` injectable, unless somebody has registered it. */
function addTickets(container: DependencyContainer, given: OkapiOptions['tickets']): void {
  if (given === undefined && container.isRegistered(Tickets, true)) return
  container.register(Tickets, { useValue: given instanceof Tickets ? given : new Tickets(given) })
}

function checkPluginOptions(options: OkapiOptions): void {
  checkNames('The plugin', options, pluginNames)
  const { controllers, guards, filters, container, validation, uploads, closeGrace, closeSpread } = options
  for (const [name, value] of Object.entries({ controllers, guards, filters })) {
    if (Array.isArray(value) || (value === undefined && name !== 'controllers')) continue
    throw new DefinitionError(`option ${name}`, `takes an array, not ${value === null ? value : typeof value}`)
  }
  checkClasses(controllers)
  if (container !== undefined && typeof container?.createChildContainer !== 'function') {
    throw new DefinitionError('option container', 'is no container of tsyringe')
  }
  if (validation !== undefined) checkNames('option validation', validation, validationNames)
  if (uploads !== undefined) checkUploads('option uploads', uploads)
  checkMilliseconds('The plugin', 'closeGrace', closeGrace)
  checkMilliseconds('The plugin', 'closeSpread', closeSpread)
}

function checkClasses(controllers: readonly unknown[]): void {
  for (const [index, type] of controllers.entries()) {
    if (typeof type === 'function') continue
    const cure =
      type === undefined ? '. Is its class imported around in a circle?' : ': give the class, not an instance'
    throw new DefinitionError(
      `controllers, item ${index}`,
      `is no class but ${type === null ? 'null' : typeof type}${cure}`,
    )
  }
}

function readsCookies(controllers: readonly ControllerClass[]): boolean {
  return controllers
    .flatMap(controller => [...methodRecords(controller).values()])
    .some(({ parameters }) => [...parameters.values()].some(({ kind }) => kind === 'cookie'))
}
