import type { ControllerClass } from '../container.js'
import { type DocOptions, docOf } from '../docs.js'
import { DefinitionError } from '../errors.js'
import { mayHaveGaps } from '../event-check.js'
import {
  type ControllerRecord,
  controllerRecord,
  type DeclaredStreamOptions,
  type MethodRecord,
  methodRecords,
  policiesOf,
  type RouteRecord,
} from '../metadata.js'
import { pathOf, templatesOf } from '../paths.js'
import type { ValidationOptions } from '../validation/options.js'
import type { OpenApiDocument, OpenApiTag, Operation, SecurityRequirement } from './document.js'
import { type DescribedStream, itemSchema } from './events.js'
import type { OpenApiOptions } from './options.js'
import { bodyOf, parametersOf, resumptionBy, type TypedParameter, typedParameters } from './requests.js'
import { answersOf, refusalsOf, streamAnswers } from './responses.js'
import { Schemas } from './schemas.js'
import { webhookOf } from './webhooks.js'

/** How the controllers are served, as far as a document tells of it. */
export interface DescribeOptions extends OpenApiOptions {
  /** What stands before every path: the `prefix` of the plugin. */
  prefix?: string
  /** The guards of the app. */
  guards?: readonly object[]
  /** The stream options of the app. */
  streamOptions?: DeclaredStreamOptions | undefined
  /** How the app checks DTOs. */
  validation?: ValidationOptions
}

/** Kinds of parameters that a request may get wrong. */
const CHECKED = new Set(['path', 'query', 'header', 'cookie', 'body', 'file', 'files', 'custom'])

/** One method of one controller, on one of its routes. */
interface Described {
  readonly type: ControllerClass
  readonly controller: ControllerRecord
  readonly method: string
  readonly where: string
  readonly record: MethodRecord
  readonly route: RouteRecord
  readonly parameters: readonly TypedParameter[]
  readonly doc: DocOptions
}

/**
 * The OpenAPI 3.2 document of controllers: paths, parameters, bodies, answers and events, from the decorators, the types
 * and the rules of the DTOs. For scripts; an app gives its own by `openapiOf(app)`.
 *
 * @throws {DefinitionError} if a controller is declared wrongly, or names a security scheme that there is not
 */
export function describeApi(controllers: readonly ControllerClass[], options: DescribeOptions): OpenApiDocument {
  const { title, version } = options.info ?? {}
  if (typeof title !== 'string' || typeof version !== 'string') {
    throw new DefinitionError(
      'option openapi',
      "lacks a title or a version: { info: { title: 'Prices', version: '1.0.0' } }",
    )
  }
  const schemas = new Schemas(options.validation)
  const paths: OpenApiDocument['paths'] = {}
  const ids = new Set<string>()
  const tags = new Map<string, OpenApiTag>((options.tags ?? []).map(tag => [tag.name, tag]))
  for (const one of controllers.flatMap(methodsOf)) {
    const url = pathOf(one.where, one.controller.prefix, one.route.path)
    for (const template of templatesOf((options.prefix ?? '') + url)) {
      const operation = operationOf(schemas, one, template, options)
      operation.operationId = freeId(ids, operation.operationId)
      for (const name of operation.tags) tags.set(name, tags.get(name) ?? tagOf(name, one))
      paths[template.path] ??= {}
      Object.assign(paths[template.path] as object, { [one.route.method.toLowerCase()]: operation })
    }
  }
  const webhooks = Object.entries(options.webhooks ?? {}).map(([name, webhook]) => {
    const operation = webhookOf(schemas, name, webhook)
    operation.operationId = freeId(ids, operation.operationId)
    for (const tag of operation.tags) tags.set(tag, tags.get(tag) ?? { name: tag })
    return [name, { post: operation }]
  })
  const { info, servers, externalDocs, securitySchemes, security } = options
  return {
    openapi: '3.2.0',
    info,
    ...(servers ? { servers } : {}),
    ...(externalDocs ? { externalDocs } : {}),
    tags: [...tags.values()],
    ...(security === undefined ? {} : { security: requirements('openapi, option security', security, options) }),
    paths,
    ...(webhooks.length === 0 ? {} : { webhooks: Object.fromEntries(webhooks) }),
    components: { schemas: schemas.components, ...(securitySchemes ? { securitySchemes } : {}) },
  }
}

function methodsOf(type: ControllerClass): Described[] {
  const controller = controllerRecord(type)
  if (controller === undefined) {
    throw new DefinitionError(type.name, 'is not a controller: give the class @Controller(prefix)')
  }
  if (docOf(type).hidden) return []
  return [...methodRecords(type)].flatMap(([method, record]) => {
    const where = `${type.name}.${method}`
    const doc = docOf(type, method)
    const parameters = typedParameters(type, method, record)
    return doc.hidden
      ? []
      : record.routes.map(route => ({ type, controller, method, where, record, route, parameters, doc }))
  })
}

