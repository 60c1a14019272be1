import { BYTES, MULTIPART } from '../bodies/media.js'
import { docOf } from '../docs.js'
import { SENDABLE } from '../last-event-id.js'
import type { MethodRecord, ParameterRecord } from '../metadata.js'
import { type Template, WILDCARD } from '../paths.js'
import { type DtoClass, dtoOf } from '../validation/dto.js'
import type { ParameterObject, RequestBody, Schema } from './document.js'
import type { Schemas } from './schemas.js'

/** A parameter of a method, with its type as the compiler kept it. */
export interface TypedParameter extends ParameterRecord {
  /** For messages: `Prices.price, parameter 0`. */
  readonly where: string
  readonly type: unknown
}

type Place = ParameterObject['in']

/** The standard gives these headers fields of their own. */
const STANDARD_HEADERS = ['accept', 'content-type', 'authorization']

/** The parameters of a method with their types. */
export function typedParameters(
  type: { prototype: object; name: string },
  method: string,
  record: MethodRecord,
): TypedParameter[] {
  const types = (Reflect.getMetadata('design:paramtypes', type.prototype, method) ?? []) as unknown[]
  return [...record.parameters]
    .sort(([one], [other]) => one - other)
    .map(([index, parameter]) => ({
      ...parameter,
      where: `${type.name}.${method}, parameter ${index}`,
      type: types[index],
    }))
}

/**
 * What a request carries beside its body.
 *
 * @param resumption by what a client may say where it left off; what the method itself reads by these names wins
 */
export function parametersOf(
  schemas: Schemas,
  parameters: readonly TypedParameter[],
  template: Template,
  resumption: readonly ParameterObject[] = [],
): ParameterObject[] {
  const read = parameters.flatMap(parameter => objectsOf(schemas, parameter))
  const paths = [...template.names].map(([name, expression]) => inPath(read, name, expression))
  const named = new Map(read.filter(one => one.in !== 'path').map(one => [keyOf(one), one]))
  const more = resumption.filter(one => !named.has(keyOf(one)))
  return [...paths, ...named.values(), ...more].filter(
    one => one.in !== 'header' || !STANDARD_HEADERS.includes(one.name.toLowerCase()),
  )
}

/** The names of headers are the same in any case, and those of others are not. */
function keyOf({ in: place, name }: ParameterObject): string {
  return `${place} ${place === 'header' ? name.toLowerCase() : name}`
}

/** Every name in a path is a parameter, whether a method reads it or not. */
function inPath(read: readonly ParameterObject[], name: string, expression: string | undefined): ParameterObject {
  const declared = read.find(one => one.in === 'path' && one.name === name)
  const schema = declared?.schema ?? { type: 'string' }
  return {
    ...declared,
    name,
    in: 'path',
    required: true,
    schema: expression === undefined || 'pattern' in schema ? schema : { ...schema, pattern: anchored(expression) },
  }
}

/** Fastify matches the whole of a value. */
function anchored(expression: string): string {
  return `^(?:${expression.replace(/^\^|\$$/g, '')})$`
}

function objectsOf(schemas: Schemas, parameter: TypedParameter): ParameterObject[] {
  const { kind, name, where, type, required = false } = parameter
  if (kind === 'lastEventId') return [lastEventIdHeader]
  if (!isPlace(kind)) return []
  const dto = parameter.validate === false ? undefined : dtoOf(where, type)
  if (name === undefined) return dto ? ofProperties(schemas, kind, dto) : []
  const one: ParameterObject = {
    name: kind === 'path' && name === '*' ? WILDCARD : name,
    in: kind,
    schema: dto ? schemas.ref(dto) : textSchema(schemaOf(schemas, parameter)),
  }
  if (required) one.required = true
  if (dto) Object.assign(one, { style: 'deepObject', explode: true })
  return [one]
}

const lastEventIdHeader: ParameterObject = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'Sent by a client that comes back: the id of the last event it has seen.',
  schema: { type: 'string' },
}

const lastEventIdQuery: ParameterObject = {
  name: 'lastEventId',
  in: 'query',
  description: 'Where a new EventSource goes on, which cannot send `Last-Event-ID` yet. The header wins.',
  schema: { type: 'string', pattern: SENDABLE },
}

/** By what a client may say where it left off in a stream of this method. */
export function resumptionBy(method: string): ParameterObject[] {
  return method === 'GET' ? [lastEventIdHeader, lastEventIdQuery] : [lastEventIdHeader]
}

function isPlace(kind: ParameterRecord['kind']): kind is Place {
  return kind === 'path' || kind === 'query' || kind === 'header' || kind === 'cookie'
}

