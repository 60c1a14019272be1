import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Form } from './bodies/form.js'
import type { FormReader } from './bodies/intake.js'
import { isForm } from './bodies/media.js'
import { COMPILER } from './container.js'
import type { RouteContext } from './context.js'
import { checkDeclared } from './declared.js'
import { DefinitionError, InvalidRequestError, type RequestPart } from './errors.js'
import { isGone } from './gone.js'
import type { MethodRecord, ParameterRecord } from './metadata.js'
import { EventWriter, lastEventId } from './sse/index.js'
import { isThenable } from './sse/source.js'
import type { EventStream } from './sse/stream.js'
import { invalid } from './validation/issues.js'
import type { ValidationOptions } from './validation/options.js'
import { valueCheck } from './validation/value.js'

/** One request and its answer, as the parameters of a method see it. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** The stream, for a stream route. */
  readonly stream?: EventStream
  /** The form with files that the client has sent. */
  readonly form?: Form | undefined
}

/** Makes the arguments of a method; nothing if it takes none. */
export type ArgumentReader = (exchange: Exchange) => unknown[] | Promise<unknown[]>

type Reader = (exchange: Exchange) => unknown

/**
 * Prepares, at boot, how the arguments of a method are read from a request.
 *
 * @throws {DefinitionError} for a parameter that cannot be read
 */
export function argumentReader(
  type: object & { prototype: object },
  name: string,
  method: MethodRecord,
  context: RouteContext,
  options: ValidationOptions,
  readForm?: FormReader,
): ArgumentReader | undefined {
  if (method.parameters.size === 0) return undefined
  const types = Reflect.getMetadata('design:paramtypes', type.prototype, name) as unknown[] | undefined
  const where = `${(type as { name?: string }).name}.${name}`
  if (types === undefined) throw new DefinitionError(where, `the types of its parameters are unknown. ${COMPILER}`)
  const readers = Array.from({ length: Math.max(...method.parameters.keys()) + 1 }, (_, index): Reader => {
    const parameter = method.parameters.get(index)
    if (parameter === undefined) return () => undefined
    return readerOf(`${where}, parameter ${index}`, parameter, types[index], context, options, takesJson(method))
  })
  if (readForm === undefined) return exchange => readAll(readers, exchange)
  return async exchange => {
    const form = await readForm(exchange.request, exchange.reply)
    if (form) exchange.request.body = form.fields
    return readAll(readers, { ...exchange, form })
  }
}

/** Whether the bodies of a method are JSON and nothing else. */
function takesJson({ consumes, uploads }: MethodRecord): boolean {
  return consumes === undefined && uploads === undefined
}

function readAll(readers: Reader[], exchange: Exchange): unknown[] | Promise<unknown[]> {
  const values = new Array<unknown>(readers.length)
  let waits = false
  for (let index = 0; index < values.length; index++) {
    values[index] = attempt(readers[index] as Reader, exchange)
    if (values[index] instanceof Promise) waits = true
  }
  return waits ? settle(values) : values
}

/** A reader that throws must not keep the promises of those before it from being awaited. */
function attempt(read: Reader, exchange: Exchange): unknown {
  try {
    return read(exchange)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Waits for every argument; the issues of all of them make one error. */
async function settle(values: unknown[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(values)
  const issues = settled.flatMap(result => {
    if (result.status === 'fulfilled') return []
    if (result.reason instanceof InvalidRequestError) return result.reason.issues
    throw result.reason
  })
  if (issues.length > 0) throw new InvalidRequestError(issues)
  return settled.map(result => (result as PromiseFulfilledResult<unknown>).value)
}

function readerOf(
  where: string,
  parameter: ParameterRecord,
  type: unknown,
  context: RouteContext,
  options: ValidationOptions,
  json: boolean,
): Reader {
  checkDeclared(where, parameter, type, context.stream)
  switch (parameter.kind) {
    case 'request':
      return ({ request }) => request
    case 'reply':
      return ({ reply }) => reply
    case 'lastEventId':
      return ({ request }) => lastEventId(request.headers)
    case 'signal':
      return ({ reply, stream }) => stream?.signal ?? signalOf(reply)
    case 'stream':
      return ({ stream }) => new EventWriter(stream as EventStream)
    case 'principal':
      return ({ request }) => request.principal
    case 'custom':
      return customReader(where, parameter, type, context, options)
    case 'file':
    case 'files':
      return fileReader(parameter)
    default:
      return valueReader(where, parameter.kind, parameter, type, options, json && parameter.kind === 'body')
  }
}

/** How a parameter of the user's own is read: as it is, or converted and checked like the part that it is read from. */
function customReader(
  where: string,
  { read, part, name = '' }: ParameterRecord,
  type: unknown,
  context: RouteContext,
  options: ValidationOptions,
): Reader {
  const value: Reader = ({ request }) => {
    const given = read?.(request, context)
    return isThenable(given) ? Promise.resolve(given) : given
  }
  if (part === undefined) return value
  const check = valueCheck(where, part, { name }, type, options)
  const finish = (given: unknown): unknown => check(given, name, part !== 'body')
  return exchange => {
    const given = value(exchange)
    return given instanceof Promise ? given.then(finish) : finish(given)
  }
}

function valueReader(
  where: string,
  part: RequestPart,
  parameter: ParameterRecord,
  type: unknown,
  options: ValidationOptions,
  isJson: boolean,
): Reader {
  const { name } = parameter
  const whole = partReader(part)
  const check = valueCheck(where, part, parameter, type, options, isJson)
  // In a form, all is text, as it is outside the body.
  const isText = part === 'body' ? ({ request }: Exchange) => isForm(request.headers['content-type']) : () => true
  if (name === undefined) return exchange => check(whole(exchange), '', isText(exchange))
  const key = part === 'header' ? name.toLowerCase() : name
  return exchange => {
    const values = whole(exchange)
    if (values === undefined) return check(undefined, name, isText(exchange))
    if (!isRecord(values)) throw invalid(part, '', 'object', 'is not an object')
    return check(values[key], name, isText(exchange))
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function partReader(part: RequestPart): Reader {
  switch (part) {
    case 'body':
      return ({ request }) => request.body
    case 'path':
      return ({ request }) => request.params
    case 'query':
      return ({ request }) => request.query
    case 'header':
      return ({ request }) => request.headers
    case 'cookie':
      return ({ request }) => (request as { cookies?: unknown }).cookies
  }
}

function fileReader({ kind, name, required = false }: ParameterRecord): Reader {
  return ({ form }) => {
    const files = form?.files ?? []
    if (!Array.isArray(files)) return files
    const named = name === undefined ? files : files.filter(({ field }) => field === name)
    if (required && named.length === 0) throw wrongFile(name, 'required', 'is missing')
    if (kind === 'files') return named
    if (named.length > 1) throw wrongFile(name, 'single', 'is sent more than once')
    return named[0]
  }
}

function wrongFile(name: string | undefined, constraint: string, what: string): InvalidRequestError {
  const detail = name === undefined ? 'There is no file in the form' : `The file "${name}" of the form ${what}`
  return new InvalidRequestError([{ in: 'body', property: name ?? '', constraint, detail }])
}

// Not when the app closes: that lets requests finish.
function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { raw } = reply
  // The client may have left before there was a signal to tell of it, while hooks ran.
  if (isGone(raw)) controller.abort()
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort()
  })
  return controller.signal
}
