import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isClass } from './container.js'
import type { RouteContext } from './context.js'
import { type DocOptions, docOf, recordDoc } from './docs.js'
import { BadRequestError, DefinitionError, UnauthorizedError } from './errors.js'
import type { Guard, GuardAnswer } from './guards.js'
import { checkNames } from './known.js'
import type { Injected } from './metadata.js'
import type { Principal } from './principal.js'
import type { Names } from './sse/known.js'

/**
 * A kind of credential, such as a token or a key: a class in `credentials([Jwt, Tickets])`, made by the container.
 */
export interface Credential {
  /** Its scheme and parameters for `WWW-Authenticate`: `Bearer`. Default: none. */
  readonly challenge?: string | undefined
  /** Whether the request brings one of this kind, be it good or bad. */
  present(request: FastifyRequest): boolean
  /**
   * Whose it is; asked only if it is present. `undefined` says that it is no good, which is answered 401; an `HttpError`
   * that is thrown is answered with its own status, and anything else with 500.
   */
  verify(request: FastifyRequest, context: RouteContext): Verified | Promise<Verified>
  /**
   * Called when the app is about to be ready, as that of a guard: the place to look whether a plugin is there that it
   * needs. What it throws stops the boot.
   *
   * @param where for messages: `Prices.watch, @Guard(Credentials), Jwt`
   */
  boot?(app: FastifyInstance, where: string): void | Promise<void>
}

/** Whose a credential is, if it is good. */
export type Verified = Principal | undefined

/** How credentials are asked for. */
export interface CredentialsOptions {
  /** Whether requests without any credential may come in, without a principal. Default false. */
  anonymous?: boolean
}

const names: Names<CredentialsOptions> = { anonymous: true }

/**
 * A guard that finds out who a request comes from, by one of several kinds of credentials.
 *
 * One that is present has to be good: a failed credential is answered 401, also where `anonymous` lets in who brings none.
 * If several are present, all have to be good and of the same principal, and the one that ends first counts.
 *
 * What the kinds say by `@Doc({ security })`, the guard says: each of them will do.
 *
 * @example
 * ```ts
 * @Guard(credentials([Jwt, Tickets]))
 * ```
 * @throws {DefinitionError} if there is no kind, one is no class, or for an option that there is none of
 */
export function credentials(kinds: readonly Injected<Credential>[], options: CredentialsOptions = {}): Injected<Guard> {
  checkNames('credentials()', options, names)
  const { anonymous = false } = options
  if (kinds.length === 0) throw new DefinitionError('credentials()', 'names no kind: credentials([Jwt])')
  for (const [index, kind] of kinds.entries()) {
    if (!isClass(kind)) throw new DefinitionError(`credentials(), item ${index}`, `is no class but ${typeof kind}`)
  }
  class Credentials extends CredentialsGuard {
    constructor(...made: Credential[]) {
      super(made, anonymous)
    }
  }
  // What the compiler would write of a constructor with these parameters.
  Reflect.defineMetadata('design:paramtypes', [...kinds], Credentials)
  document(Credentials, kinds, anonymous)
  return Credentials
}

function document(guard: object, kinds: readonly Injected[], anonymous: boolean): void {
  const said = kinds.map(kind => docOf(kind).security).filter(security => security !== undefined)
  if (said.length === 0) return
  recordDoc(guard, undefined, {
    security: [...said.flat(), ...(anonymous ? [{}] : [])] satisfies DocOptions['security'],
  })
}

class CredentialsGuard implements Guard {
  readonly #kinds: readonly Credential[]
  readonly #anonymous: boolean

  constructor(kinds: readonly Credential[], anonymous: boolean) {
    for (const kind of kinds) {
      if (typeof kind.present === 'function' && typeof kind.verify === 'function') continue
      throw new DefinitionError(`credentials(), ${kind.constructor.name}`, 'has no methods present() and verify()')
    }
    this.#kinds = kinds
    this.#anonymous = anonymous
  }

  async boot(app: FastifyInstance, where: string): Promise<void> {
    for (const kind of this.#kinds) await kind.boot?.(app, `${where}, ${kind.constructor.name}`)
  }

  async allow(request: FastifyRequest, context: RouteContext): Promise<GuardAnswer> {
    const principals: Principal[] = []
    for (const kind of this.#kinds) {
      if (!kind.present(request)) continue
      const principal = await kind.verify(request, context)
      if (principal === undefined) throw unauthorized('The credential is not valid', [kind])
      principals.push(principal)
    }
    const [first, ...others] = principals
    if (first === undefined) return this.#withoutAny(request)
    if (others.some(({ id }) => id !== first.id)) throw new BadRequestError('The credentials are of two principals')
    return principals.reduce((one, other) => (endOf(other) < endOf(one) ? other : one))
  }

  #withoutAny({ headers: { authorization } }: FastifyRequest): true {
    // Somebody wants to be known, by a scheme that nobody here knows.
    if (authorization !== undefined) throw unauthorized('The credential is of no kind that is taken here', this.#kinds)
    if (!this.#anonymous) throw unauthorized('Send a credential', this.#kinds)
    return true
  }
}

function endOf({ expiresAt = Infinity }: Principal): number {
  return expiresAt
}

function unauthorized(message: string, kinds: readonly Credential[]): UnauthorizedError {
  const challenges = kinds.flatMap(({ challenge }) => challenge ?? [])
  return new UnauthorizedError(
    message,
    challenges.length === 0 ? {} : { headers: { 'www-authenticate': challenges.join(', ') } },
  )
}
