import type { FastifyInstance, RouteOptions } from 'fastify'
import type { DependencyContainer } from 'tsyringe'
import type { Admissions } from './admission.js'
import { argumentReader } from './arguments.js'
import { intakeOf } from './bodies/intake.js'
import type { UploadOptions } from './bodies/uploads.js'
import {
  type ControllerClass,
  type Instances,
  resolver,
  SERIALIZER,
  STREAM_OPTIONS,
  serializerOf,
} from './container.js'
import { contextOf, type RouteContext } from './context.js'
import { DefinitionError } from './errors.js'
import { eventCheck, mayHaveGaps } from './event-check.js'
import { problemHandler, type Translate } from './failures.js'
import { translator } from './filters.js'
import { guardHook } from './guards.js'
import { plainHandler, type Target } from './handler.js'
import { type RouteHook, type RouteHooks, routeHooks } from './hooks.js'
import type { Log } from './log.js'
import {
  type ControllerRecord,
  controllerRecord,
  type DeclaredStreamOptions,
  type FilterRecord,
  isMarked,
  type MethodRecord,
  methodRecords,
  type ParameterKind,
  policiesOf,
  type RouteRecord,
} from './metadata.js'
import { pathOf, templatesOf, WILDCARD } from './paths.js'
import { answerSchemas } from './serialization.js'
import { isBodiless } from './sse/headers.js'
import type { StreamOptions } from './sse/index.js'
import { checkOptions, type ResolvedOptions, resolveOptions } from './sse/options.js'
import { openStream, streamHandler } from './stream-handler.js'
import type { Streams } from './streams.js'
import type { ValidationOptions } from './validation/options.js'

/** What the routes of an app share. */
export interface House {
  readonly app: FastifyInstance
  readonly container: DependencyContainer
  readonly instances: Instances
  readonly streams: Streams
  readonly log: Log
  readonly validation: ValidationOptions
  readonly uploads?: UploadOptions | undefined
  /** The folder of `file()` and `download()`. */
  readonly files?: string | undefined
  readonly admissions: Admissions
  readonly guards: readonly unknown[]
  readonly filters: readonly FilterRecord[]
  /** Whether what streams yield is checked against what they declare. */
  readonly checkEvents: boolean
}

/** One route of one method, before it is checked. */
interface Plan {
  readonly type: ControllerClass
  readonly controller: ControllerRecord
  readonly instance: () => object
  /** `Prices.watch`, for messages. */
  readonly where: string
  readonly method: string
  readonly record: MethodRecord
  readonly route: RouteRecord
  /** The path below the prefix of the plugin. */
  readonly url: string
}

/**
 * Adds the routes of controllers to an app.
 *
 * @throws {DefinitionError} if a controller, route or parameter is declared wrongly
 */
export async function addControllers(house: House, controllers: readonly ControllerClass[]): Promise<void> {
  const plans = controllers.flatMap(type => plansOf(house, type))
  // A HEAD route must stand before the GET route of its path, or Fastify adds one of its own.
  const ordered = [...plans.filter(isHead), ...plans.filter(plan => !isHead(plan))]
  const served = new Map<string, string>()
  for (const plan of ordered) {
    claim(house.app, served, plan)
    await addRoute(house, plan)
  }
}

function isHead({ route }: Plan): boolean {
  return route.method === 'HEAD'
}

function plansOf(house: House, type: ControllerClass): Plan[] {
  const controller = controllerRecord(type)
  if (controller === undefined) {
    const what = isMarked(type)
      ? 'is a controller of another copy of okapi: "npm ls okapi" tells where it is'
      : 'is not a controller: give the class @Controller(prefix)'
    throw new DefinitionError(type.name, what)
  }
  const { streamOptions } = controller
  if (streamOptions) checkStreamOptions(`${type.name}, option streamOptions`, house.container, streamOptions)
  const instance = resolver(house.container, type)
  return [...methodRecords(type)].flatMap(([method, record]) => {
    const where = `${type.name}.${method}`
    if (record.routes.length === 0) {
      throw new DefinitionError(where, 'is decorated but has no route: give it @Get or @SSE')
    }
    const plans = record.routes.map(
      (route): Plan => ({
        ...{ type, controller, instance, where, method, record, route },
        url: pathOf(where, controller.prefix, route.path),
      }),
    )
    checkMethod(house.app, type, where, record, plans)
    return plans
  })
}

