import { getMetadataStorage } from 'class-validator'
import type { DtoClass } from '../validation/dto.js'
import type { ValidationOptions } from '../validation/options.js'
import { storage } from '../validation/storage.js'

/** One rule of class-validator. */
export interface Rule {
  /** `isString`, `min`; empty for a rule of the user's own. */
  readonly name: string
  readonly constraints: readonly unknown[]
  /** Whether it is for the items of an array. */
  readonly each: boolean
}

/** What is known of a property of a DTO. */
export interface Property {
  /** Its name in the class. */
  readonly key: string
  /** Its name on the wire. */
  readonly name: string
  /** The class behind it or, for an array, behind its items: by `@Type`, else by the compiler. */
  readonly type: unknown
  /** Whether it is an array, by the compiler. */
  readonly array: boolean
  /** The classes that it may be, by the value of a property of theirs. */
  readonly variants: Variants | undefined
  /** `@ValidateNested`: of the value, or of its items. */
  readonly nested: boolean
  readonly rules: readonly Rule[]
  /** Whether a DTO without it is good. */
  readonly optional: boolean
  readonly nullable: boolean
  /** What it is where nothing was given. */
  readonly initial: unknown
}

export interface Variants {
  readonly property: string
  readonly classes: readonly { readonly name: string; readonly type: DtoClass }[]
}

/** Rules that a missing value does not break. */
const CONTENT = new Set(['isNotIn', 'notEquals', 'isEmpty'])

/** What class-validator, class-transformer and the compiler know of the properties of a DTO, and of those it inherits. */
export function propertiesOf(type: DtoClass, options: ValidationOptions = {}): Property[] {
  const { always = false, strictGroups = false, groups = [] } = options
  const notes = getMetadataStorage().getTargetValidationMetadatas(type, '', always, strictGroups, groups)
  const initial = initialOf(type)
  const keys = [...new Set(notes.map(({ propertyName }) => propertyName))].filter(key => isRead(type, key))
  return keys.map(key => {
    const own = notes.filter(({ propertyName }) => propertyName === key)
    const has = (kind: string) => own.some(note => note.type === kind)
    const rules = own.filter(note => note.type === 'customValidation').map(ruleOf)
    const asked = has('isDefined') || rules.some(rule => !CONTENT.has(rule.name))
    const conditional = has('conditionalValidation')
    const spared = !has('isDefined') && (options.skipMissingProperties ?? false)
    return {
      key,
      name: storage()?.findExposeMetadata(type, key)?.options.name ?? key,
      ...typeOf(type, key, initial[key]),
      nested: has('nestedValidation'),
      rules,
      optional:
        conditional || !asked || spared || options.skipUndefinedProperties === true || initial[key] !== undefined,
      nullable:
        own.some(({ name }) => name === 'isOptional') || !asked || spared || options.skipNullProperties === true,
      initial: initial[key],
    }
  })
}

/** Whether class-transformer lets the property in. */
function isRead(type: DtoClass, key: string): boolean {
  const notes = storage()
  const excluded = notes?.findExcludeMetadata(type, key)
  if (excluded) return excluded.options.toPlainOnly === true
  return notes?.getStrategy(type) !== 'excludeAll' || notes.findExposeMetadata(type, key) !== undefined
}

function ruleOf({
  name = '',
  constraints,
  each,
}: {
  name?: string | undefined
  constraints?: unknown[]
  each: boolean
}): Rule {
  return { name, constraints: constraints ?? [], each: each === true }
}

function typeOf(type: DtoClass, key: string, initial: unknown): Pick<Property, 'type' | 'array' | 'variants'> {
  const kept: unknown = Reflect.getMetadata('design:type', type.prototype, key)
  // The compiler keeps no type of `page = 1`: the value tells it.
  const declared = kept === Object ? (initial?.constructor ?? Object) : kept
  const note = storage()?.findTypeMetadata(type, key)
  const discriminator = note?.options?.discriminator
  return {
    type: note?.typeFunction?.() ?? (declared === Array ? undefined : declared),
    array: declared === Array,
    variants: discriminator && {
      property: discriminator.property,
      classes: discriminator.subTypes.map(({ name, value }) => ({ name, type: value })),
    },
  }
}

/** The values that properties begin with: `page = 1`. */
function initialOf(type: DtoClass): Record<string, unknown> {
  try {
    return { ...new type() }
  } catch {
    return {}
  }
}
