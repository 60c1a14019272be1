import { plainToInstance } from 'class-transformer'
import { type ValidatorOptions, validate } from 'class-validator'
import { InvalidRequestError, type RequestPart } from '../errors.js'
import type { DtoClass } from './dto.js'
import { invalid, issuesOf } from './issues.js'
import { type ValidationOptions, withDefaults } from './options.js'
import { inheritedKey, isTooDeep, unsure } from './plain.js'
import { shapeOf } from './shape.js'
import { textReader } from './text.js'

/** Makes a DTO of a plain value, at once where that is possible. */
export type Checker = (value: unknown, isText: boolean) => object | Promise<object>

interface Check {
  readonly part: RequestPart
  readonly name: string
  readonly type: DtoClass
  readonly options: ValidatorOptions
  readonly readText: (dto: object) => void
}

/**
 * Prepares, at boot, how a DTO is made of a plain value and checked.
 *
 * Properties that the class has no rule for are removed, unless the options say `whitelist: false`. Where all is text,
 * outside JSON, it is converted to the types of the properties, where class-transformer's decorators left it text.
 *
 * The checker throws an `InvalidRequestError` with every violated constraint of every property.
 *
 * @param name the name of the value within its part; empty for the whole part
 */
export function checker(part: RequestPart, name: string, type: DtoClass, given: ValidationOptions): Checker {
  const options = withDefaults(given)
  const readText = textReader(type)
  const shape = shapeOf(type, options)
  const check: Check = { part, name, type, options, readText }
  return (value, isText) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid(part, name, 'object', value === undefined ? 'is missing' : 'is not an object')
    }
    const dto = shape ? shape.read(value, 0) : unsure
    if (dto !== unsure) {
      if (isText) readText(dto as object)
      if (shape?.accepts(dto as object)) return dto as object
    }
    return judge(check, value, isText)
  }
}

/** Leaves everything to class-transformer and class-validator. */
async function judge({ part, name, type, options, readText }: Check, value: object, isText: boolean): Promise<object> {
  if (isTooDeep(value)) throw invalid(part, name, 'depth', 'is nested too deeply')
  const dto = transform(part, name, type, value)
  if (isText) readText(dto)
  const errors = await validate(dto, options)
  if (errors.length > 0) throw new InvalidRequestError(issuesOf(part, errors, name))
  return dto
}

/** class-transformer calls what is behind a key that every object has, whatever the client put there. */
function transform(part: RequestPart, name: string, type: DtoClass, value: object): object {
  try {
    return plainToInstance(type, value)
  } catch (error) {
    const key = inheritedKey(value)
    if (key === undefined) throw error
    throw invalid(part, name, 'object', `has a property that every object has: ${key}`)
  }
}