/** Refuses what no request could ever fill or do. */
function checkMethod(
  app: FastifyInstance,
  type: ControllerClass,
  where: string,
  record: MethodRecord,
  plans: Plan[],
): void {
  checkParameters(type, where, record, plans)
  const bodiless = plans.every(({ route }) => route.method === 'GET' || route.method === 'HEAD')
  for (const [index, { kind, name, decorator }] of record.parameters) {
    if (readsBody(kind) && bodiless) {
      const cure = "declare the method with @Post, or @SSE(path, { method: 'POST' })"
      throw new DefinitionError(`${where}, parameter ${index}`, `${decorator} reads a body, which GET has not: ${cure}`)
    }
    if (kind !== 'path' || name === undefined) continue
    const paths = plans.map(({ url }) => app.prefix + url)
    if (paths.some(path => namesIn(path).has(name === '*' ? WILDCARD : name))) continue
    throw new DefinitionError(
      `${where}, parameter ${index}`,
      `${decorator} names nothing in the path ${paths.join(', ')}`,
    )
  }
  if (bodiless && (record.consumes !== undefined || record.uploads !== undefined)) {
    throw new DefinitionError(where, 'declares how it takes a body, which GET has not: declare the method with @Post')
  }
  const streams = plans.filter(({ route }) => route.stream)
  if (record.redirect && streams.length > 0) {
    throw new DefinitionError(where, '@Redirect is nothing for a stream: declare the method with @Get')
  }
  if (record.status !== undefined && record.status !== 200 && streams.some(({ route }) => route.method === 'GET')) {
    throw new DefinitionError(
      where,
      `@HttpCode(${record.status}) ends an EventSource, which reads a stream of status 200 only`,
    )
  }
  if (record.status !== undefined && isBodiless(record.status) && streams.length > 0) {
    throw new DefinitionError(where, `@HttpCode(${record.status}) has no body, and so no stream: leave it out`)
  }
  if (record.events && streams.length === 0) {
    throw new DefinitionError(where, '@Event declares what a stream sends: declare the method with @SSE')
  }
  if (record.returns && streams.length === plans.length) {
    throw new DefinitionError(
      where,
      '@Returns declares an answer, and a stream has none: declare what it sends by @Event',
    )
  }
}

/** Refuses parameters that are always `undefined`, and a body that is taken twice. */
function checkParameters(type: ControllerClass, where: string, { parameters }: MethodRecord, plans: Plan[]): void {
  const { method } = plans[0] as Plan
  const run = Reflect.get(type.prototype, method) as (...args: unknown[]) => unknown
  for (let index = 0; index < run.length; index++) {
    if (parameters.has(index)) continue
    throw new DefinitionError(
      `${where}, parameter ${index}`,
      "has no decorator, so that nobody gives it a value: say @Body(), @Param('…') or another, or give it a default value",
    )
  }
  const all = [...parameters.values()]
  if (all.filter(({ kind, name }) => kind === 'body' && name === undefined).length > 1) {
    throw new DefinitionError(where, "has two @Body() of the whole body; keep one, or name its properties: @Body('…')")
  }
  if (all.some(({ kind }) => kind === 'stream') && run.constructor.name.endsWith('GeneratorFunction')) {
    throw new DefinitionError(where, 'yields, and sends by the calls of @Stream(); do the one or the other')
  }
}

/** The names of the parameters in a path. */
function namesIn(path: string): Set<string> {
  return new Set(templatesOf(path).flatMap(({ names }) => [...names.keys()]))
}

function readsBody(kind: ParameterKind): boolean {
  return kind === 'body' || kind === 'file' || kind === 'files'
}

function claim(app: FastifyInstance, served: Map<string, string>, { where, route: { method }, url }: Plan): void {
  const path = app.prefix + url
  const key = `${method} ${path.replace(/:\w+/g, ':')}`
  const other = served.get(key) ?? (app.hasRoute({ method, url: path }) ? 'a route of the app' : undefined)
  if (other) {
    throw new DefinitionError(where, `serves ${method} ${path}, which ${other} serves already; change one of the paths`)
  }
  served.set(key, where)
}

