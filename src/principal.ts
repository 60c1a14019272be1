/** Who a request comes from, as a guard or a plugin for authentication found out: `request.principal`. */
export interface Principal {
  /** Tells principals apart: a user's id, a client's key. */
  readonly id: string
  /** When the credential ends, in milliseconds since 1970. Streams end then, too. Default: never. */
  readonly expiresAt?: number
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal
  }
}
