import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Credential, Verified } from './credentials.js'
import { DefinitionError, UnauthorizedError } from './errors.js'
import { importFor } from './optional.js'

/** What a token says. */
export interface JwtClaims {
  /** Who the token is of. */
  readonly sub?: unknown
  /** When the token ends, in seconds since 1970. */
  readonly exp?: unknown
  readonly [claim: string]: unknown
}

/**
 * JSON Web Tokens, as @fastify/jwt verifies them: `Authorization: Bearer …`, or the cookie that its option `cookie` names.
 * Keys, algorithms, issuer and audience are its options; register it before the controllers, in `setup`.
 *
 * A token that it refuses is answered 401, and so is one without a `sub` or an `exp`. An `HttpError` that its `secret`
 * throws is answered with its own status: say so by 503 and `Retry-After` if keys cannot be had. With a token in the
 * header, the cookie is not looked at.
 *
 * Extend it to make more of the claims, or to use a namespace of the plugin.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8725
 */
export class Jwt implements Credential {
  readonly challenge = 'Bearer'

  /**
   * @throws {DefinitionError} if @fastify/jwt is not installed or not registered, unless the class is extended to verify
   *   otherwise; or @fastify/cookie is not, where tokens come in cookies
   */
  async boot(app: FastifyInstance, where: string): Promise<void> {
    const verifies = this.claimsOf === Jwt.prototype.claimsOf
    if (verifies && !app.hasRequestDecorator('jwtVerify')) await protest(where, '@fastify/jwt')
    if (cookieOf(app) !== undefined && !app.hasRequestDecorator('cookies')) await protest(where, '@fastify/cookie')
  }

  present(request: FastifyRequest): boolean {
    if (/^bearer(\s|$)/i.test(request.headers.authorization ?? '')) return true
    const cookie = cookieOf(request.server)
    return cookie !== undefined && (request as JwtRequest).cookies[cookie] !== undefined
  }

  async verify(request: FastifyRequest): Promise<Verified> {
    try {
      const principal = this.principalOf(await this.claimsOf(request))
      if (principal === undefined) throw new UnauthorizedError('The credential is not valid')
      return principal
    } catch (cause) {
      const refusal = refusalOf(cause)
      if (refusal === undefined) throw cause
      const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
      throw new UnauthorizedError(refusal, { headers, cause })
    }
  }

  /** Who the token is of: by default `sub`, until `exp`. `undefined` refuses the token. */
  protected principalOf({ sub, exp }: JwtClaims): Verified {
    if (typeof sub !== 'string' || sub === '' || typeof exp !== 'number') return undefined
    return { id: sub, expiresAt: exp * 1_000 }
  }

  /** Verifies the token of the request: by default by `request.jwtVerify()`. */
  protected claimsOf(request: FastifyRequest): Promise<JwtClaims> {
    return (request as JwtRequest).jwtVerify()
  }
}

/** Says what is missing: the package, or the plugin in the app. */
async function protest(where: string, plugin: string): Promise<never> {
  await importFor(where, plugin)
  throw new DefinitionError(where, `needs ${plugin}: register it before the controllers, in setup`)
}

/** The name of the cookie that holds the token, if one does. */
function cookieOf(app: FastifyInstance): string | undefined {
  return (app as Partial<JwtServer>).jwt?.cookie?.cookieName
}

interface JwtServer {
  readonly jwt: { readonly cookie?: { readonly cookieName: string } }
}

type JwtRequest = FastifyRequest & {
  jwtVerify(): Promise<JwtClaims>
  readonly cookies: Readonly<Record<string, string | undefined>>
}

/** What is wrong with the token; nothing if the fault is not that of the token. */
function refusalOf(error: unknown): string | undefined {
  if (error instanceof UnauthorizedError) return error.message
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code !== 'string' || !/^(FST|FAST)_JWT_/.test(code) || ours.has(code)) return undefined
  return expired.has(code) ? 'The token has expired' : 'The token is not valid'
}

const expired = new Set(['FST_JWT_AUTHORIZATION_TOKEN_EXPIRED', 'FAST_JWT_EXPIRED'])

/** What fails by no token's fault. */
const ours = new Set(['FAST_JWT_INVALID_OPTION', 'FAST_JWT_KEY_FETCHING_ERROR', 'FST_JWT_BAD_COOKIE_REQUEST'])
