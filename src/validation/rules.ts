import * as validator from 'class-validator'
import {
  type ValidatorConstraintInterface as Constraint,
  getMetadataStorage,
  type ValidationTypes,
  type ValidatorOptions,
} from 'class-validator'
import type { DtoClass } from './dto.js'

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number]
type Kind = Exclude<keyof typeof ValidationTypes, 'prototype' | 'isValid'>
type Condition = (object: object, value: unknown) => unknown

/** Whether a value that stands in a property fulfils what is behind `@ValidateNested()`. */
export type AcceptNested = (value: unknown) => boolean

/** The names of class-validator's own rules: each answers at once, and for its value alone. */
const names = new Set<unknown>(
  Object.entries(validator).flatMap(([key, value]) => (key === key.toUpperCase() ? [value] : [])),
)

/**
 * The rules of a class, property by property.
 *
 * @returns nothing if one of them must be left to class-validator
 */
export function rulesOf(type: DtoClass, options: ValidatorOptions): Map<string, PropertyRules> | undefined {
  const storage = getMetadataStorage()
  const { always = false, strictGroups = false, groups } = options
  const all = storage.getTargetValidationMetadatas(type, '', always, strictGroups, groups)
  if (all.length === 0 || !all.every(isOwn)) return undefined
  const grouped = Object.entries(storage.groupByPropertyName(all))
  if (grouped.some(([, metadatas]) => looksInside(metadatas))) return undefined
  return new Map(grouped.map(([name, metadatas]) => [name, new PropertyRules(type, name, metadatas, options)]))
}

/** Whether a rule is one of class-validator's that depends on nothing but the value of its property. */
function isOwn(metadata: Metadata): boolean {
  const { name, propertyName, constraintCls, constraints = [] } = metadata
  const { validateIf } = metadata as { validateIf?: unknown }
  if (validateIf !== undefined || propertyName in Object.prototype) return false
  switch (metadata.type) {
    case kind('WHITELIST'):
    case kind('NESTED_VALIDATION'):
      return true
    case kind('CONDITIONAL_VALIDATION'):
      return name === validator.IS_OPTIONAL
    case kind('IS_DEFINED'):
    case kind('CUSTOM_VALIDATION'):
      return names.has(name) && !constraints.some(isFunction) && constraintOf(constraintCls) !== undefined
    default:
      return false
  }
}

/** Whether a function of the user compares objects before what has no rule is removed from them. */
function looksInside(metadatas: Metadata[]): boolean {
  const isNested = metadatas.some(({ type }) => type === kind('NESTED_VALIDATION'))
  return isNested && metadatas.some(({ name }) => name === validator.ARRAY_UNIQUE)
}

function kind(name: Kind): string {
  return validator.ValidationTypes[name]
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** The code behind a rule, if it is not asynchronous. */
function constraintOf(type: Metadata['constraintCls']): Constraint | undefined {
  const [constraint, ...more] = getMetadataStorage().getTargetValidatorConstraints(type)
  return constraint === undefined || constraint.async || more.length > 0 ? undefined : constraint.instance
}

/** The rules of one property, asked in the order of class-validator. */
export class PropertyRules {
  readonly isNested: boolean
  readonly #conditions: Condition[]
  readonly #presence: Rule[]
  readonly #rules: Rule[]
  readonly #skipUndefined: boolean
  readonly #skipNull: boolean

  constructor(type: DtoClass, property: string, metadatas: Metadata[], options: ValidatorOptions) {
    const { skipMissingProperties, skipUndefinedProperties, skipNullProperties } = options
    const of = (name: Kind): Metadata[] => metadatas.filter(({ type }) => type === kind(name))
    this.isNested = of('NESTED_VALIDATION').length > 0
    this.#conditions = of('CONDITIONAL_VALIDATION').map(({ constraints }) => constraints[0] as Condition)
    this.#presence = of('IS_DEFINED').map(metadata => new Rule(type.name, property, metadata))
    this.#rules = of('CUSTOM_VALIDATION').map(metadata => new Rule(type.name, property, metadata))
    this.#skipUndefined = skipUndefinedProperties === true || skipMissingProperties === true
    this.#skipNull = skipNullProperties === true || skipMissingProperties === true
  }

  /** Whether class-validator would find nothing wrong; `false` may also mean that only it can tell. */
  accept(object: object, value: unknown, acceptNested: AcceptNested): boolean {
    for (const condition of this.#conditions) if (!condition(object, value)) return true
    for (const rule of this.#presence) if (!rule.accepts(object, value)) return false
    if (value === undefined && this.#skipUndefined) return true
    if (value === null && this.#skipNull) return true
    for (const rule of this.#rules) if (!rule.accepts(object, value)) return false
    return !this.isNested || value === undefined || acceptNested(value)
  }
}

/** One rule, as class-validator itself would ask it. */
class Rule {
  readonly #targetName: string
  readonly #property: string
  readonly #constraints: unknown[]
  readonly #each: boolean
  readonly #constraint: Constraint

  constructor(targetName: string, property: string, { constraints, each, constraintCls }: Metadata) {
    this.#targetName = targetName
    this.#property = property
    this.#constraints = constraints
    this.#each = each
    this.#constraint = constraintOf(constraintCls) as Constraint
  }

  accepts(object: object, value: unknown): boolean {
    const given = {
      targetName: this.#targetName,
      property: this.#property,
      object,
      value,
      constraints: this.#constraints,
    }
    if (!this.#each || typeof value !== 'object' || value === null) {
      return this.#constraint.validate(value, given) === true
    }
    // A set or a map may stand there by default; its items are class-validator's affair.
    return Array.isArray(value) && value.every(item => this.#constraint.validate(item, given) === true)
  }
}
