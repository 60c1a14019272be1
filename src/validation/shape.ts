import type { ValidatorOptions } from 'class-validator'
import { type DtoClass, isNative } from './dto.js'
import { type Kind, kindOf } from './kinds.js'
import { DEEPEST, unsure } from './plain.js'
import { type PropertyRules, rulesOf } from './rules.js'
import { isPlainlyMade, type Read, typeOf } from './types.js'

type Values = Record<string, unknown>

interface Property {
  readonly name: string
  readonly rules: PropertyRules
  readonly read: Read
  readonly kind: Kind | undefined
  readonly acceptNested: (value: unknown) => boolean
}

/**
 * Prepares a DTO class, at boot, for values that follow its rules: it makes the same instance of them that
 * class-transformer would, and takes for valid only what class-validator would. Whatever else comes, or is unclear, is
 * for these two to judge.
 *
 * @returns nothing if only they can: the class, or one in it, has rules or transformations that look at more than one
 * value
 */
export function shapeOf(type: DtoClass, options: ValidatorOptions): Shape | undefined {
  const shapes = new Map<DtoClass, Shape>()
  const add = (one: DtoClass): boolean => {
    if (shapes.has(one)) return true
    const rules = isPlain(one) ? rulesOf(one, options) : undefined
    if (rules === undefined) return false
    const shape = new Shape(one, options)
    shapes.set(one, shape)
    return [...rules].every(([name, own]) => {
      const of = typeOf(one, name, nested => (add(nested) ? (shapes.get(nested) as Shape).read : undefined))
      if (of === undefined || name in one.prototype || own.isNested !== (of.nested !== undefined)) return false
      const acceptNested = of.nested ? nestedCheck(shapes.get(of.nested) as Shape) : () => true
      shape.add({ name, rules: own, read: of.read, kind: kindOf(one.prototype, name), acceptNested })
      return true
    })
  }
  return add(type) ? shapes.get(type) : undefined
}

/** Whether assigning to an instance of a class is all it takes to fill it. */
function isPlain(type: DtoClass): boolean {
  if (!isPlainlyMade(type)) return false
  for (let one = type.prototype; one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    if (one === null || isNative(one.constructor)) return false
    const accessors = Object.values(Object.getOwnPropertyDescriptors(one)).filter(({ value }) => value === undefined)
    if (accessors.length > 0) return false
  }
  return true
}

function nestedCheck(shape: Shape): (value: unknown) => boolean {
  const accept = (value: unknown): boolean => {
    if (!Array.isArray(value)) return shape.isOne(value) && shape.accepts(value)
    return value.every(item => item === undefined || accept(item))
  }
  return accept
}

/** What is known of a class. */
export class Shape {
  readonly #type: DtoClass
  readonly #properties: Property[] = []
  readonly #byName = new Map<string, Property>()
  readonly #strips: boolean
  readonly #forbids: boolean

  constructor(type: DtoClass, { whitelist = false, forbidNonWhitelisted = false }: ValidatorOptions) {
    this.#type = type
    this.#strips = whitelist && !forbidNonWhitelisted
    this.#forbids = whitelist && forbidNonWhitelisted
  }

  add(property: Property): void {
    this.#properties.push(property)
    this.#byName.set(property.name, property)
  }

  isOne(value: unknown): value is object {
    return typeof value === 'object' && value !== null && value.constructor === this.#type
  }

  /** Makes an instance of a plain object, without what has no rule; or is `unsure`. */
  readonly read: Read = (plain, depth) => {
    if (depth >= DEEPEST) return unsure
    const instance = new this.#type() as Values
    if (!this.isOne(instance) || !this.#clear(instance, plain as Values)) return unsure
    for (const name of Object.keys(plain as Values)) {
      const property = this.#byName.get(name)
      if (property === undefined) {
        if (this.#strips) continue
        return unsure
      }
      const value = property.read((plain as Values)[name], depth + 1)
      if (value === unsure || typeof instance[name] === 'function') return unsure
      instance[name] = value
    }
    return instance
  }

  /** Removes fields that have a default value and no rule; refuses default values that would be checked inside. */
  #clear(instance: Values, plain: Values): boolean {
    for (const name of Object.keys(instance)) {
      const property = this.#byName.get(name)
      if (property === undefined) {
        if (this.#forbids) return false
        if (this.#strips) delete instance[name]
      } else if (property.rules.isNested && typeof instance[name] === 'object' && !Object.hasOwn(plain, name))
        return false
    }
    return true
  }

  /** Whether class-validator would find nothing wrong with an instance that `read` has made, and all is of its kind. */
  accepts(instance: object): boolean {
    for (const { name, rules, kind, acceptNested } of this.#properties) {
      const value = (instance as Values)[name]
      if (!rules.accept(instance, value, acceptNested)) return false
      if (kind !== undefined && value !== undefined && value !== null && !kind.isOf(value)) return false
    }
    return true
  }
}
