import { plainToInstance } from 'class-transformer'
import { getMetadataStorage, type ValidationError, type ValidatorOptions, validate } from 'class-validator'
import { convert } from './convert.js'
import { DefinitionError, InvalidRequestError, type Issue, type RequestPart } from './errors.js'

export type DtoClass = new () => object

/** How DTOs are checked, beyond their own rules: class-validator's options. */
export type ValidationOptions = Omit<ValidatorOptions, 'stopAtFirstError' | 'validationError'>

const defaults: ValidatorOptions = { whitelist: true }

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
    `its type ${type.name} has no rules, so that nothing would be checked. Give its properties decorators of class-validator, or declare an interface in its place to take the value unchecked`,
  )
}

/** Whether a class, or one that it extends, has rules of class-validator. */
function hasRules(type: DtoClass): boolean {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0
}

function isNative(type: object): boolean {
  return /\[native code\]\s*\}$/.test(Function.prototype.toString.call(type)) || type === Buffer
}

/**
 * Makes a DTO of a plain value and checks it.
 *
 * Properties that the class has no rule for are removed, unless the options say `whitelist: false`. Text from outside
 * the body is converted to the type of its property, where class-transformer's decorators left it text.
 *
 * @param name the name of the value within its part; empty for the whole part
 * @throws {InvalidRequestError} with every violated constraint of every property
 */
export async function check(
  part: RequestPart,
  name: string,
  type: DtoClass,
  value: unknown,
  options: ValidationOptions = {},
): Promise<object> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(part, name, 'object', value === undefined ? 'is missing' : 'is not an object')
  }
  const dto = plainToInstance(type, value)
  if (part !== 'body') giveTypes(dto, type)
  const errors = await validate(dto, { ...defaults, ...options })
  if (errors.length > 0) throw new InvalidRequestError(issuesOf(part, errors, name))
  return dto
}

/** The error of a request with one thing wrong, named: a value, or without a name the whole part. */
export function invalid(part: RequestPart, name: string, constraint: string, what: string): InvalidRequestError {
  const detail = `${subjectOf(part, name)} ${what}`
  return new InvalidRequestError([{ in: part, property: name, constraint, detail }])
}

function subjectOf(part: RequestPart, name: string): string {
  if (name === '') return `The ${part}`
  if (part === 'body') return `The property "${name}" of the body`
  return part === 'path' || part === 'query' ? `The ${part} parameter "${name}"` : `The ${part} "${name}"`
}

/** Text that does not convert stays text: the rule of the property then says what it should have been. */
function giveTypes(dto: object, type: DtoClass): void {
  const blank = new type() as Record<string, unknown>
  for (const [name, given] of Object.entries(dto)) {
    if (given === undefined || given === null) continue
    const declared = Reflect.getMetadata('design:type', type.prototype, name)
    // The compiler keeps no type of `page = 1`: the default value tells it.
    const converted = convert(given, declared === Object ? blank[name]?.constructor : declared)
    if ('value' in converted) Object.assign(dto, { [name]: converted.value })
  }
}

function issuesOf(part: RequestPart, errors: ValidationError[], path: string): Issue[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const here = path === '' ? property : `${path}.${property}`
    const own = Object.entries(constraints).map(([constraint, detail]) => ({
      in: part,
      property: here,
      constraint,
      detail,
    }))
    return [...own, ...issuesOf(part, children, here)]
  })
}
