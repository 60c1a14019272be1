import { convert } from '../convert.js'
import { DefinitionError, type RequestPart } from '../errors.js'
import { Checker } from './checker.js'
import { dtoOf } from './dto.js'
import { invalid } from './issues.js'
import { checkList, scalarItems } from './list.js'
import { checkNested } from './nested.js'
import type { ValidationOptions } from './options.js'

/** What is declared of a value. */
export interface Declared {
  readonly name?: string
  readonly required?: boolean
  readonly items?: unknown
  readonly validate?: ValidationOptions | false
}

/** Makes an argument of a value, or a promise of one; throws an `InvalidRequestError`. */
export type ValueCheck = (value: unknown, name: string, isText: boolean) => unknown

/**
 * Prepares, at boot, how a value of a request becomes an argument: converted to its type, checked as a DTO or as an array
 * of them, or as it is.
 *
 * @param isJson whether all values come as JSON
 * @throws {DefinitionError} for a DTO without rules, or for items of what is no array
 */
export function valueCheck(
  where: string,
  part: RequestPart,
  { name, required = false, items, validate }: Declared,
  type: unknown,
  options: ValidationOptions,
  isJson = false,
): ValueCheck {
  if (validate === false) return (value, at) => given(part, at, value, required)
  const check = checkOf(where, part, items, type, { ...options, ...validate }, isJson)
  if (check === undefined) {
    // All parameters of the query, say, are what they are.
    if (name === undefined && part !== 'body') return value => value
    return (value, at) => typed(part, at, value, type, required)
  }
  if (name === undefined) return check
  return (value, at, isText) => (value === undefined && !required ? undefined : check(value, at, isText))
}

function checkOf(
  where: string,
  part: RequestPart,
  items: unknown,
  type: unknown,
  options: ValidationOptions,
  isJson: boolean,
): ValueCheck | undefined {
  if (items !== undefined && type !== Array) {
    throw new DefinitionError(where, 'the option items is for an array: declare the parameter as one')
  }
  const dto = dtoOf(where, items ?? type)
  if (dto) checkNested(where, dto, isJson)
  const checker = dto && new Checker(part, dto, options)
  if (items === undefined) return checker && ((value, name, isText) => checker.check(value, name, isText))
  const check = checker ?? scalarItems(part, items)
  if (check === undefined) {
    throw new DefinitionError(where, 'the option items is a DTO class, String, Number, Boolean, BigInt or Date')
  }
  return (value, name, isText) => checkList(part, check, value, name, isText)
}

function given(part: RequestPart, name: string, value: unknown, required: boolean): unknown {
  if (value === undefined && required) throw invalid(part, name, 'required', 'is missing')
  return value
}

function typed(part: RequestPart, name: string, value: unknown, type: unknown, required: boolean): unknown {
  if (value === undefined || (value === null && part === 'body')) {
    if (!required) return value ?? undefined
    throw invalid(part, name, 'required', 'is missing')
  }
  if (part === 'body' && type === Array && !Array.isArray(value)) throw invalid(part, name, 'array', 'is not an array')
  const converted = convert(value, type)
  if ('value' in converted) return converted.value
  throw invalid(part, name, (type as { name: string }).name.toLowerCase(), `is not ${converted.expected}`)
}
