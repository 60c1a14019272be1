import 'reflect-metadata'
import type { FastifyRequest } from 'fastify'
import type { InjectionToken } from 'tsyringe'
import type { AdmissionOptions } from './admission.js'
import type { UploadOptions } from './bodies/uploads.js'
import type { RouteContext } from './context.js'
import type { RequestPart } from './errors.js'
import type { Serializer, StreamOptions } from './sse/index.js'
import type { ValidationOptions } from './validation/options.js'
import type { ValueType } from './value-type.js'

/** The ledger between the decorators, which write it while classes load, and the plugin, which reads it once at boot. */

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'

/** Stream options as decorators take them: the serializer may be a token, to be resolved from the container. */
export interface DeclaredStreamOptions extends Omit<StreamOptions, 'serializer'> {
  /** A serializer, or the token of one: a class is resolved from the container, with whatever is injected into it. */
  serializer?: Serializer | InjectionToken<Serializer>
}

export interface RouteRecord {
  method: HttpMethod
  path: string
  /** The options of a stream; a route without them answers once. */
  stream?: DeclaredStreamOptions
  admission?: AdmissionOptions
}

export type ParameterKind =
  | RequestPart
  | 'file'
  | 'files'
  | 'signal'
  | 'lastEventId'
  | 'request'
  | 'reply'
  | 'stream'
  | 'principal'
  | 'custom'

export interface ParameterRecord {
  kind: ParameterKind
  /** The decorator, for messages: `@Param('id')`. */
  decorator: string
  /** The name of the value within its part; without it, the whole part. */
  name?: string
  required?: boolean
  /** How a parameter of the user's own is read. */
  read?: (request: FastifyRequest, context: RouteContext) => unknown
  /** The part of the request that it is read from, if it is to be converted and checked. */
  part?: RequestPart
  /** The type of the items of an array. */
  items?: unknown
  /** How the value is checked, beyond the options of the app; `false`: not at all. */
  validate?: ValidationOptions | false
}

/** An event that a stream sends. */
export interface EventRecord {
  /** The event type; without it, `message`, as in the browser. */
  type?: string
  /** What its data is; without it, there is none. */
  data?: ValueType
  /** Whether every one of them has an id. */
  id?: boolean
  /** The media type of the data as it is sent. Default: what the serializer makes of it. */
  contentType?: string
  description?: string
}

/** An answer of a method that answers once. */
export interface ReturnsRecord {
  /** What the body is; without it, there is none. */
  body?: ValueType
  /** Default: the status that the method answers with. */
  status?: number
  /** The media type of the body. Default: JSON, or text for a string. */
  contentType?: string
  description?: string
}

export interface MethodRecord {
  routes: RouteRecord[]
  parameters: Map<number, ParameterRecord>
  status?: number
  headers: [name: string, value: string][]
  redirect?: { url: string; status: number }
  /** The events of its streams, as they are declared from the top. */
  events?: EventRecord[]
  /** Its answers, as they are declared from the top. */
  returns?: ReturnsRecord[]
  /** The media types of bodies that the method takes. */
  consumes?: string[]
  uploads?: UploadOptions
}

/** A class that the container makes, or one that stands for another there. */
export type Injected<T = object> = abstract new (...args: never[]) => T

/** Which errors are answered how. */
export interface FilterRecord {
  type: Injected
  /** A function that answers the error, or the class of one who does. */
  answer: unknown
}

/** What holds for all calls of a method, or of all methods of a class. In the order in which it is read. */
export interface PolicyRecord {
  /** What `@Use` was given: told apart at boot. */
  hooks: unknown[]
  guards: unknown[]
  filters: FilterRecord[]
  metadata: Map<unknown, unknown>
}

export interface ControllerRecord {
  prefix: string
  streamOptions?: DeclaredStreamOptions
  admission?: AdmissionOptions
}

interface ClassRecord {
  controller?: ControllerRecord
  methods: Map<string, MethodRecord>
  /** Those of methods by name, and that of the class itself without one. */
  policies: Map<string | undefined, PolicyRecord>
}

const ledger = new WeakMap<object, ClassRecord>()

/** What every copy of this package says of its controllers, where all can read it. */
const MARK = 'okapi:controller'

/** Whether a class is a controller, and be it of another copy of this package, which has a ledger of its own. */
export function isMarked(target: object): boolean {
  return Reflect.hasOwnMetadata(MARK, target)
}

/** Notes that a class is a controller; returns whether it was one already. */
export function recordController(target: object, controller: ControllerRecord): boolean {
  Reflect.defineMetadata(MARK, true, target)
  const record = recordOf(target)
  const isOne = record.controller !== undefined
  record.controller = controller
  return isOne
}

/** The record of a method, to be written by its decorators. */
export function recordMethod(target: object, name: string): MethodRecord {
  const { methods } = recordOf(target)
  let method = methods.get(name)
  if (method === undefined) {
    method = { routes: [], parameters: new Map(), headers: [] }
    methods.set(name, method)
  }
  return method
}

/** The policy of a method, or without a name that of a class, to be written by decorators. */
export function recordPolicy(target: object, name?: string): PolicyRecord {
  if (name !== undefined) recordMethod(target, name)
  const { policies } = recordOf(target)
  let policy = policies.get(name)
  if (policy === undefined) {
    policy = { hooks: [], guards: [], filters: [], metadata: new Map() }
    policies.set(name, policy)
  }
  return policy
}

/**
 * Every policy that holds for a method of a class, the widest first: those of the class, its base before it, then those
 * of the method. None replaces another: what a base class asks, nobody who extends it can leave out.
 */
export function policiesOf(target: object, name: string): PolicyRecord[] {
  const classes: object[] = []
  for (let one: object | null = target; one !== null; one = Object.getPrototypeOf(one) as object | null) {
    classes.unshift(one)
  }
  const named = (key?: string) => classes.flatMap(one => ledger.get(one)?.policies.get(key) ?? [])
  return [...named(), ...named(name)]
}

/** What `@Controller` said of a class itself; a base class does not answer for it. */
export function controllerRecord(target: object): ControllerRecord | undefined {
  return ledger.get(target)?.controller
}

/**
 * The methods of a class with those it inherits. What a subclass declares anew replaces what its base declared; what it
 * leaves out (the routes, the parameters, the status) still holds.
 */
export function methodRecords(target: object): Map<string, MethodRecord> {
  const base = Object.getPrototypeOf(target) as object | null
  const methods = base === null ? new Map<string, MethodRecord>() : methodRecords(base)
  for (const [name, own] of ledger.get(target)?.methods ?? []) {
    const inherited = methods.get(name)
    methods.set(name, inherited === undefined ? own : merge(inherited, own))
  }
  return methods
}

function merge(inherited: MethodRecord, own: MethodRecord): MethodRecord {
  return {
    ...inherited,
    ...own,
    routes: own.routes.length > 0 ? own.routes : inherited.routes,
    parameters: own.parameters.size > 0 ? own.parameters : inherited.parameters,
    headers: [...inherited.headers, ...own.headers],
  }
}

function recordOf(target: object): ClassRecord {
  let record = ledger.get(target)
  if (record === undefined) {
    record = { methods: new Map(), policies: new Map() }
    ledger.set(target, record)
  }
  return record
}
