import { plainToInstance } from 'class-transformer'
import { getMetadataStorage, type ValidationError, type ValidatorOptions, validate } from 'class-validator'
import { convert } from './convert.js'
import { InvalidRequestError, type Issue, type RequestPart } from './errors.js'

export type DtoClass = new () => object

/** How DTOs are checked, beyond their own rules: class-validator's options. */
export type ValidationOptions = Omit<ValidatorOptions, 'stopAtFirstError' | 'validationError'>

const defaults: ValidatorOptions = { whitelist: true, validationError: { target: false, value: false } }

/** Whether a class, or one that it extends, has rules of class-validator. */
export function hasRules(type: DtoClass): boolean {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false).length > 0
}

/**
 * Makes a DTO of a plain value and checks it.
 *
 * Properties that the class has no rule for are removed, unless the options say `whitelist: false`. Text from the path
 * or the query is first converted to the type of its property.
 *
 * @throws {InvalidRequestError} with every violated constraint of every property
 */
export async function check(
  part: RequestPart,
  type: DtoClass,
  value: unknown,
  options: ValidationOptions = {},
): Promise<object> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const detail = value === undefined ? `The ${part} is missing` : `The ${part} is not an object`
    throw new InvalidRequestError([{ in: part, property: '', constraint: 'object', detail }])
  }
  const plain = part === 'body' ? value : withTypes(value, type)
  const dto = plainToInstance(type, plain, { exposeDefaultValues: true })
  const errors = await validate(dto, { ...defaults, ...options })
  if (errors.length > 0) throw new InvalidRequestError(issuesOf(part, errors))
  return dto
}

/** Text that does not convert stays text: the rule of the property then says what it should have been. */
function withTypes(value: object, type: DtoClass): object {
  const typed: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(value)) {
    const converted = convert(given, Reflect.getMetadata('design:type', type.prototype, name))
    typed[name] = 'value' in converted ? converted.value : given
  }
  return typed
}

function issuesOf(part: RequestPart, errors: ValidationError[], path = ''): Issue[] {
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
