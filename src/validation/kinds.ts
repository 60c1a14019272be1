import { getMetadataStorage, ValidationTypes } from 'class-validator'
import type { Issue, RequestPart } from '../errors.js'
import { isNative } from './dto.js'

/** What a property is declared as, as far as a value can show it. */
export interface Kind {
  readonly constraint: string
  readonly words: string
  isOf(value: unknown): boolean
}

const kinds = new Map<unknown, Kind>([
  [String, { constraint: 'string', words: 'a string', isOf: value => typeof value === 'string' }],
  [Number, { constraint: 'number', words: 'a number', isOf: value => typeof value === 'number' }],
  [Boolean, { constraint: 'boolean', words: 'a boolean', isOf: value => typeof value === 'boolean' }],
  [BigInt, { constraint: 'bigint', words: 'a bigint', isOf: value => typeof value === 'bigint' }],
  [Date, { constraint: 'date', words: 'a date', isOf: value => value instanceof Date }],
  [Array, { constraint: 'array', words: 'an array', isOf: value => Array.isArray(value) }],
])

const object: Kind = {
  constraint: 'object',
  words: 'an object',
  isOf: value => typeof value === 'object' && !Array.isArray(value),
}

/** The kind of a property, by the type that the compiler has noted: nothing for an interface, a union, or what has none. */
export function kindOf(prototype: object, property: string): Kind | undefined {
  const type: unknown = Reflect.getMetadata('design:type', prototype, property)
  const kind = kinds.get(type)
  if (kind) return kind
  return typeof type === 'function' && !isNative(type) ? object : undefined
}

/**
 * What in a DTO, and in those within it, is not what its property is declared as, though all rules hold: `@IsEnum` takes
 * the names of an enum of numbers, `@ValidateNested` an array where one is declared. What is missing, or null, is a matter
 * of the rules alone.
 */
export function* mistypedIn(part: RequestPart, dto: object, path: string): Generator<Issue> {
  for (const { name, kind, isNested } of propertiesOf(Object.getPrototypeOf(dto))) {
    const value = (dto as Record<string, unknown>)[name]
    if (value === undefined || value === null) continue
    const property = path === '' ? name : `${path}.${name}`
    if (kind && !kind.isOf(value)) {
      yield { in: part, property, constraint: kind.constraint, detail: `${name} must be ${kind.words}` }
    } else if (isNested) yield* mistypedInside(part, value, property)
  }
}

function* mistypedInside(part: RequestPart, value: unknown, path: string): Generator<Issue> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* mistypedInside(part, item, `${path}.${index}`)
  } else if (typeof value === 'object' && value !== null) yield* mistypedIn(part, value, path)
}

interface Property {
  readonly name: string
  readonly kind: Kind | undefined
  readonly isNested: boolean
}

const known = new WeakMap<object, Property[]>()

/** The properties of a class that have rules. */
function propertiesOf(prototype: object): Property[] {
  let properties = known.get(prototype)
  if (properties === undefined) {
    const storage = getMetadataStorage()
    const rules = storage.getTargetValidationMetadatas(prototype.constructor, '', true, false)
    properties = Object.entries(storage.groupByPropertyName(rules)).map(([name, own]) => ({
      name,
      kind: kindOf(prototype, name),
      isNested: own.some(({ type }) => type === ValidationTypes.NESTED_VALIDATION),
    }))
    known.set(prototype, properties)
  }
  return properties
}
