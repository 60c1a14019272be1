import { docOf } from '../docs.js'
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

/** What a request carries beside its body. */
export function parametersOf(
  schemas: Schemas,
  parameters: readonly TypedParameter[],
  template: Template,
): ParameterObject[] {
  const read = parameters.flatMap(parameter => objectsOf(schemas, parameter))
  const paths = [...template.names].map(([name, expression]) => inPath(read, name, expression))
  const unnamed = new Map(
    read.filter(one => one.in !== 'path').map(one => [`${one.in} ${one.name.toLowerCase()}`, one]),
  )
  return [...paths, ...unnamed.values()].filter(
    one => one.in !== 'header' || !STANDARD_HEADERS.includes(one.name.toLowerCase()),
  )
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
  if (kind === 'lastEventId') return [lastEventId]
  if (!isPlace(kind)) return []
  const dto = dtoOf(where, type)
  if (name === undefined) return dto ? ofProperties(schemas, kind, dto) : []
  const one: ParameterObject = {
    name: kind === 'path' && name === '*' ? WILDCARD : name,
    in: kind,
    schema: dto ? schemas.ref(dto) : textSchema(schemas.ofType(where, type)),
  }
  if (required) one.required = true
  if (dto) Object.assign(one, { style: 'deepObject', explode: true })
  return [one]
}

const lastEventId: ParameterObject = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'Sent by a client that comes back: the id of the last event it has seen.',
  schema: { type: 'string' },
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
export function bodyOf(schemas: Schemas, parameters: readonly TypedParameter[]): RequestBody | undefined {
  const read = parameters.filter(({ kind }) => kind === 'body')
  if (read.length === 0) return undefined
  const whole = read.find(({ name }) => name === undefined)
  const parts = read.filter(({ name }) => name !== undefined)
  const schema = whole ? wholeSchema(schemas, whole, parts) : partsSchema(schemas, parts)
  const required = read.some(
    one => one.required || (one.name === undefined && dtoOf(one.where, one.type) !== undefined),
  )
  return { ...(required ? { required } : {}), content: { [contentType(whole?.type)]: { schema } } }
}

function wholeSchema(schemas: Schemas, { where, type }: TypedParameter, parts: readonly TypedParameter[]): Schema {
  if (type === Buffer) return {}
  const schema = schemas.ofType(where, type)
  return parts.length === 0 ? schema : { allOf: [schema, partsSchema(schemas, parts)] }
}

function partsSchema(schemas: Schemas, parts: readonly TypedParameter[]): Schema {
  const required = parts.filter(part => part.required).map(({ name }) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(parts.map(({ name, where, type }) => [name, schemas.ofType(where, type)])),
    ...(required.length === 0 ? {} : { required }),
  }
}

function contentType(type: unknown): string {
  if (type === String) return 'text/plain'
  return type === Buffer ? 'application/octet-stream' : 'application/json'
}
