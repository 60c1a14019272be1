/**
 * A key of metadata, and the decorator that sets it: `const Roles = metadata<string[]>('roles')` stands as
 * `@Roles(['admin'])` on a class or a method, and is read by `context.get(Roles)`. Made by `metadata`.
 */
export type Metadata<T> = (value: T) => ClassDecorator & MethodDecorator

/** What is known of a route before any request: for guards, and for parameters of your own. */
export interface RouteContext {
  /** The class of the controller. */
  readonly controller: abstract new (
    ...args: never[]
  ) => object
  /** The name of its method: `watch`. */
  readonly method: string
  /** For messages: `Prices.watch GET /prices/:symbol`. */
  readonly name: string
  /** Whether it answers with an event stream. */
  readonly stream: boolean
  /** The metadata of the method, else of its class, else of what they extend; `undefined` if nobody set any. */
  get<T>(key: Metadata<T>): T | undefined
  get(key: string | symbol): unknown
}

/** The context of a route with this metadata. */
export function contextOf(route: Omit<RouteContext, 'get'>, metadata: ReadonlyMap<unknown, unknown>): RouteContext {
  const get = (key: unknown): unknown => {
    // No metadata means no condition to most guards: a key that is none must not read as that.
    if (key === undefined) throw new TypeError(`${route.name}: the key of metadata is undefined`)
    return metadata.get(key)
  }
  return { ...route, get: get as RouteContext['get'] }
}
