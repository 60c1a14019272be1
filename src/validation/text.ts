import * as validator from 'class-validator'
import { getMetadataStorage } from 'class-validator'
import { convert } from '../convert.js'
import type { DtoClass } from './dto.js'

/**
 * Prepares the conversion of text to the types of the properties of a DTO. Text that does not convert stays text: the
 * rule of the property then says what it should have been.
 */
export function textReader(type: DtoClass): (dto: object) => void {
  let defaults: Record<string, unknown> | undefined
  const items = itemTypes(type)
  return dto => {
    for (const [name, given] of Object.entries(dto)) {
      if (given === undefined || given === null) continue
      let declared = Reflect.getMetadata('design:type', type.prototype, name)
      // The compiler keeps no type of `page = 1`: the default value tells it.
      if (declared === Object) {
        defaults ??= new type() as Record<string, unknown>
        declared = defaults[name]?.constructor
      }
      const converted = convert(given, declared)
      if (!('value' in converted)) continue
      const { value } = converted
      const item = declared === Array ? items.get(name) : undefined
      Object.assign(dto, { [name]: item === undefined ? value : (value as unknown[]).map(one => itemOf(one, item)) })
    }
  }
}

function itemOf(text: unknown, type: unknown): unknown {
  const converted = convert(text, type)
  return 'value' in converted ? converted.value : text
}

/** The rules that no text would fulfil, for which the compiler keeps no type where they stand for each item. */
const ruled: readonly [type: unknown, names: readonly string[]][] = [
  [
    Number,
    [
      validator.IS_INT,
      validator.IS_NUMBER,
      validator.IS_POSITIVE,
      validator.IS_NEGATIVE,
      validator.IS_DIVISIBLE_BY,
      validator.MIN,
      validator.MAX,
    ],
  ],
  [Boolean, [validator.IS_BOOLEAN]],
  [Date, [validator.IS_DATE, validator.MIN_DATE, validator.MAX_DATE]],
]

/** The types of the items of arrays, as far as a rule for each of them tells. */
function itemTypes(type: DtoClass): Map<string, unknown> {
  const types = new Map<string, unknown>()
  for (const { propertyName, name, each } of getMetadataStorage().getTargetValidationMetadatas(type, '', true, false)) {
    const [item] = ruled.find(([, names]) => names.includes(name as string)) ?? []
    if (each && item !== undefined) types.set(propertyName, item)
  }
  return types
}
