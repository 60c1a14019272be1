import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import { type ReturnsRecord, recordMethod } from '../metadata.js'
import type { Names } from '../sse/known.js'
import { type ValueType, wrongType } from '../value-type.js'
import { methodAt } from './routes.js'

/** What else is to be said of an answer. */
export type ReturnsOptions = Pick<ReturnsRecord, 'status' | 'contentType' | 'description'>

const names: Names<ReturnsOptions> = { status: true, contentType: true, description: true }

/**
 * Declares what a method answers with. Several times for several answers, each with its `status`.
 *
 * A property that a DTO does not declare does not leave. A value of another kind than declared is answered 500. A
 * declaration with a status holds for that status alone.
 *
 * @example
 * ```ts
 * @Get('/:symbol')
 * @Returns(Price)
 * price(@Param('symbol') symbol: string) { … }
 * ```
 * @param declared what the body is, as classes say it: a DTO, `String`, `[Price]`; nothing or `null` for none. Then what
 *   else is to be said
 * @throws {DefinitionError} for a body that is no class, a status that is none from 200 to 599, or an option that there is
 *   none of
 */
export function Returns(...declared: [] | [body: ValueType | null, options?: ReturnsOptions]): MethodDecorator {
  const [body = declared.length === 0 ? null : undefined, options = {}] = declared
  return (target, name, descriptor) => {
    const [owner, method] = methodAt('@Returns', target, name, descriptor)
    const where = `${target.constructor.name}.${method}`
    const wrong = body === null ? undefined : wrongType(body)
    if (wrong !== undefined) throw new DefinitionError(where, `the body of @Returns ${wrong}`)
    checkNames(`${where}, @Returns`, options, names)
    const { status } = options
    if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
      throw new DefinitionError(where, `the status ${status} of @Returns is none from 200 to 599`)
    }
    const record: ReturnsRecord = { ...options, ...(body ? { body } : {}) }
    const noted = recordMethod(owner, method)
    // Decorators run from the bottom to the top.
    noted.returns = [record, ...(noted.returns ?? [])]
  }
}
