import { injectable } from 'tsyringe'
import type { AdmissionOptions } from '../admission.js'
import type { ControllerClass } from '../container.js'
import { DefinitionError } from '../errors.js'
import { type DeclaredStreamOptions, recordController } from '../metadata.js'

/** The options of a controller. */
export interface ControllerOptions {
  /** Options for every stream of the controller. Those of a route win over them, they win over those of the app. */
  streamOptions?: DeclaredStreamOptions
  /** How many streams of all its routes together may be open at the same time, beside what the routes and the app say. */
  admission?: AdmissionOptions
}

/**
 * Makes a class a controller: its methods answer requests below the prefix.
 *
 * Its constructor parameters are injected. There is one instance for each app, made at boot; for one per request, add
 * tsyringe's `@scoped(Lifecycle.ResolutionScoped)` or register the class otherwise. A class that extends a controller
 * inherits its routes, and is a controller only with a `@Controller` of its own. tsyringe keeps every instance that has
 * a `dispose` until the app closes: do not give one to a controller that is made per request.
 *
 * @example
 * ```ts
 * @Controller('/prices')
 * class Prices {
 *   constructor(private readonly market: Market) {}
 *   @Get('/:symbol') price(@Param('symbol') symbol: string) { return this.market.price(symbol) }
 * }
 * ```
 * @param prefix the path before the paths of all routes
 * @throws {DefinitionError} for a prefix that lacks the leading slash
 */
export function Controller(prefix = '', options: ControllerOptions = {}): ClassDecorator {
  return target => {
    if (prefix !== '' && !prefix.startsWith('/')) {
      throw new DefinitionError(target.name, `@Controller('${prefix}') lacks the leading slash: '/${prefix}'`)
    }
    recordController(target, { prefix, ...options })
    injectable()(target as unknown as ControllerClass)
  }
}
