import cookie from '@fastify/cookie'
import fastifyView, { type FastifyViewOptions } from '@fastify/view'
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { DependencyContainer } from 'tsyringe'
import { argumentReader } from './arguments.js'
import { idleCloser } from './closing.js'
import { type ControllerClass, childOf, resolver, SERIALIZER, STREAM_OPTIONS, serializerOf } from './container.js'
import { DefinitionError } from './errors.js'
import { openStream, plainHandler, streamHandler, type Target } from './handler.js'
import { type Log, logOf, noLog } from './log.js'
import {
  type ControllerRecord,
  controllerRecord,
  type DeclaredStreamOptions,
  type MethodRecord,
  methodRecords,
  type RouteRecord,
} from './metadata.js'
import { headersOf, PROBLEM_TYPE, problemOf } from './problem.js'
import type { StreamOptions } from './sse/index.js'
import { type ResolvedOptions, resolveOptions } from './sse/options.js'
import { Streams } from './streams.js'
import type { ValidationOptions } from './validation.js'

/** The options of the plugin. */
export interface OkapiOptions {
  /** The classes with `@Controller`. */
  controllers: readonly ControllerClass[]
  /** The parent of the app's own container. Default tsyringe's root container. */
  container?: DependencyContainer
  /** Stream options for the whole app; those of controllers and routes win over them. */
  streamOptions?: DeclaredStreamOptions
  /** How DTOs are checked, beyond their own rules: options of class-validator. Default `{ whitelist: true }`. */
  validation?: ValidationOptions
  /** The view engine for `view()`: the options of @fastify/view, such as `{ engine: { eta: new Eta() }, root }`. */
  views?: FastifyViewOptions
  /**
   * Milliseconds that streams have for their goodbye when the app closes, before they are cut; so long too may a client
   * be silent in the middle of its request. Default 2,000.
   */
  closeGrace?: number
  /** Counts the open streams. `createApp` makes one and shows it as `app.streams`. */
  streams?: Streams
  /** `false` keeps errors from the console in an app without a logger. Default: they are told there. */
  log?: false
}

/** What the routes of an app share. */
interface House {
  readonly app: FastifyInstance
  readonly options: OkapiOptions
  readonly container: DependencyContainer
  readonly streams: Streams
  readonly log: Log
  /** Which method serves a route already. */
  readonly served: Map<string, string>
}

/**
 * The Fastify plugin: makes routes of controllers.
 *
 * It stands beside the app's own routes, hooks and plugins: hooks registered before it run for its routes too, and its
 * error answers are its own. With the option `prefix` of `register`, all its routes stand below the prefix.
 *
 * @example
 * ```ts
 * await app.register(okapi, { controllers: [Prices], prefix: '/api' })
 * ```
 * @throws {DefinitionError} if a controller, route or parameter is declared wrongly; nothing is served then
 */
export const okapi: FastifyPluginAsync<OkapiOptions> = async (app, options) => {
  const container = childOf(options.container)
  if (options.streamOptions) container.register(STREAM_OPTIONS, { useValue: options.streamOptions })
  const streams = options.streams ?? new Streams()
  const log = options.log === false ? noLog : logOf(app)
  const house: House = { app, options, container, streams, log, served: new Map() }

  app.setErrorHandler(problemHandler(log))
  if (options.views) await app.register(fastifyView, options.views)
  if (readsCookies(options.controllers) && !app.hasRequestDecorator('cookies')) await app.register(cookie)
  for (const controller of options.controllers) addController(house, controller)

  const { closeGrace = 2_000 } = options
  const closeIdle = idleCloser(app, closeGrace)
  app.addHook('preClose', async () => {
    closeIdle()
    await streams.close(closeGrace)
  })
  app.addHook('onClose', async () => {
    await container.dispose()
  })
}

/** Answers every error as problem details, and logs those that are the server's fault. */
export function problemHandler(log: Log) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOf(error)
    if (problem.status >= 500) {
      log.error({ err: error, reqId: request.id, method: request.method, url: request.url }, 'A request failed')
    }
    reply.code(problem.status).headers(headersOf(error)).type(PROBLEM_TYPE).send(JSON.stringify(problem))
  }
}