async function addRoute(house: House, plan: Plan): Promise<void> {
  const { type, controller, instance, where, method, record, route, url } = plan
  const { streams, log, validation, checkEvents } = house
  const { stream } = route
  checkFunction(where, type, method, route)
  const types = (Reflect.getMetadata('design:paramtypes', type.prototype, method) as unknown[] | undefined) ?? []
  const intake = await intakeOf(house.app, where, record, types, house.uploads)
  const app = intake?.app ?? house.app
  const name = `${where} ${route.method} ${app.prefix}${url}`
  const { context, hooks, translate } = surroundings(house, plan, name)
  const argumentsOf = argumentReader(type, method, record, context, validation, intake?.readForm)
  if (intake) hooks.preParsing = [intake.refuse as RouteHook, ...(hooks.preParsing ?? [])]
  const target: Target = { name, method, record, controller: instance, argumentsOf, files: house.files }
  const surrounded = { ...hooks, ...(translate ? { errorHandler: problemHandler(log, translate) } : {}) }
  if (stream === undefined) {
    const response = answerSchemas(where, record, validation)
    const schema = response ? { schema: { response } } : {}
    register(app, where, { ...surrounded, ...schema, method: route.method, url, handler: plainHandler(target) })
    return
  }
  const options = streamOptions(house.container, where, route.method, [stream, controller.streamOptions])
  const admission = house.admissions.of(where, type, controller.admission, route.admission)
  const check = checkEvents ? eventCheck(where, record, mayHaveGaps({ type, method, record }), validation) : undefined
  const handler = streamHandler({ ...target, options, streams, log, translate, admission, check })
  const onSend = [...(hooks.onSend ?? []), openStream]
  register(app, where, { ...surrounded, method: route.method, url, exposeHeadRoute: false, onSend, handler })
}

interface Surroundings {
  readonly context: RouteContext
  readonly hooks: RouteHooks
  readonly translate: Translate | undefined
}

/** What stands around the calls of a method: hooks, then guards, which are hooks too, and filters. */
function surroundings(house: House, { type, where, method, route }: Plan, name: string): Surroundings {
  const { app, instances, log, guards, filters } = house
  const policies = policiesOf(type, method)
  const metadata = new Map(policies.flatMap(policy => [...policy.metadata]))
  const context = contextOf({ controller: type, method, name, stream: route.stream !== undefined }, metadata)
  const hooks = routeHooks(
    policies.flatMap(policy => policy.hooks),
    instances,
    where,
  )
  const guard = guardHook([...guards, ...policies.flatMap(policy => policy.guards)], instances, context, app)
  if (guard) hooks.onRequest = [...(hooks.onRequest ?? []), guard as RouteHook]
  const layers = policies.map(policy => policy.filters).reverse()
  return { context, hooks, translate: translator([...layers, filters], instances, log, where) }
}

/** Fastify has rules of its own for paths. */
function register(app: FastifyInstance, where: string, route: RouteOptions): void {
  try {
    app.route(route)
  } catch (cause) {
    throw new DefinitionError(where, (cause as Error).message, { cause })
  }
}

function checkFunction(where: string, type: ControllerClass, method: string, route: RouteRecord): void {
  const kind = (Reflect.get(type.prototype, method) as object).constructor.name
  if (route.stream !== undefined || !kind.endsWith('GeneratorFunction')) return
  const options = route.method === 'GET' ? '' : `, { method: '${route.method}' }`
  throw new DefinitionError(
    where,
    `is a generator, which only a stream can send: declare it with @SSE('${route.path}'${options})`,
  )
}

/** Lays the options of the app, and the serializer of the app, below those that were declared. */
function streamOptions(
  container: DependencyContainer,
  where: string,
  method: string,
  declared: (DeclaredStreamOptions | undefined)[],
): ResolvedOptions {
  const app = container.isRegistered(STREAM_OPTIONS, true) ? container.resolve(STREAM_OPTIONS) : undefined
  const serializer = container.isRegistered(SERIALIZER, true) ? { serializer: SERIALIZER } : undefined
  const layers = [...declared, app, serializer].map(layer => withSerializer(container, layer, where))
  try {
    return resolveOptions(method, ...layers)
  } catch (cause) {
    throw new DefinitionError(where, (cause as Error).message, { cause })
  }
}

/**
 * Checks stream options that no route may ever take up.
 *
 * @throws {DefinitionError} for one that makes no sense, or that there is none of
 */
export function checkStreamOptions(
  where: string,
  container: DependencyContainer,
  options: DeclaredStreamOptions,
): void {
  const given = withSerializer(container, options, where)
  try {
    checkOptions(given)
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