/** A DTO for a part of the request: each of its properties is a parameter. */
function ofProperties(schemas: Schemas, place: Place, dto: DtoClass): ParameterObject[] {
  return schemas.properties(dto).map(({ property, schema }) => {
    const { description, deprecated } = docOf(dto, property.key)
    return {
      name: property.name,
      in: place,
      ...(property.optional ? {} : { required: true }),
      ...(description === undefined ? {} : { description }),
      ...(deprecated === undefined ? {} : { deprecated }),
      schema: textSchema(schema),
    }
  })
}

/** What arrives as text is never null, and something even where nothing is known of it. */
function textSchema(schema: Schema): Schema {
  const { description, deprecated, ...rest } = schema
  if (Object.keys(rest).length === 0) return { type: 'string' }
  if (Array.isArray(rest.type)) rest.type = rest.type.find(one => one !== 'null')
  if (Array.isArray(rest.enum)) rest.enum = rest.enum.filter(one => one !== null)
  if (Array.isArray(rest.anyOf)) {
    const [first, ...more] = (rest.anyOf as Schema[]).filter(({ type }) => type !== 'null')
    if (more.length === 0) {
      const { anyOf: _, ...others } = rest
      return { ...first, ...others }
    }
  }
  if (rest.type === 'array' && isUnknown(rest.items)) rest.items = { type: 'string' }
  return rest
}

function isUnknown(items: unknown): boolean {
  return items === undefined || Object.keys(items as object).length === 0
}

/** The body of a request, if the method reads any of it. */
export function bodyOf(
  schemas: Schemas,
  parameters: readonly TypedParameter[],
  record: MethodRecord,
): RequestBody | undefined {
  const read = parameters.filter(({ kind }) => kind === 'body')
  const files = parameters.filter(({ kind }) => kind === 'file' || kind === 'files')
  if (read.length + files.length === 0) return undefined
  const whole = read.find(({ name }) => name === undefined)
  const parts = read.filter(({ name }) => name !== undefined)
  const fields = [
    ...(whole ? [wholeSchema(schemas, whole)] : []),
    ...(parts.length > 0 ? [partsSchema(schemas, parts)] : []),
  ]
  const types = mediaTypesOf(record, whole?.type, files.length > 0)
  const content = types.map(type => [
    type,
    { schema: inOne(isMultipart(type) && files.length > 0 ? [...fields, filesSchema(files)] : fields) },
  ])
  const required = read.some(isRequired) || files.some(one => one.required)
  return { ...(required ? { required } : {}), content: Object.fromEntries(content) }
}

function isRequired({ where, name, type, items, required, validate }: TypedParameter): boolean {
  if (required) return true
  return name === undefined && validate !== false && (items !== undefined || dtoOf(where, type) !== undefined)
}

function mediaTypesOf({ consumes, uploads }: MethodRecord, type: unknown, files: boolean): readonly string[] {
  if (consumes) return consumes
  if (files || uploads) return [MULTIPART]
  if (type === String) return ['text/plain']
  return [type === Buffer ? BYTES : 'application/json']
}

function isMultipart(type: string): boolean {
  return type === MULTIPART
}

function inOne(schemas: Schema[]): Schema {
  const [first = {}, ...others] = schemas
  return others.length === 0 ? first : { allOf: schemas }
}

function wholeSchema(schemas: Schemas, parameter: TypedParameter): Schema {
  return parameter.type === Buffer ? {} : schemaOf(schemas, parameter)
}

function partsSchema(schemas: Schemas, parts: readonly TypedParameter[]): Schema {
  const properties = parts.map(part => [part.name, schemaOf(schemas, part)])
  return objectOf(Object.fromEntries(properties), parts)
}

/** Files are bytes, which have a media type and no type. */
function filesSchema(files: readonly TypedParameter[]): Schema {
  const file = { type: 'string', contentMediaType: 'application/octet-stream' }
  const ofFile = ({ kind }: TypedParameter) => (kind === 'file' ? file : { type: 'array', items: file })
  const named = files.filter(({ name }) => name !== undefined)
  return objectOf(Object.fromEntries(named.map(one => [one.name, ofFile(one)])), named)
}

function objectOf(properties: Record<string, Schema>, parts: readonly TypedParameter[]): Schema {
  const required = parts.filter(part => part.required).map(({ name }) => name)
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) }
}

/** The schema of the value of a parameter; an empty one where it is not checked. */
function schemaOf(schemas: Schemas, { where, type, items, validate }: TypedParameter): Schema {
  if (validate === false) return {}
  if (items !== undefined) return { type: 'array', items: schemas.ofType(where, items) }
  return schemas.ofType(where, type)
}
