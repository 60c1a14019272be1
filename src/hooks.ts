import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { type Instances, isClass } from './container.js'
import { DefinitionError } from './errors.js'
import type { Injected } from './metadata.js'

/** The hooks of Fastify that a route has, with the number of parameters that each takes, its `done` among them. */
const arity = {
  onRequest: 3,
  preParsing: 4,
  preValidation: 3,
  preHandler: 3,
  preSerialization: 4,
  onSend: 4,
  onResponse: 3,
  onError: 4,
  onTimeout: 3,
  onRequestAbort: 2,
}

type HookName = keyof typeof arity

/** Hooks by name, one or several each: `{ preHandler: audit }`. As Fastify's own options of a route take them. */
export type Hooks = Pick<RouteShorthandOptions, HookName>

/** A hook function of Fastify, for `onRequest`: it calls `done`, or has no such parameter and may be async. */
export type HookFunction = (
  this: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => unknown

/** A class with hooks for methods. They have no `done`: what they return is awaited. */
export interface HookMethods {
  onRequest?(request: FastifyRequest, reply: FastifyReply): unknown
  preParsing?(request: FastifyRequest, reply: FastifyReply, payload: never): unknown
  preValidation?(request: FastifyRequest, reply: FastifyReply): unknown
  preHandler?(request: FastifyRequest, reply: FastifyReply): unknown
  preSerialization?(request: FastifyRequest, reply: FastifyReply, payload: never): unknown
  onSend?(request: FastifyRequest, reply: FastifyReply, payload: never): unknown
  onResponse?(request: FastifyRequest, reply: FastifyReply): unknown
  onError?(request: FastifyRequest, reply: FastifyReply, error: never): unknown
  onTimeout?(request: FastifyRequest, reply: FastifyReply): unknown
  onRequestAbort?(request: FastifyRequest): unknown
}

/** What `@Use` takes: an `onRequest` hook, hooks by name, or a class with hooks, which the container makes. */
export type Hook = HookFunction | Hooks | Injected<HookMethods>

/** A hook as Fastify calls it. */
export type RouteHook = (this: FastifyInstance, ...args: unknown[]) => Promise<unknown>

/** Hooks for a route of Fastify, in the order in which they run. */
export type RouteHooks = { [Name in HookName]?: RouteHook[] }

/**
 * Prepares, at boot, what `@Use` was given.
 *
 * @throws {DefinitionError} for what is no hook of Fastify, or a class that cannot be made
 */
export function routeHooks(declared: readonly unknown[], instances: Instances, where: string): RouteHooks {
  const hooks: RouteHooks = {}
  for (const hook of declared) {
    for (const [name, call] of namedHooks(hook, instances, where)) {
      hooks[name] ??= []
      hooks[name].push(call)
    }
  }
  return hooks
}

function namedHooks(hook: unknown, instances: Instances, where: string): [HookName, RouteHook][] {
  if (isClass(hook)) return methodsOf(hook, instances, `${where}, @Use(${hook.name})`)
  if (typeof hook === 'function') return [['onRequest', hookOf('onRequest', hook as RouteHook)]]
  const named = typeof hook === 'object' && hook !== null ? Object.entries(hook) : []
  if (named.length === 0) {
    const circle = hook === undefined ? ': is it imported around in a circle?' : ''
    throw new DefinitionError(where, `@Use takes a hook function, a class, or hooks by name, not ${hook}${circle}`)
  }
  return named.flatMap(([name, calls]) =>
    [calls].flat().map((call): [HookName, RouteHook] => {
      if (!isHookName(name)) throw new DefinitionError(where, `@Use: ${name} is no hook of a route. ${NAMES}`)
      if (typeof call !== 'function') throw new DefinitionError(where, `@Use: its ${name} is no function`)
      return [name, hookOf(name, call as RouteHook)]
    }),
  )
}

function isHookName(name: string): name is HookName {
  return Object.hasOwn(arity, name)
}

/** One hook for each method of a class that has the name of one. */
function methodsOf(type: Injected, instances: Instances, where: string): [HookName, RouteHook][] {
  const instance = instances.of(type, where) as () => Record<HookName, (...args: unknown[]) => unknown>
  const trial = instance()
  const names = (Object.keys(arity) as HookName[]).filter(name => typeof trial[name] === 'function')
  if (names.length === 0) throw new DefinitionError(where, `has no method that is a hook. ${NAMES}`)
  return names.map(name => {
    if (trial[name].length >= arity[name]) {
      throw new DefinitionError(
        where,
        `its method ${name} takes "done", which it is not given: return a promise instead`,
      )
    }
    return [name, async (request, ...more) => instance()[name](request, ...more.slice(0, -1))]
  })
}

/** A function that neither takes `done` nor is async would never let the request go on: what it returns is awaited. */
function hookOf(name: HookName, hook: RouteHook): RouteHook {
  if (hook.length >= arity[name]) return hook
  return async function (request, ...more) {
    return hook.call(this, request, ...more.slice(0, -1))
  }
}

const NAMES = `These are: ${Object.keys(arity).join(', ')}`
