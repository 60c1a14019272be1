import { getMetadataStorage, ValidationTypes } from 'class-validator'
import { DefinitionError } from '../errors.js'
import type { DtoClass } from './dto.js'
import { storage } from './storage.js'
import { isPlainlyMade } from './types.js'

/**
 * Refuses a DTO class, or one within it, with a property that no request could fill: `@ValidateNested()` asks for
 * instances of a class, and JSON has no dates; without `@Type()` nobody makes any. A class that class-transformer changes
 * otherwise is left alone: its instances may come from there.
 *
 * @param isJson whether all values come as JSON; text is made a date elsewhere
 * @throws {DefinitionError} that names the property
 */
export function checkNested(where: string, type: DtoClass, isJson: boolean, seen = new Set<DtoClass>()): void {
  const notes = storage()
  if (notes === undefined || seen.has(type) || !isPlainlyMade(type)) return
  seen.add(type)
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)
  for (const { propertyName, type: rule, each } of rules) {
    const { typeFunction } = notes.findTypeMetadata(type, propertyName) ?? {}
    const declared: unknown = Reflect.getMetadata('design:type', type.prototype, propertyName)
    if (isJson && declared === Date && typeFunction === undefined) {
      throw new DefinitionError(
        where,
        `${type.name}.${propertyName} is a Date, and JSON has none, so that nothing would be valid: add @Type(() => Date)`,
      )
    }
    if (rule !== ValidationTypes.NESTED_VALIDATION) continue
    if (typeFunction === undefined) {
      const nested = declared as { name: string } | undefined
      const name = each || nested === undefined || nested === Object || nested === Array ? 'Item' : nested.name
      throw new DefinitionError(
        where,
        `${type.name}.${propertyName} has @ValidateNested() without a type, so that nothing would be valid: add @Type(() => ${name})`,
      )
    }
    const nested = typeFunction.length === 0 ? typeFunction() : undefined
    if (typeof nested === 'function') checkNested(where, nested as DtoClass, isJson, seen)
  }
}
