/** Who a request comes from, as a guard or a plugin for authentication found out: `request.principal`. */
export interface Principal {
  /** Tells principals apart: a user's id, a client's key. */
  readonly id: string
  /** When the credential ends, in milliseconds since 1970. Streams end then, too. Default: never. */
  readonly expiresAt?: number
}

/** Whether the credential of a principal has ended. */
export function isExpired({ expiresAt = Infinity }: Principal): boolean {
  // Not the other way round: a time that is no number is none to wait for.
  return !(expiresAt > Date.now())
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal
  }
}
