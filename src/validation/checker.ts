import { plainToInstance } from 'class-transformer'
import { type ValidationError, type ValidatorOptions, validate } from 'class-validator'
import { InvalidRequestError, type RequestPart } from '../errors.js'
import type { DtoClass } from './dto.js'
import { checkExcess, firstOf, invalid, issuesOf } from './issues.js'
import { mistypedIn } from './kinds.js'
import { type ValidationOptions, withDefaults } from './options.js'
import { inheritedKey, unsure } from './plain.js'
import { type Shape, shapeOf } from './shape.js'
import { textReader } from './text.js'

/**
 * Makes DTOs of plain values and checks them; prepared at boot.
 *
 * Properties that the class has no rule for are removed, unless the options say `whitelist: false`. Where all is text,
 * outside JSON, it is converted to the types of the properties, where class-transformer's decorators left it text.
 */
export class Checker {
  readonly #part: RequestPart
  readonly #type: DtoClass
  readonly #options: ValidatorOptions
  readonly #readText: (dto: object) => void
  readonly #shape: Shape | undefined

  constructor(part: RequestPart, type: DtoClass, options: ValidationOptions) {
    this.#part = part
    this.#type = type
    this.#options = withDefaults(options)
    this.#readText = textReader(type)
    this.#shape = shapeOf(type, this.#options)
  }

  /**
   * Makes a DTO, at once where that is possible.
   *
   * @param name the name of the value within its part; empty for the whole part
   * @throws {InvalidRequestError} with every violated constraint of every property, a hundred at most
   */
  check(value: unknown, name: string, isText: boolean): unknown {
    const dto = this.take(value, isText)
    return dto === unsure ? this.judge(value, name, isText) : dto
  }

  /** Makes a DTO of a value that follows the rules; is `unsure` of another, and of what class-validator must judge. */
  take(value: unknown, isText: boolean): unknown {
    if (this.#shape === undefined || !isObject(value)) return unsure
    const dto = this.#shape.read(value, 0)
    if (dto === unsure) return unsure
    if (isText) this.#readText(dto as object)
    return this.#shape.accepts(dto as object) ? dto : unsure
  }

  /** Leaves everything to class-transformer and class-validator. */
  async judge(value: unknown, name: string, isText: boolean): Promise<object> {
    if (!isObject(value)) {
      throw invalid(this.#part, name, 'object', value === undefined ? 'is missing' : 'is not an object')
    }
    checkExcess(this.#part, name, value)
    const dto = this.#transform(value, name)
    if (isText) this.#readText(dto)
    const found = await validate(dto, this.#options)
    const errors = this.#part === 'query' && name === '' ? found.filter(error => !isOwn(dto, error)) : found
    if (errors.length > 0) throw new InvalidRequestError(issuesOf(this.#part, errors, name))
    const mistyped = firstOf(mistypedIn(this.#part, dto, name))
    if (mistyped.length > 0) throw new InvalidRequestError(mistyped)
    return dto
  }

  /** class-transformer calls what is behind a key that every object has, whatever the client put there. */
  #transform(value: object, name: string): object {
    try {
      return plainToInstance(this.#type, value)
    } catch (error) {
      const key = inheritedKey(value)
      if (key === undefined) throw error
      throw invalid(this.#part, name, 'object', `has a property that every object has: ${key}`)
    }
  }
}

/** What the framework itself reads of a query: known, though no DTO declares it. */
const OWN = ['lastEventId', 'ticket']

/** Whether an unknown property of a query is one that the framework reads; the DTO is rid of it then. */
function isOwn(dto: object, { property, constraints = {} }: ValidationError): boolean {
  if (!OWN.includes(property) || !('whitelistValidation' in constraints)) return false
  Reflect.deleteProperty(dto, property)
  return true
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
