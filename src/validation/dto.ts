import { getMetadataStorage } from 'class-validator'
import { DefinitionError } from '../errors.js'

export type DtoClass = new () => object

/**
 * The DTO class behind the type of a parameter: a class of the user's. What the language brings, and Buffer, is none.
 *
 * @throws {DefinitionError} for a class without rules
 */
export function dtoOf(where: string, type: unknown): DtoClass | undefined {
  // swc gives the object of an enum for its type.
  if (typeof type !== 'function' || isNative(type)) return undefined
  if (hasRules(type as DtoClass)) return type as DtoClass
  throw new DefinitionError(
    where,
    `its type ${type.name} has no rules, so that nothing would be checked. Give its properties decorators of class-validator, or say { validate: false } to take the value unchecked`,
  )
}

/** Whether a class, or one that it extends, has rules of class-validator. */
function hasRules(type: DtoClass): boolean {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0
}

/** Whether a class is not the user's: the language brings it, or Node.js. */
export function isNative(type: object): boolean {
  return /\[native code\]\s*\}$/.test(Function.prototype.toString.call(type)) || type === Buffer
}
