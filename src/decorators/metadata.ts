import type { Metadata } from '../context.js'
import { DefinitionError } from '../errors.js'
import { recordPolicy } from '../metadata.js'
import { nameOf, placeOf } from './routes.js'

/**
 * Makes a key of metadata that is a decorator as well.
 *
 * @example
 * ```ts
 * const Roles = metadata<string[]>('roles')
 *
 * class Members implements Guard {
 *   allow(request: FastifyRequest, context: RouteContext) {
 *     return context.get(Roles)?.includes(roleOf(request)) ?? true
 *   }
 * }
 * ```
 * @param name for messages; two keys of one name are two
 * @throws {DefinitionError} for a name that is none
 */
export function metadata<T>(name: string): Metadata<T> {
  if (typeof name !== 'string' || name === '')
    throw new DefinitionError('metadata()', "needs a name: metadata('roles')")
  const key = (value: T, ...more: unknown[]): ClassDecorator & MethodDecorator => {
    if (more.length > 0) {
      const [method] = more
      const { name: owner } = (value as object).constructor
      throw new DefinitionError(`${owner}.${String(method)}`, `@${name} is given no value; call it: @${name}(…)`)
    }
    return set(key, `@${name}`, value)
  }
  return Object.defineProperty(key, 'name', { value: name })
}

/**
 * Sets metadata of a class or a method, for guards and parameters of your own to read: `context.get(key)`. That of a
 * method wins over that of its class, and that of a class over that of its base.
 *
 * @param key made by `metadata`, which is typed; or a string or symbol
 * @throws {DefinitionError} if key or value is undefined, or the key is set there already
 */
export function SetMetadata<T>(key: Metadata<T>, value: T): ClassDecorator & MethodDecorator
export function SetMetadata(key: string | symbol, value: unknown): ClassDecorator & MethodDecorator
export function SetMetadata(key: unknown, value: unknown): ClassDecorator & MethodDecorator {
  return set(key, '@SetMetadata', value)
}

function set(key: unknown, decorator: string, value: unknown): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: { value?: unknown }) => {
    const place = placeOf(decorator, target, name, descriptor)
    const { metadata } = recordPolicy(...place)
    const protest = (what: string) => new DefinitionError(nameOf(place), `${decorator}${what}`)
    if (key === undefined) throw protest(': its key is undefined. Is it imported around in a circle?')
    // Nothing set reads as no condition to most guards.
    if (value === undefined) throw protest(': its value is undefined. Is it imported around in a circle?')
    if (metadata.has(key)) throw protest(' stands here twice; keep one')
    metadata.set(key, value)
  }
}
