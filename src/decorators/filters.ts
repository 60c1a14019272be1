import { DefinitionError } from '../errors.js'
import type { ErrorFilter, FilterFunction } from '../filters.js'
import { type Injected, recordPolicy } from '../metadata.js'
import { nameOf, placeOf } from './routes.js'

/**
 * Says how the errors of a class are answered that a method, or a method of the class, throws: its hooks, guards and
 * parameters too, and its streams before the first event and behind it.
 *
 * The nearest filter wins: that of the method, of the class, of the app; in one place that of the nearest class of
 * errors. The answer is an `HttpError`: a filter cannot turn a failure into a success.
 *
 * @example
 * ```ts
 * @Catch(OutOfStock, error => new ConflictError(error.message))
 * ```
 * @param type the class of the errors; those of a subclass are caught too
 * @param answer a function, or the class of an `ErrorFilter`, which the container makes
 * @throws {DefinitionError} where errors of the class are caught already
 */
export function Catch<E>(
  type: Injected<E>,
  ...given: [answer: FilterFunction<E> | Injected<ErrorFilter<E>>]
): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: { value?: unknown }) => {
    const place = placeOf('@Catch', target, name, descriptor)
    if ((given as unknown[]).length === 0) {
      const cure = 'it stands on a controller or a method, and names the filter: @Catch(SoldOut, SoldOutFilter)'
      throw new DefinitionError(nameOf(place), `@Catch(${type?.name}) has no filter; ${cure}`)
    }
    const [answer] = given
    const { filters } = recordPolicy(...place)
    if (filters.some(other => other.type === type)) {
      throw new DefinitionError(nameOf(place), `@Catch(${type?.name}) stands here twice; keep one`)
    }
    filters.unshift({ type: type as Injected, answer })
  }
}
