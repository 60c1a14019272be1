import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { type Instances, isClass } from './container.js'
import type { RouteContext } from './context.js'
import { DefinitionError, ForbiddenError, UnauthorizedError } from './errors.js'
import { isExpired, type Principal } from './principal.js'

/**
 * Decides whether a request may go on: the class in `@Guard(Members)`, made by the container.
 *
 * It is asked before the body is read and before a stream opens, so that a refusal is an ordinary answer.
 */
export interface Guard {
  /**
   * `true`, or who the request comes from, lets it go on; the principal becomes `request.principal`. `false` is answered
   * 403, an `HttpError` that is thrown with its own status, and whatever else is thrown or returned with 500: a mistake
   * lets nobody in.
   */
  allow(request: FastifyRequest, context: RouteContext): GuardAnswer | Promise<GuardAnswer>
  /**
   * Called when the app is about to be ready, once for each route that the guard stands before: the place to look whether
   * a plugin is there that it needs. What it throws stops the boot.
   *
   * @param where for messages: `Prices.watch, @Guard(Members)`
   */
  boot?(app: FastifyInstance, where: string): void | Promise<void>
}

/** What a guard says of a request. */
export type GuardAnswer = boolean | Principal

interface Gate {
  readonly name: string
  readonly guard: () => Guard
}

/**
 * The `onRequest` hook that asks guards, one after the other; all of them must allow. Nothing if there are none.
 *
 * @throws {DefinitionError} for what is no guard, or cannot be made
 */
export function guardHook(
  guards: readonly unknown[],
  instances: Instances,
  context: RouteContext,
  app: FastifyInstance,
): onRequestAsyncHookHandler | undefined {
  if (guards.length === 0) return undefined
  const gates = guards.map(guard => gateOf(guard, instances, context))
  // Not before: the plugins that they need may be registered behind this one.
  if (gates.some(({ guard }) => guard().boot)) app.addHook('onReady', () => boot(gates, app))
  return async request => {
    for (const { name, guard } of gates) admit(request, await guard().allow(request, context), name)
  }
}

function gateOf(type: unknown, instances: Instances, { controller, method }: RouteContext): Gate {
  const name = `${controller.name}.${method}, @Guard(${(type as { name?: string } | undefined)?.name ?? ''})`
  if (typeof type === 'function' && !isClass(type)) {
    throw new DefinitionError(
      name,
      'takes a class with a method allow(request, context), not a function: one is for @Use',
    )
  }
  const guard = instances.of(type, name) as () => Guard
  if (typeof guard().allow !== 'function') {
    const isKind = typeof (guard() as Partial<{ verify: unknown }>).verify === 'function'
    const cure = isKind ? ': of a kind of credentials, credentials([…]) makes a guard' : ''
    throw new DefinitionError(name, `has no method allow(request, context)${cure}`)
  }
  return { name, guard }
}

async function boot(gates: readonly Gate[], app: FastifyInstance): Promise<void> {
  for (const { name, guard } of gates) await guard().boot?.(app, name)
}

function admit(request: FastifyRequest, answer: GuardAnswer, name: string): void {
  if (answer === false) throw new ForbiddenError()
  if (answer === true) return
  if (!isPrincipal(answer)) {
    throw new TypeError(`${name} returned neither true, nor false, nor a principal { id, expiresAt }`)
  }
  if (isExpired(answer)) {
    throw new UnauthorizedError('The credential has expired')
  }
  request.principal = answer
}

function isPrincipal(answer: unknown): answer is Principal {
  if (typeof answer !== 'object' || answer === null) return false
  const { id, expiresAt } = answer as Partial<Principal>
  if (typeof id !== 'string') return false
  return expiresAt === undefined || (typeof expiresAt === 'number' && !Number.isNaN(expiresAt))
}