function readsCookies(controllers: readonly ControllerClass[]): boolean {
  return controllers
    .flatMap(controller => [...methodRecords(controller).values()])
    .some(({ parameters }) => [...parameters.values()].some(({ kind }) => kind === 'cookie'))
}

function addController(house: House, type: ControllerClass): void {
  const record = controllerRecord(type)
  if (record === undefined)
    throw new DefinitionError(type.name, 'is not a controller: give the class @Controller(prefix)')
  const controller = resolver(house.container, type)
  for (const [method, methodRecord] of methodRecords(type)) {
    if (methodRecord.routes.length === 0) {
      throw new DefinitionError(
        `${type.name}.${method}`,
        'has parameters or headers but no route: give it @Get or @SSE',
      )
    }
    for (const route of methodRecord.routes) addRoute(house, type, record, controller, method, methodRecord, route)
  }
}

function addRoute(
  house: House,
  type: ControllerClass,
  record: ControllerRecord,
  controller: () => object,
  method: string,
  methodRecord: MethodRecord,
  route: RouteRecord,
): void {
  const where = `${type.name}.${method}`
  const url = join(where, record.prefix, route.path)
  claim(house, where, route.method, url)
  checkFunction(where, type, method, route)
  const argumentsOf = argumentReader(
    type,
    method,
    methodRecord,
    route.stream !== undefined,
    house.options.validation ?? {},
  )
  const name = `${where} ${route.method} ${house.app.prefix}${url}`
  const target: Target = { name, method, record: methodRecord, controller, argumentsOf }
  if (route.stream === undefined) {
    house.app.route({ method: route.method, url, handler: plainHandler(target) })
    return
  }
  const { streams, log } = house
  const options = streamOptions(house, where, record, route)
  house.app.route({
    method: route.method,
    url,
    exposeHeadRoute: false,
    onSend: [openStream],
    handler: streamHandler({ ...target, options, streams, log }),
  })
}

/** The path of a route: the prefix of the controller and the path of the method, with one slash between. */
function join(where: string, prefix: string, path: string): string {
  if (path !== '' && path !== '*' && !path.startsWith('/')) {
    throw new DefinitionError(where, `the path '${path}' lacks the leading slash: '/${path}'`)
  }
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  const joined = path === '/' && base !== '' ? base : base + path
  return joined === '' ? '/' : joined
}

function claim({ served }: House, where: string, method: string, url: string): void {
  const route = `${method} ${url}`
  const other = served.get(route)
  if (other) throw new DefinitionError(where, `serves ${route}, which ${other} serves already; change one of the paths`)
  served.set(route, where)
}

function checkFunction(where: string, type: ControllerClass, method: string, route: RouteRecord): void {
  const kind = (type.prototype as Record<string, object>)[method]?.constructor.name ?? ''
  if (route.stream === undefined && kind.endsWith('GeneratorFunction')) {
    throw new DefinitionError(
      where,
      `is a generator, which only a stream can send: declare it with @SSE('${route.path}')`,
    )
  }
}

function streamOptions(house: House, where: string, record: ControllerRecord, route: RouteRecord): ResolvedOptions {
  const { container } = house
  const app = container.isRegistered(STREAM_OPTIONS, true) ? container.resolve(STREAM_OPTIONS) : undefined
  const serializer = container.isRegistered(SERIALIZER, true) ? { serializer: SERIALIZER } : undefined
  const layers = [route.stream, record.streamOptions, app, serializer].map(layer =>
    withSerializer(container, layer, where),
  )
  try {
    return resolveOptions(route.method, ...layers)
  } catch (cause) {
    throw new DefinitionError(where, (cause as Error).message, { cause })
  }
}

function withSerializer(
  container: DependencyContainer,
  declared: DeclaredStreamOptions | undefined,
  where: string,
): StreamOptions | undefined {
  const { serializer, ...rest } = declared ?? {}
  return serializer === undefined ? rest : { ...rest, serializer: serializerOf(container, serializer, where) }
}
