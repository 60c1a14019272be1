import type { FastifyJWTOptions } from '@fastify/jwt'
import { createRemoteJWKSet, errors, exportSPKI, type JWTHeaderParameters, type RemoteJWKSetOptions } from 'jose'
import { HttpError, UnauthorizedError } from 'okapi'
import type { Verification } from './jwt.js'

/**
 * For tokens whose keys lie at a URL, and change: they are fetched when they are needed, kept for ten minutes, and fetched
 * again for a key that is new, but not more often than every 30 seconds, whatever tokens come.
 */
export function byKeysAt(url: URL, options: RemoteJWKSetOptions = {}): Verification {
  const keys = createRemoteJWKSet(url, { timeoutDuration: 2_000, ...options })
  const secret: FastifyJWTOptions['secret'] = async (_request: unknown, token: unknown) => {
    try {
      return await exportSPKI(await keys((token as { header: JWTHeaderParameters }).header))
    } catch (cause) {
      if (isOfToken(cause)) throw new UnauthorizedError('No key is known that the token was signed with', { cause })
      throw new HttpError(503, 'The keys cannot be had just now', { cause, headers: { 'retry-after': '5' } })
    }
  }
  return { secret, algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] }
}

/** Whether there would be no key either if the keys could be had. */
function isOfToken(error: unknown): boolean {
  return [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported].some(
    type => error instanceof type,
  )
}