function operationOf(
  schemas: Schemas,
  one: Described,
  template: ReturnType<typeof templatesOf>[number],
  options: DescribeOptions,
): Operation {
  const { type, where, record, route, parameters: typed, doc } = one
  // A method with several routes may read a body that GET has not.
  const requestBody = route.method === 'GET' || route.method === 'HEAD' ? undefined : bodyOf(schemas, typed, record)
  const security = securityOf(one, options)
  const asked = security ?? requirements(where, options.security ?? [], options)
  const guarded = asked.some(scheme => Object.keys(scheme).length > 0) || guardsOf(one, options).length > 0
  const stream = route.stream && describedStream(one, options)
  const ends = endOf(one, options) !== false
  const answers = stream
    ? streamAnswers(itemSchema(schemas, stream), record, ends)
    : answersOf(schemas, where, record, returnTypeOf(one))
  const resumes = stream && (ends || stream.gaps || typed.some(({ kind }) => kind === 'lastEventId'))
  const resumption = resumes ? resumptionBy(route.method) : []
  const parameters = parametersOf(schemas, typed, template, resumption)
  const invalid = typed.some(({ kind }) => CHECKED.has(kind)) || resumption.some(one => one.in === 'query')
  const { summary, description, deprecated } = doc
  return {
    operationId: doc.operationId ?? where,
    tags: [...(doc.tags ?? docOf(type).tags ?? [type.name])],
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(security === undefined ? {} : { security }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...answers, ...refusalsOf(schemas, { invalid, named: template.names.size > 0, guarded }) },
  }
}

function tagOf(name: string, { type }: Described): OpenApiTag {
  const { description } = docOf(type)
  return name === type.name && description !== undefined ? { name, description } : { name }
}

function freeId(taken: Set<string>, id: string): string {
  let free = id
  for (let count = 2; taken.has(free); count++) free = `${id}_${count}`
  taken.add(free)
  return free
}

/** Who may come in: by the method, by the controller, or by all the guards that say it. */
function securityOf(one: Described, options: DescribeOptions): SecurityRequirement[] | undefined {
  const { where, doc, type } = one
  const said = doc.security ?? docOf(type).security
  if (said !== undefined) return requirements(where, said, options)
  const asked = guardsOf(one, options).flatMap(guard => {
    const { security } = docOf(guard)
    return security === undefined ? [] : [requirements(`${where}, @Guard(${guard.name})`, security, options)]
  })
  const [first, ...others] = asked
  return first && others.reduce((all, more) => all.flatMap(left => more.map(right => ({ ...left, ...right }))), first)
}

function guardsOf({ type, method }: Described, { guards = [] }: DescribeOptions): { name: string }[] {
  return [...guards, ...policiesOf(type, method).flatMap(policy => policy.guards)] as { name: string }[]
}

/** Who may come in, as a document says it. */
function requirements(
  where: string,
  asked: NonNullable<DocOptions['security']>,
  { securitySchemes = {} }: OpenApiOptions,
): SecurityRequirement[] {
  const all = (typeof asked === 'string' ? [asked] : asked).map(one => (typeof one === 'string' ? { [one]: [] } : one))
  for (const name of all.flatMap(one => Object.keys(one))) {
    if (Object.hasOwn(securitySchemes, name)) continue
    throw new DefinitionError(
      where,
      `asks for the security scheme ${name}, which there is not: name it in openapi.securitySchemes`,
    )
  }
  return all.map(one => Object.fromEntries(Object.entries(one).map(([name, scopes]) => [name, [...scopes]])))
}

function describedStream(one: Described, options: DescribeOptions): DescribedStream {
  const { where, record, route, controller } = one
  const layers = [route.stream, controller.streamOptions, options.streamOptions]
  return {
    where,
    events: record.events ?? [],
    serializer: layers.find(layer => layer?.serializer !== undefined)?.serializer as object | undefined,
    ids: layers.find(layer => layer?.ids !== undefined)?.ids === 'uuid',
    gaps: mayHaveGaps(one),
  }
}

function endOf({ route, controller }: Described, { streamOptions }: DescribeOptions) {
  const layer = [route.stream, controller.streamOptions, streamOptions].find(layer => layer?.end !== undefined)
  return layer?.end ?? (route.method === 'GET' ? 'event' : false)
}

function returnTypeOf({ type, method }: Described): unknown {
  return Reflect.getMetadata('design:returntype', type.prototype, method)
}
