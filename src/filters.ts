import type { FastifyRequest } from 'fastify'
import { type Instances, isClass } from './container.js'
import { DefinitionError, HttpError } from './errors.js'
import type { Translate } from './failures.js'
import type { Log } from './log.js'
import type { FilterRecord, Injected } from './metadata.js'

/** Answers errors of a class that the framework does not know: `@Catch(OutOfStock, StockFilter)`. */
export interface ErrorFilter<E = Error> {
  /** Returns the answer, or nothing to leave the error to the next filter. It may throw the answer as well. */
  catch(error: E, request: FastifyRequest): HttpError | undefined
}

/** A filter in one function. */
export type FilterFunction<E> = (error: E, request: FastifyRequest) => HttpError | undefined

/** A filter for the option `filters`. Made by `filter`. */
export type Filter = Readonly<FilterRecord>

/**
 * A filter for the whole app: `createApp({ filters: [filter(OutOfStock, error => new ConflictError(error.message))] })`.
 *
 * @param type the class of the errors; those of a subclass are caught too
 * @param answer a function, or the class of an `ErrorFilter`, which the container makes
 */
export function filter<E>(type: Injected<E>, answer: FilterFunction<E> | Injected<ErrorFilter<E>>): Filter {
  return { type: type as Injected, answer }
}

interface Ready {
  readonly type: Injected
  readonly answer: FilterFunction<unknown>
}

/**
 * Prepares, at boot, the filters of a route: from an error to the answer of a filter, or itself. Nothing if there are
 * none.
 *
 * @param layers the nearest first: the first filter that answers wins, in a layer that of the nearest class
 * @throws {DefinitionError} for what is no filter, or cannot be made
 */
export function translator(
  layers: readonly (readonly FilterRecord[])[],
  instances: Instances,
  log: Log,
  where: string,
): Translate | undefined {
  const filters = layers.flatMap(layer =>
    layer.map(one => ready(one, instances, where)).sort((a, b) => depthOf(b) - depthOf(a)),
  )
  if (filters.length === 0) return undefined
  return (error, request) => {
    try {
      return answerOf(filters, error, request)
    } catch (own) {
      // A filter that throws its answer means the same.
      if (!(own instanceof HttpError)) log.error({ err: own, reqId: request.id }, 'An error filter failed')
      return own
    }
  }
}

function answerOf(filters: readonly Ready[], error: unknown, request: FastifyRequest): unknown {
  for (const { type, answer } of filters) {
    if (!(error instanceof type)) continue
    const answered: unknown = answer(error, request)
    if (answered instanceof HttpError) return answered
    if (answered !== undefined) throw new TypeError(`The filter of ${type.name} returned what is no HttpError`)
  }
  return error
}

function ready(filter: FilterRecord, instances: Instances, where: string): Ready {
  if (typeof filter !== 'object' || filter === null) {
    throw new DefinitionError(where, 'are made by filter(): filters: [filter(SoldOut, …)]')
  }
  const { type, answer } = filter
  const name = `${where}, filter of ${(type as Injected | undefined)?.name ?? type}`
  if (typeof type !== 'function' || typeof type.prototype !== 'object') {
    throw new DefinitionError(name, 'is for no class of errors. Is the class imported around in a circle?')
  }
  if (typeof answer === 'function' && !isClass(answer)) return { type, answer: answer as Ready['answer'] }
  const instance = instances.of(answer, name) as () => ErrorFilter<unknown>
  if (typeof instance().catch !== 'function') throw new DefinitionError(name, 'has no method catch(error, request)')
  return { type, answer: (error, request) => instance().catch(error, request) }
}

/** How far a class is from the root: of two that an error belongs to, the nearer one is deeper. */
function depthOf({ type }: Ready): number {
  let depth = 0
  for (let one = type as object | null; one !== null; one = Object.getPrototypeOf(one) as object | null) depth++
  return depth
}
