import { createHash, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Credential, Verified } from './credentials.js'
import { BadRequestError, DefinitionError, TicketLimitError } from './errors.js'
import { checkNames } from './known.js'
import type { Principal } from './principal.js'
import type { Names } from './sse/known.js'

/** The tickets of an app. */
export interface TicketsOptions {
  /** Milliseconds in which a ticket has to be used. Default 30,000. */
  ttl?: number
  /** How many unused tickets are kept at the same time; one more is refused with 503. Default 10,000. */
  max?: number
  /** How many unused tickets of one principal are kept; one more is refused with 429. Default 20. */
  perPrincipal?: number
  /** Where unused tickets are kept, if several processes share them. It has bounds of its own. Default: in memory. */
  store?: TicketStore
}

const names: Names<TicketsOptions> = { ttl: true, max: true, perPrincipal: true, store: true }

/** A ticket, to be sent to the client. */
export interface Ticket {
  /** 256 random bits in the characters of Base64url. */
  readonly ticket: string
  /** When it ends unused, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** What a ticket is good for. */
export interface TicketGrant {
  /** Whoever it was issued to; a store that writes it down keeps what JSON keeps. */
  readonly principal: Principal
  /** The path of the one request that it lets in. */
  readonly path: string
  /** When it ends unused, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** Keeps tickets until they are used. */
export interface TicketStore {
  /**
   * Keeps a grant until it is taken or has ended.
   *
   * @param key stands for the ticket, and does not tell it: its SHA-256
   * @throws {TicketLimitError} if there is no room
   */
  put(key: string, grant: TicketGrant): void | Promise<void>
  /** Takes a grant out, in one step: of two who ask at the same time, one gets it. */
  take(key: string): TicketGrant | undefined | Promise<TicketGrant | undefined>
}

/**
 * Tickets let `EventSource` in, which cannot send headers: who has signed in gets one, and opens the stream with
 * `?ticket=…` in its URL. A ticket is used once, within seconds, and for the path that it was issued for, so that a URL
 * that is seen later is worth nothing. As a kind of credential, it stands in `credentials([Jwt, Tickets])`.
 *
 * It is injectable. The stream ends when the credential ends that the ticket was issued for. A client that comes back
 * needs another ticket, and says by `?lastEventId=…` where it left off.
 */
export class Tickets implements Credential {
  /** There is no scheme for it. */
  readonly challenge = undefined
  readonly #ttl: number
  readonly #store: TicketStore

  /** @throws {DefinitionError} for a bound that is no whole number from 1 */
  constructor(options: TicketsOptions = {}) {
    checkNames('Tickets', options, names)
    const { ttl = 30_000, max = 10_000, perPrincipal = 20, store = new MemoryTickets(max, perPrincipal) } = options
    for (const [name, value] of Object.entries({ ttl, max, perPrincipal })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new DefinitionError(`Tickets, option ${name}`, `is a whole number from 1, not ${String(value)}`)
      }
    }
    this.#ttl = ttl
    this.#store = store
  }

  /**
   * Issues a ticket.
   *
   * @param principal whoever has signed in: `@Principal()`
   * @param path the path of the stream, without a query, as the app sees it: `/prices/live`
   * @throws {BadRequestError} for what is no path
   * @throws {TicketLimitError} if too many tickets are unused
   */
  async issue(principal: Principal, path: string): Promise<Ticket> {
    if (typeof path !== 'string' || !/^\/[^?#\s]{0,1023}$/.test(path)) {
      throw new BadRequestError('A ticket is for a path such as /prices/live')
    }
    const ticket = randomBytes(32).toString('base64url')
    const expiresAt = Date.now() + this.#ttl
    await this.#store.put(keyOf(ticket), { principal, path, expiresAt })
    return { ticket, expiresAt }
  }

  present({ query }: FastifyRequest): boolean {
    return (query as { ticket?: unknown }).ticket !== undefined
  }

  /** Uses the ticket of a request up, whether it is good or not. */
  async verify({ query, method, url }: FastifyRequest): Promise<Verified> {
    const { ticket } = query as { ticket?: unknown }
    if (typeof ticket !== 'string') return undefined
    const grant = await this.#store.take(keyOf(ticket))
    if (grant === undefined || grant.expiresAt <= Date.now()) return undefined
    return method === 'GET' && url.split('?', 1)[0] === grant.path ? grant.principal : undefined
  }
}

/** By its hash, a ticket is neither read from a store, nor guessed from the time that a look takes. */
function keyOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}

/** Keeps unused tickets in memory, the oldest first. */
class MemoryTickets implements TicketStore {
  readonly #grants = new Map<string, TicketGrant>()
  readonly #counts = new Map<string, number>()
  readonly #max: number
  readonly #perPrincipal: number

  constructor(max: number, perPrincipal: number) {
    this.#max = max
    this.#perPrincipal = perPrincipal
  }

  put(key: string, grant: TicketGrant): void {
    this.#forgetEnded()
    const { id } = grant.principal
    const count = this.#counts.get(id) ?? 0
    if (count >= this.#perPrincipal)
      throw new TicketLimitError(
        429,
        this.#wait(own => own.principal.id === id),
      )
    if (this.#grants.size >= this.#max)
      throw new TicketLimitError(
        503,
        this.#wait(() => true),
      )
    this.#grants.set(key, grant)
    this.#counts.set(id, count + 1)
  }

  take(key: string): TicketGrant | undefined {
    const grant = this.#grants.get(key)
    if (grant) this.#forget(key, grant)
    return grant
  }

  #forgetEnded(): void {
    for (const [key, grant] of this.#grants) {
      if (grant.expiresAt > Date.now()) return
      this.#forget(key, grant)
    }
  }

  #forget(key: string, { principal: { id } }: TicketGrant): void {
    this.#grants.delete(key)
    const count = this.#counts.get(id) as number
    if (count > 1) this.#counts.set(id, count - 1)
    else this.#counts.delete(id)
  }

  /** Seconds until the first of some tickets ends. */
  #wait(counts: (grant: TicketGrant) => boolean): number {
    for (const grant of this.#grants.values()) {
      if (counts(grant)) return Math.ceil((grant.expiresAt - Date.now()) / 1_000)
    }
    return 1
  }
}
