import { STATUS_CODES } from 'node:http'
import { Html, View } from '../answers.js'
import type { MethodRecord, ReturnsRecord } from '../metadata.js'
import { dtoOf } from '../validation/dto.js'
import type { ValueType } from '../value-type.js'
import type { MediaType, ResponseObject, Schema } from './document.js'
import { problemSchema } from './frames.js'
import type { Schemas } from './schemas.js'

export type Responses = Record<string, ResponseObject>

/** Which errors a request can expect, beside all others. */
export interface Refusals {
  /** Something of the request is checked. */
  readonly invalid: boolean
  /** Something is named in the path. */
  readonly named: boolean
  /** Somebody is asked who it is. */
  readonly guarded: boolean
}

/** What a method that answers once answers with. */
export function answersOf(schemas: Schemas, where: string, record: MethodRecord, returned: unknown): Responses {
  const { redirect, returns = [], status } = record
  if (redirect) return { [redirect.status]: redirection(redirect.status) }
  if (returns.length > 0) return Object.fromEntries(returns.map(one => declared(schemas, where, record, one)))
  const known = contentOf(schemas, where, record, returned)
  if (status !== undefined) return { [status]: response(status, isEmpty(status) ? undefined : known) }
  // Of a method that says nothing, nobody knows whether it returns something.
  return known ? { 200: response(200, known) } : { 200: response(200), 204: response(204) }
}

function declared(schemas: Schemas, where: string, record: MethodRecord, one: ReturnsRecord): [string, ResponseObject] {
  const { body, contentType, description } = one
  const status = one.status ?? record.status ?? (body === undefined ? 204 : 200)
  const type = contentType ?? mediaType(headerOf(record)) ?? typeOf(body)
  const content = body === undefined ? undefined : { [type]: mediaTypeObject(schemas.of(where, body), body) }
  return [String(status), response(status, content, description)]
}

function redirection(status: number): ResponseObject {
  const location = { description: 'Where to go instead.', schema: { type: 'string', format: 'uri-reference' } }
  return { ...response(status), headers: { Location: location } }
}

/** What the type that a method declares to return says of the body: nothing where it is a promise. */
function contentOf(
  schemas: Schemas,
  where: string,
  record: MethodRecord,
  returned: unknown,
): Record<string, MediaType> | undefined {
  const header = mediaType(headerOf(record))
  if (returned === Html || returned === View) return { 'text/html': { schema: { type: 'string' } } }
  if (isNamed(where, returned)) {
    const body = returned as ValueType
    return { [header ?? typeOf(body)]: mediaTypeObject(schemas.ofType(where, body), body) }
  }
  return header === undefined ? undefined : { [header]: {} }
}

function isNamed(where: string, returned: unknown): boolean {
  if ([String, Number, Boolean, Date].some(one => one === returned)) return true
  if (typeof returned !== 'function' || returned === Promise) return false
  try {
    return dtoOf(where, returned) !== undefined
  } catch {
    // A class without rules: its answers are as they are.
    return false
  }
}

function mediaTypeObject(schema: Schema, body: ValueType): MediaType {
  // Bytes are no JSON, and have no schema.
  return body === Uint8Array || Object.keys(schema).length === 0 ? {} : { schema }
}

function headerOf({ headers }: MethodRecord): string | undefined {
  return headers.findLast(([name]) => name === 'content-type')?.[1]
}

/** A media type without its parameters. */
function mediaType(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0]?.trim().toLowerCase()
}

function typeOf(body: ValueType | undefined): string {
  if (body === String) return 'text/plain'
  return body === Uint8Array ? 'application/octet-stream' : 'application/json'
}

/** What a stream answers with. */
export function streamAnswers(item: Schema, { status = 200 }: MethodRecord, ends: boolean): Responses {
  const stream = response(status, { 'text/event-stream': { itemSchema: item } }, 'A stream of events')
  if (!ends) return { [status]: stream }
  return {
    [status]: stream,
    204: response(204, undefined, 'The stream was over when the client came back: it need not'),
  }
}

/** What is answered to requests that are refused: problem details. */
export function refusalsOf(schemas: Schemas, { invalid, named, guarded }: Refusals): Responses {
  const statuses = [...(invalid ? [400] : []), ...(guarded ? [401, 403] : []), ...(named ? [404] : [])]
  const refused = statuses.map(status => [status, problem(schemas, STATUS_CODES[status] as string)])
  return { ...Object.fromEntries(refused), default: problem(schemas, 'Any other error') }
}

function problem(schemas: Schemas, description: string): ResponseObject {
  return { description, content: { 'application/problem+json': { schema: problemSchema(schemas) } } }
}

function response(status: number, content?: Record<string, MediaType>, description?: string): ResponseObject {
  return { description: description ?? STATUS_CODES[status] ?? `Status ${status}`, ...(content ? { content } : {}) }
}

function isEmpty(status: number): boolean {
  return status === 204 || status === 304
}
