import { type DocOptions, recordDoc } from '../docs.js'
import { DefinitionError } from '../errors.js'

/**
 * Says in documents what code cannot: of a controller, a method, a DTO class, or a property of one.
 *
 * @example
 * ```ts
 * @Doc({ summary: 'The price of a share', deprecated: true })
 * @Get('/:symbol')
 * price(@Param('symbol') symbol: string): Price { … }
 * ```
 * @throws {DefinitionError} where it stands on what is static, or has no name but a symbol
 */
export function Doc(doc: DocOptions): ClassDecorator & MethodDecorator & PropertyDecorator {
  return (target: object, name?: string | symbol) => {
    if (name === undefined) {
      recordDoc(target, undefined, doc)
      return
    }
    if (typeof target === 'function' || typeof name === 'symbol') {
      const owner = typeof target === 'function' ? target.name : target.constructor.name
      throw new DefinitionError(
        `${owner}.${String(name)}`,
        '@Doc stands on a class, or on a method or property of its instances',
      )
    }
    recordDoc(target.constructor, name, doc)
  }
}
