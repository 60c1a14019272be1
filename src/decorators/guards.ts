import { DefinitionError } from '../errors.js'
import type { Guard as GuardShape } from '../guards.js'
import type { Hook } from '../hooks.js'
import { type Injected, type PolicyRecord, recordPolicy } from '../metadata.js'
import { nameOf, placeOf } from './routes.js'

export type Guard = GuardShape

/**
 * Asks guards before a request goes on, all of them, in their order: `@Guard(Members)`. On a class it holds for every
 * method, also those that a subclass adds; nothing takes it away again.
 *
 * Guards are asked in `onRequest`, behind the hooks of `@Use`: before the body is read, and before a stream opens.
 *
 * @param guards classes with a method `allow`, made by the container
 * @throws {DefinitionError} if it names none
 */
export function Guard(...guards: Injected<GuardShape>[]): ClassDecorator & MethodDecorator {
  return policy('@Guard', guards, policy => policy.guards)
}

/**
 * Adds hooks of Fastify to the routes of a class or of a method.
 *
 * A function is an `onRequest` hook; `{ preHandler: hook }` names another one; a class has a method for each hook that
 * it wants, and is made by the container. Those of the class run before those of the method.
 *
 * @example
 * ```ts
 * @Use(request => request.log.info('seen'), { onSend: sign }, Audit)
 * ```
 * @throws {DefinitionError} if it names none
 * @see https://fastify.dev/docs/latest/Reference/Hooks/
 */
export function Use(...hooks: Hook[]): ClassDecorator & MethodDecorator {
  return policy('@Use', hooks, policy => policy.hooks)
}

/** Decorators are called from the last to the first. */
function policy(decorator: string, given: unknown[], listOf: (policy: PolicyRecord) => unknown[]) {
  return (target: object, name?: string | symbol, descriptor?: { value?: unknown }): void => {
    const place = placeOf(decorator, target, name, descriptor)
    if (given.length === 0) throw new DefinitionError(nameOf(place), `${decorator}() names none`)
    listOf(recordPolicy(...place)).unshift(...given)
  }
}
