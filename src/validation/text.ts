import { convert } from '../convert.js'
import type { DtoClass } from './dto.js'

/**
 * Prepares the conversion of text to the types of the properties of a DTO. Text that does not convert stays text: the
 * rule of the property then says what it should have been.
 */
export function textReader(type: DtoClass): (dto: object) => void {
  let defaults: Record<string, unknown> | undefined
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
      if ('value' in converted) Object.assign(dto, { [name]: converted.value })
    }
  }
}
