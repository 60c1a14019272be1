import { type DocOptions, recordDoc } from '../docs.js'
import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import type { Names } from '../sse/known.js'

const names: Names<DocOptions> = {
  summary: true,
  description: true,
  deprecated: true,
  tags: true,
  operationId: true,
  security: true,
  examples: true,
  hidden: true,
}

/**
 * Says in documents what code cannot: of a controller, a method, a DTO class, or a property of one.
 *
 * @example
 * ```ts
 * @Doc({ summary: 'The price of a share', deprecated: true })
 * @Get('/:symbol')
 * price(@Param('symbol') symbol: string): Price { … }
 * ```
 * @throws {DefinitionError} where it stands on what is static, or has no name but a symbol; for an option that there is none of
 */
export function Doc(doc: DocOptions): ClassDecorator & MethodDecorator & PropertyDecorator {
  return (target: object, name?: string | symbol) => {
    const owner = typeof target === 'function' ? target.name : target.constructor.name
    const where = name === undefined ? owner : `${owner}.${String(name)}`
    checkNames(`${where}, @Doc`, doc, names)
    if (name === undefined) {
      recordDoc(target, undefined, doc)
      return
    }
    if (typeof target === 'function' || typeof name === 'symbol') {
      throw new DefinitionError(where, '@Doc stands on a class, or on a method or property of its instances')
    }
    recordDoc(target.constructor, name, doc)
  }
}
