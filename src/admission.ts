import { DefinitionError, type StreamLimit, StreamLimitError } from './errors.js'
import { checkNames } from './known.js'
import type { Names } from './sse/known.js'

/**
 * How many streams may be open at the same time, at most. Each limit counts the streams of the place where it stands:
 * those of the app, of a controller, or of a route. A stream takes its place before its method is called, and gives it
 * back when its response is over. Nobody who is in is put out for somebody who comes: who comes is refused.
 */
export interface AdmissionOptions {
  /** Streams of one principal, by `request.principal.id`. Requests without a principal are not counted here. */
  perPrincipal?: number
  /**
   * Streams of one address, by `request.ip`, which is that of the proxy unless Fastify's `trustProxy` is set. IPv6
   * addresses count together when their first 64 bits are the same: that many belong to one client.
   */
  perAddress?: number
  /** Streams altogether. */
  total?: number
}

/** The admission of streams in the whole app. */
export interface AppAdmissionOptions extends AdmissionOptions {
  /** Streams of each route. */
  perRoute?: number
  /** Milliseconds after which a refused client should try again, at the earliest. Default 5,000. */
  retryAfter?: number
}

const names: Names<AdmissionOptions> = { perPrincipal: true, perAddress: true, total: true }
const appNames: Names<AppAdmissionOptions> = { ...names, perRoute: true, retryAfter: true }

/** The gates of an app. */
export class Admissions {
  readonly #app: Gate | undefined
  readonly #controllers = new Map<object, Gate | undefined>()
  readonly #perRoute: number | undefined
  readonly #retryAfter: number

  /** @throws {DefinitionError} for a limit that makes no sense */
  constructor(options: AppAdmissionOptions = {}) {
    check('createApp(), option admission', options, appNames)
    const { perRoute, retryAfter = 5_000, ...limits } = options
    this.#app = gateFor(limits)
    this.#perRoute = perRoute
    this.#retryAfter = retryAfter
  }

  /**
   * The way into the streams of a route; none if nothing limits them.
   *
   * @param where the method of the route, for messages
   * @param type the controller, whose routes share its limits
   * @throws {DefinitionError} for a limit that makes no sense
   */
  of(where: string, type: object, controller?: AdmissionOptions, route?: AdmissionOptions): Admission | undefined {
    if (!this.#controllers.has(type)) this.#controllers.set(type, declaredGate(where, controller))
    const perRoute = this.#perRoute === undefined ? undefined : gateFor({ total: this.#perRoute })
    const own = declaredGate(where, route)
    const gates = [this.#app, this.#controllers.get(type), perRoute, own].filter(gate => gate !== undefined)
    return gates.length === 0 ? undefined : new Admission(gates, this.#retryAfter)
  }
}

/** The way into the streams of one route, through every gate that limits them. */
export class Admission {
  readonly #gates: readonly Gate[]
  readonly #retryAfter: number
  readonly #countsAddresses: boolean

  constructor(gates: readonly Gate[], retryAfter: number) {
    this.#gates = gates
    this.#retryAfter = retryAfter
    this.#countsAddresses = gates.some(gate => gate.countsAddresses)
  }

  /**
   * Takes a place for a stream, at every gate or at none.
   *
   * @throws {StreamLimitError} if there is none
   */
  admit(principal: string | undefined, ip: string): Place {
    const address = this.#countsAddresses ? networkOf(ip) : ip
    for (const gate of this.#gates) {
      const limit = gate.full(principal, address)
      if (limit) throw new StreamLimitError(limit, Math.ceil(this.#retryAfter / 1_000))
    }
    for (const gate of this.#gates) gate.enter(principal, address)
    return new Place(this.#gates, principal, address)
  }
}

/** The place of one open stream. */
export class Place {
  #gates: readonly Gate[]
  readonly #principal: string | undefined
  readonly #address: string

  constructor(gates: readonly Gate[], principal: string | undefined, address: string) {
    this.#gates = gates
    this.#principal = principal
    this.#address = address
  }

  /** Gives the place back, once however often it is called. */
  release(): void {
    for (const gate of this.#gates) gate.leave(this.#principal, this.#address)
    this.#gates = []
  }
}

/** Counts the open streams of one app, controller or route. */
class Gate {
  readonly #perPrincipal: number
  readonly #perAddress: number
  readonly #total: number
  readonly #principals = new Counts()
  readonly #addresses = new Counts()
  #open = 0

  constructor({ perPrincipal = Infinity, perAddress = Infinity, total = Infinity }: AdmissionOptions) {
    this.#perPrincipal = perPrincipal
    this.#perAddress = perAddress
    this.#total = total
  }

  get countsAddresses(): boolean {
    return this.#perAddress !== Infinity
  }

  /** The limit that lets nobody more in, if there is one. */
  full(principal: string | undefined, address: string): StreamLimit | undefined {
    if (principal !== undefined && this.#principals.of(principal) >= this.#perPrincipal) return 'perPrincipal'
    if (this.#addresses.of(address) >= this.#perAddress) return 'perAddress'
    return this.#open >= this.#total ? 'total' : undefined
  }

  enter(principal: string | undefined, address: string): void {
    this.#open++
    if (principal !== undefined && this.#perPrincipal !== Infinity) this.#principals.add(principal)
    if (this.countsAddresses) this.#addresses.add(address)
  }

  leave(principal: string | undefined, address: string): void {
    this.#open--
    if (principal !== undefined) this.#principals.remove(principal)
    this.#addresses.remove(address)
  }
}

/** How often each key is there; one that is not takes no memory. */
class Counts {
  readonly #counts = new Map<string, number>()

  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1)
  }

  remove(key: string): void {
    const count = this.of(key)
    if (count > 1) this.#counts.set(key, count - 1)
    else this.#counts.delete(key)
  }
}

function declaredGate(where: string, limits: AdmissionOptions | undefined): Gate | undefined {
  if (limits === undefined) return undefined
  check(`${where}, option admission`, limits, names)
  return gateFor(limits)
}

function gateFor(limits: AdmissionOptions): Gate | undefined {
  return Object.values(limits).some(limit => limit !== undefined) ? new Gate(limits) : undefined
}

/** A limit with a typing error would limit nothing. */
function check(where: string, limits: object, known: object): void {
  checkNames(where, limits, known)
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (value === undefined || (Number.isInteger(value) && (value as number) > 0)) continue
    throw new DefinitionError(where, `${name} is a whole number from 1, not ${String(value)}`)
  }
}

/** What counts as one address: an IPv4 address, or the first 64 bits of an IPv6 address. */
function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  const [head = '', tail] = ip.split('::')
  const groups = groupsOf(head)
  if (tail !== undefined) {
    const last = groupsOf(tail)
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  return groups.slice(0, 4).join(':').toLowerCase()
}

function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').map(group => group.replace(/^0+(?=.)/, ''))
}
