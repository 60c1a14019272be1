import type { FastifyRequest } from 'fastify'
import type { RouteContext } from '../context.js'
import { DefinitionError, type RequestPart } from '../errors.js'
import { checkNames } from '../known.js'
import { type ParameterKind, type ParameterRecord, recordMethod } from '../metadata.js'
import type { Principal as PrincipalShape } from '../principal.js'
import type { Names } from '../sse/known.js'
import { type ValidationOptions, validationNames } from '../validation/options.js'
import { checkCalled } from './routes.js'

/** The options of a parameter that reads a value. */
export interface ParameterOptions {
  /** Whether a request without the value is refused with 400. Default false: the parameter is then `undefined`. */
  required?: boolean
  /**
   * The type of the items of an array, which the compiler does not keep: a DTO class, whose rules every item must follow,
   * or `String`, `Number`, `Boolean`, `BigInt` or `Date`, to which they are converted.
   */
  items?: (new (...args: never[]) => unknown) | typeof BigInt
  /**
   * How the value is checked: options of class-validator that win over those of the app. `false`: not at all; the method
   * is given what the client sent, neither converted nor made an instance of its class.
   */
  validate?: ValidationOptions | false
}

/** The options of a parameter that reads files. */
export interface FileOptions {
  /** Whether a request without a file is refused with 400. Default false. */
  required?: boolean
}

const parameterNames: Names<ParameterOptions> = { required: true, items: true, validate: true }
const fileNames: Names<FileOptions> = { required: true }

/**
 * A parameter of the path: `@Param('id') id: number` for `/:id`. Converted to the type of the parameter; what does not
 * convert is a 400 that names it. Without a name, all of them, checked if the type is a DTO class.
 *
 * Write the type even where a default value tells it, `page: number = 1`: the compiler keeps no other.
 */
export const Param = reader('Param', 'path')

/** A parameter of the query, like `@Param`. An array parameter takes every value of the name. */
export const Query = reader('Query', 'query')

/**
 * The body. If the type is a class, it is a DTO: class-transformer makes it, class-validator checks it before the
 * method runs, and a 400 lists every violation. With a name, one property of the body. The compiler keeps no type of the
 * items of an array: `@Body({ items: Item }) items: Item[]`.
 */
export const Body = reader('Body', 'body')

/**
 * A file of a form (`multipart/form-data`), by the name of its field: an `UploadedFile`, in a temporary file until the
 * request is over. `undefined` if there is none; more than one is refused with 400.
 */
export function File(name: string, options: FileOptions = {}): ParameterDecorator {
  return (target, method, index) => {
    if (typeof name !== 'string') {
      throw new DefinitionError(placeOf(target, method, index), "@File needs the name of the field: @File('photo')")
    }
    noted('File', 'file', fileNames, name, options)(target, method, index)
  }
}

/**
 * The files of a form, or those of one field: `UploadedFile[]`. With `@Multipart({ to: 'stream' })`, an
 * `AsyncIterable<StreamedFile>` of the files while they arrive.
 */
export function Files(name?: string | FileOptions, options?: FileOptions): ParameterDecorator {
  return noted('Files', 'files', fileNames, name, options)
}

/** A header of the request. (`@SetHeader` sets one on the answer.) Names are the same in any case. */
export const Header = reader('Header', 'header')

/** A cookie of the request, read by @fastify/cookie. */
export const Cookie = reader('Cookie', 'cookie')

/**
 * An `AbortSignal` that fires when the client leaves, and for a stream also when the app closes, which lets other
 * requests finish. Give it to everything the method awaits.
 */
export const Signal = given('Signal', 'signal')

/**
 * The last event ID that a client sends when it comes back, `undefined` on its first visit, so that a default value
 * works. Untrusted input, like everything from a client.
 */
export const LastEventId = given('LastEventId', 'lastEventId')

/** Fastify's request. */
export const Req = given('Req', 'request')

/**
 * Fastify's reply. A method that takes it and returns nothing answers by it, and the client waits until it has sent.
 * For a stream: its headers, before the first event.
 */
export const Reply = given('Reply', 'reply')

/** An `EventWriter`, for an `@SSE` method that sends by calls. */
export const Stream = given('Stream', 'stream')

/** Who the request comes from, as a guard found out: `request.principal`. `undefined` where no guard has asked. */
export const Principal = given('Principal', 'principal')
export type Principal = PrincipalShape

/** The options of a parameter of your own. */
export interface CreateParameterOptions {
  /** What the decorator is called in messages. Default: the name of the function. */
  name?: string
  /**
   * The part of the request that the value is read from. It is then converted and checked like any other value of that
   * part: to the declared type, by the rules of a DTO class. Default: the value is taken as it is.
   */
  in?: RequestPart
}

