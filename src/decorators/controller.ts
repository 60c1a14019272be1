import { injectable } from 'tsyringe'
import type { AdmissionOptions } from '../admission.js'
import type { ControllerClass } from '../container.js'
import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import { type DeclaredStreamOptions, recordController } from '../metadata.js'
import type { Names } from '../sse/known.js'
import { checkLegacy } from './routes.js'

/** The options of a controller. */
export interface ControllerOptions {
  /** Options for every stream of the controller. Those of a route win over them, they win over those of the app. */
  streamOptions?: DeclaredStreamOptions
  /** How many streams of all its routes together may be open at the same time, beside what the routes and the app say. */
  admission?: AdmissionOptions
}

const names: Names<ControllerOptions> = { streamOptions: true, admission: true }

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
  if (typeof prefix === 'function') {
    throw new DefinitionError(
      (prefix as { name: string }).name,
      "@Controller lacks its parentheses: @Controller('/path')",
    )
  }
  return (target, method?: unknown) => {
    checkLegacy('@Controller', method)
    if (typeof method === 'string') {
      throw new DefinitionError(
        `${target.constructor.name}.${method}`,
        '@Controller stands on a method; put it on the class',
      )
    }
    if (typeof prefix !== 'string') {
      const cure = "a string comes first, options behind it: @Controller('/path', { … })"
      throw new DefinitionError(target.name, `the prefix of @Controller is no string; ${cure}`)
    }
    if (prefix !== '' && !prefix.startsWith('/')) {
      throw new DefinitionError(target.name, `@Controller('${prefix}') lacks the leading slash: '/${prefix}'`)
    }
    checkNames(`${target.name}, @Controller('${prefix}')`, options, names)
    if (recordController(target, { prefix, ...options })) {
      throw new DefinitionError(target.name, 'has @Controller twice; keep one')
    }
    injectable()(target as unknown as ControllerClass)
  }
}
