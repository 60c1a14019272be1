import type { AdmissionOptions } from '../admission.js'
import { DefinitionError } from '../errors.js'
import { type DeclaredStreamOptions, type HttpMethod, recordMethod } from '../metadata.js'
import type { EventSourceLike } from '../sse/index.js'

/** Answers GET requests with what the method returns. */
export const Get = verb('GET')
/** Answers POST requests with what the method returns. */
export const Post = verb('POST')
/** Answers PUT requests with what the method returns. */
export const Put = verb('PUT')
/** Answers PATCH requests with what the method returns. */
export const Patch = verb('PATCH')
/** Answers DELETE requests with what the method returns. */
export const Delete = verb('DELETE')
/** Answers HEAD requests. A `@Get` route answers them anyway, with the head of its answer; a stream does not. */
export const Head = verb('HEAD')
/** Answers OPTIONS requests. */
export const Options = verb('OPTIONS')

/**
 * Answers requests of every method: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS. `@Req()` tells which it was. The path
 * is taken then: another method of it elsewhere stops the boot. For methods beyond these, add routes of your own to the
 * app.
 */
export const All = routes('@All', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The options of a stream route. */
export interface SSEOptions extends DeclaredStreamOptions {
  /** The HTTP method. Default GET, the only one EventSource can use; a `fetch` client may use any. */
  method?: Exclude<HttpMethod, 'HEAD' | 'OPTIONS'>
  /** How many streams of this route may be open at the same time, beside what the controller and the app say. */
  admission?: AdmissionOptions
}

/** What a stream method may return: a source, a promise of one, or nothing if it sends by calls. */
// biome-ignore lint/suspicious/noConfusingVoidType: a method that sends by calls returns nothing
type StreamResult = EventSourceLike | undefined | void

const STREAM_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies SSEOptions['method'][]

type StreamDecorator = <T extends (...args: never[]) => StreamResult | PromiseLike<StreamResult>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void

/**
 * Answers with an event stream: every value the method yields is sent as one event.
 *
 * A plain value becomes the data of an event: a string as it is, bytes as Base64, anything else as JSON. Yield
 * `event(type, data)` or another `ServerSentEvent` to give it an event type, an id or a reconnection time.
 *
 * The method is an async generator, or returns an async iterable, an iterable, a `Channel`, a web `ReadableStream`, an
 * Observable, or a promise of one. What it throws before the first event is an ordinary HTTP error, unless the event
 * takes longer than `headDelay`. What it throws later is logged, told to `onError`, and ends the stream with an event
 * `stream:error` that says as little of it as an answer would. When the client leaves, a generator that waits at a `yield` runs its
 * `finally`; give `@Signal()` to whatever it awaits, since nothing can end a generator that waits for something else.
 *
 * @example
 * ```ts
 * @SSE('/clock')
 * async *clock(@Signal() signal: AbortSignal) {
 *   for await (const _ of setInterval(1000, null, { signal })) yield { now: Date.now() }
 * }
 * ```
 * @throws {DefinitionError} where it stands on what is no method of an instance; so do all decorators for methods
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function SSE(path?: string, options?: SSEOptions): StreamDecorator
export function SSE(...given: [path?: string, options?: SSEOptions]): StreamDecorator {
  checkCalled('@SSE', given)
  const [path = '', options = {}] = given
  return (target, name, descriptor) => {
    const place = methodAt('@SSE', target, name, descriptor)
    checkPath('@SSE', place, path)
    const { method = 'GET', admission, ...stream } = options
    if (!(STREAM_METHODS as readonly unknown[]).includes(method)) {
      throw new DefinitionError(
        nameOf(place),
        `the method of @SSE is one of ${STREAM_METHODS.join(', ')}, not ${method}`,
      )
    }
    recordMethod(...place).routes.push({
      ...{ method, path, stream },
      ...(admission && { admission }),
    })
  }
}

function verb(method: HttpMethod): (path?: string) => MethodDecorator {
  return routes(`@${method.charAt(0)}${method.slice(1).toLowerCase()}`, [method])
}

function routes(decorator: string, methods: readonly HttpMethod[]): (path?: string) => MethodDecorator {
  return (...given) => {
    checkCalled(decorator, given)
    const [path = ''] = given
    return (target, name, descriptor) => {
      const place = methodAt(decorator, target, name, descriptor)
      checkPath(decorator, place, path)
      recordMethod(...place).routes.push(...methods.map(method => ({ method, path })))
    }
  }
}

function checkPath(decorator: string, place: Place, path: unknown): void {
  if (typeof path === 'string') return
  const what = Array.isArray(path)
    ? `several paths: repeat it, ${decorator}(path), for each`
    : `no path, which is a string`
  throw new DefinitionError(nameOf(place), `${decorator} is given ${what}`)
}

/** Refuses a decorator without parentheses: it is given the place where it stands. */
export function checkCalled(decorator: string, given: readonly unknown[]): void {
  const [target, name] = given
  if (given.length < 3 || typeof target !== 'object' || target === null) return
  throw new DefinitionError(
    `${target.constructor.name}.${String(name)}`,
    `${decorator} lacks its parentheses: ${decorator}()`,
  )
}

/** Refuses a decorator that is called as the standard has it, without the types that a parameter needs. */
export function checkLegacy(decorator: string, context: unknown): void {
  if (typeof context !== 'object' || context === null) return
  const { name } = context as { name?: unknown }
  throw new DefinitionError(
    String(name),
    `${decorator} is called as a standard decorator, which is told no types: compile with "experimentalDecorators" and "emitDecoratorMetadata"`,
  )
}

/** Checks that a decorator stands on a method of a class; returns the class and the name. */
export function methodAt(
  decorator: string,
  target: object,
  name: string | symbol | undefined,
  descriptor: { value?: unknown } | undefined,
): [target: object, name: string] {
  checkLegacy(decorator, name)
  if (name === undefined) {
    throw new DefinitionError((target as { name: string }).name, `${decorator} stands on a class; put it on a method`)
  }
  if (typeof target === 'function') {
    throw new DefinitionError(
      `${target.name}.${String(name)}`,
      `${decorator} stands on a static method; make it a method`,
    )
  }
  const where = `${target.constructor.name}.${String(name)}`
  if (typeof name === 'symbol')
    throw new DefinitionError(where, `${decorator} needs a method with a name, not a symbol`)
  if (typeof descriptor?.value !== 'function') {
    throw new DefinitionError(where, `${decorator} stands on a field or accessor; make it a method: ${name}() { … }`)
  }
  return [target.constructor, name]
}

/** A class, or a method of it. */
export type Place = [target: object, name?: string]

/** For messages: `Prices`, `Prices.watch`. */
export function nameOf([target, method]: Place): string {
  const { name } = target as { name: string }
  return method === undefined ? name : `${name}.${method}`
}

/** Checks that a decorator stands on a class or on a method of one; returns the class and the name of the method. */
export function placeOf(
  decorator: string,
  target: object,
  name: string | symbol | undefined,
  descriptor: { value?: unknown } | number | undefined,
): Place {
  if (typeof descriptor === 'number') {
    const { name: owner } = (typeof target === 'function' ? target : target.constructor) as { name: string }
    const where = name === undefined ? owner : `${owner}.${String(name)}`
    throw new DefinitionError(where, `${decorator} stands on a parameter; put it on the method or the class`)
  }
  return name === undefined ? [target] : methodAt(decorator, target, name, descriptor)
}
