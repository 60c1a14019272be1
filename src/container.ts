import {
  type DependencyContainer,
  type InjectionToken,
  injectable,
  Lifecycle,
  container as rootContainer,
} from 'tsyringe'
import { DefinitionError } from './errors.js'
import type { DeclaredStreamOptions, Injected } from './metadata.js'
import type { Serializer } from './sse/index.js'

/**
 * The token of the app's serializer: register one to change how data becomes text in every stream.
 *
 * @example
 * ```ts
 * container.register(SERIALIZER, { useClass: JsonSerializer })
 * ```
 */
export const SERIALIZER: InjectionToken<Serializer> = Symbol('okapi.SERIALIZER')

/** The token of the app's stream options: register an object, or give it to `createApp` as `streamOptions`. */
export const STREAM_OPTIONS: InjectionToken<DeclaredStreamOptions> = Symbol('okapi.STREAM_OPTIONS')

// biome-ignore lint/suspicious/noExplicitAny: tsyringe's own shape of a constructor
export type ControllerClass = new (...args: any[]) => object

/** A container of the app's own: what is registered or made in it is not seen by other apps, and ends with it. */
export function childOf(parent: DependencyContainer = rootContainer): DependencyContainer {
  return parent.createChildContainer()
}

/**
 * How a controller is had for each request. One that nobody registered is made once for the app; one that was
 * registered (by tsyringe's decorators too) is resolved for each request, so that its lifecycle holds.
 *
 * @throws {DefinitionError} if it cannot be made, told at boot by trying
 */
export function resolver(
  container: DependencyContainer,
  type: ControllerClass,
  where = `${type.name}, constructor`,
): () => object {
  const registered = container.isRegistered(type, true)
  if (!registered) container.register(type, { useClass: type }, { lifecycle: Lifecycle.ContainerScoped })
  checkMetadata(type)
  const instance = resolve(container, type, where)
  return registered ? () => container.resolve<object>(type) : () => instance
}

/** The instances of classes that decorators name, such as guards. They are had as controllers are. */
export class Instances {
  readonly #container: DependencyContainer
  readonly #known = new Map<Injected, () => object>()

  constructor(container: DependencyContainer) {
    this.#container = container
  }

  /**
   * How an instance is had for each request.
   *
   * @param where who names the class: `Prices.watch, @Guard(Members)`
   * @throws {DefinitionError} for what is no class, or cannot be made, told at boot by trying
   */
  of(type: unknown, where: string): () => object {
    if (!isClass(type)) throw new DefinitionError(where, `takes a class, not ${kindOf(type)}`)
    const known = this.#known.get(type)
    if (known) return known
    if (type.length > 0 && Reflect.getMetadata('design:paramtypes', type) === undefined) {
      throw new DefinitionError(
        where,
        `the types of the constructor parameters of ${type.name} are unknown: give it @injectable(). ${COMPILER}`,
      )
    }
    // What extends an injectable class is injected as that, decorated or not.
    injectable()(type as ControllerClass)
    const instance = resolver(this.#container, type as ControllerClass, where)
    this.#known.set(type, instance)
    return instance
  }
}

/** Whether a value is a class, and not a function that can be called. */
export function isClass(value: unknown): value is Injected {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined: is its class imported around in a circle?'
  if (value === null) return 'null'
  return typeof value === 'object' ? `an object: give the class itself` : `a ${typeof value}`
}

/** The serializer that stream options name, by token or by itself. */
export function serializerOf(
  container: DependencyContainer,
  declared: Serializer | InjectionToken<Serializer>,
  where: string,
): Serializer {
  if (typeof declared === 'object' && declared !== null && 'serialize' in declared) return declared
  if (!isToken(declared)) {
    throw new DefinitionError(
      `${where}, option serializer`,
      'takes an object with a method serialize(data), or the class or the token of one',
    )
  }
  return resolve(container, declared as InjectionToken<Serializer>, `${where}, option serializer`)
}

/** Whether tsyringe would take a value for a token; `delay()` makes objects that are. */
function isToken(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return 'createProxy' in value
  return isClass(value) || typeof value === 'string' || typeof value === 'symbol'
}

function resolve<T>(container: DependencyContainer, token: InjectionToken<T>, where: string): T {
  try {
    return container.resolve(token)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DefinitionError(where, `cannot be resolved. ${reason}${cureOf(reason)}`, { cause })
  }
}

function checkMetadata(type: ControllerClass): void {
  if (Reflect.getMetadata('design:paramtypes', type) !== undefined) return
  const where = `${type.name}, constructor`
  if (type.length > 0) throw new DefinitionError(where, `the types of its parameters are unknown. ${COMPILER}`)
  const base = constructorBase(type)
  if (base.length > 0 && isClass(base)) {
    throw new DefinitionError(
      where,
      `is that of ${base.name}, whose parameter types are unknown: decorate it too, with @Controller() or @injectable()`,
    )
  }
}

/** The class whose constructor a class has: it, or the nearest that it extends that writes one. */
function constructorBase(type: ControllerClass): ControllerClass {
  let one = type
  while (isClass(one) && one.length === 0 && !/\bconstructor\s*\(/.test(Function.prototype.toString.call(one))) {
    one = Object.getPrototypeOf(one) as ControllerClass
  }
  return one
}

/** What to look at when the compiler left no types behind. */
export const COMPILER =
  'Compile with "experimentalDecorators" and "emitDecoratorMetadata", by tsc or swc: esbuild, tsx and vitest emit no types'

function cureOf(reason: string): string {
  if (/TypeInfo not known for/.test(reason)) {
    return '. Is the class @injectable(), by the same copy of tsyringe, and imported as a value, not by "import type" or around in a circle? An interface needs @inject(token)'
  }
  if (/unregistered dependency token/i.test(reason)) return '. Register the token in the container of the app'
  return ''
}