/**
 * Makes a decorator for parameters of your own.
 *
 * What it throws is answered as if the method had thrown it; a promise is awaited.
 *
 * @example
 * ```ts
 * const Ip = createParameter(request => request.ip)
 * const Field = createParameter((request, _context, name: string) => request.headers[`x-${name}`], { in: 'header' })
 *
 * @Get() hello(@Ip() ip: string, @Field('page') page: number) {}
 * ```
 * @param read gives the value; behind the request and the route it gets what the decorator was given
 * @throws {DefinitionError} for what is no function
 */
export function createParameter<Given extends unknown[]>(
  read: (request: FastifyRequest, context: RouteContext, ...given: Given) => unknown,
  options: CreateParameterOptions = {},
): (...given: Given) => ParameterDecorator {
  if (typeof read !== 'function') {
    throw new DefinitionError('createParameter()', `needs a function (request, context), not ${read}`)
  }
  checkNames('createParameter()', options, createNames)
  const { name = read.name || 'createParameter', in: part } = options
  if (part !== undefined && !Object.hasOwn(parts, part)) {
    throw new DefinitionError(
      'createParameter()',
      `the option in is one of ${Object.keys(parts).join(', ')}, not ${part}`,
    )
  }
  return (...given) =>
    (target, method, index) => {
      const [first] = given
      const shown = `@${name}(${typeof first === 'string' ? `'${first}'` : ''})`
      record(shown, target, method, index, 'custom', typeof first === 'string' ? first : undefined, {
        read: (request, context) => read(request, context, ...given),
        ...(part === undefined ? {} : { part }),
      })
    }
}

const createNames: Names<CreateParameterOptions> = { name: true, in: true }
const parts: Readonly<Record<RequestPart, true>> = { path: true, query: true, body: true, header: true, cookie: true }

function reader(decorator: string, kind: ParameterKind) {
  return (...given: [name?: string | ParameterOptions, options?: ParameterOptions]): ParameterDecorator => {
    checkCalled(`@${decorator}`, given)
    return noted(decorator, kind, parameterNames, ...given)
  }
}

/** The name may be left out before options. */
function noted(
  decorator: string,
  kind: ParameterKind,
  known: object,
  name?: string | ParameterOptions,
  options?: ParameterOptions,
): ParameterDecorator {
  return (target, method, index) => {
    const [named, given = {}] = typeof name === 'object' ? [undefined, name] : [name, options]
    const where = placeOf(target, method, index)
    if (named !== undefined && (typeof named !== 'string' || named === '')) {
      throw new DefinitionError(where, `the name that @${decorator} is given is no text: @${decorator}('name', { … })`)
    }
    const shown = `@${decorator}(${named === undefined ? '' : `'${named}'`})`
    checkNames(`${where}, ${shown}`, given, known)
    const { validate = false } = given
    if (validate !== false) checkNames(`${where}, ${shown}, option validate`, validate, validationNames)
    record(shown, target, method, index, kind, named, given)
  }
}

/** For messages: `Prices.watch, parameter 0`. */
function placeOf(target: object, method: string | symbol | undefined, index: number): string {
  const { name } = (typeof target === 'function' ? target : target.constructor) as { name: string }
  return method === undefined
    ? `${name}, constructor parameter ${index}`
    : `${name}.${String(method)}, parameter ${index}`
}

function given(decorator: string, kind: ParameterKind) {
  return (...none: []): ParameterDecorator => {
    checkCalled(`@${decorator}`, none)
    return (target, method, index) => record(`@${decorator}()`, target, method, index, kind)
  }
}

function record(
  decorator: string,
  target: object,
  method: string | symbol | undefined,
  index: number,
  kind: ParameterKind,
  name?: string,
  options: Omit<ParameterRecord, 'kind' | 'decorator' | 'name'> = {},
): void {
  if (method === undefined) {
    throw new DefinitionError(
      placeOf(target, method, index),
      `${decorator} reads a request; there is none yet. Move it to a method`,
    )
  }
  if (typeof target === 'function') {
    throw new DefinitionError(
      `${target.name}.${String(method)}`,
      `${decorator} stands on a static method; make it a method`,
    )
  }
  const { parameters } = recordMethod(target.constructor, String(method))
  const other = parameters.get(index)
  if (other) {
    throw new DefinitionError(placeOf(target, method, index), `has both ${decorator} and ${other.decorator}; keep one`)
  }
  parameters.set(index, { kind, decorator, ...options, ...(name === undefined ? {} : { name }) })
}
