import { DefinitionError } from './errors.js'
import { unknownName } from './sse/known.js'

/**
 * Refuses what are no options, and options that nobody reads.
 *
 * @param where who takes them, for the message: `createApp(), option tickets`
 * @param known an object with the name of every option
 * @throws {DefinitionError}
 */
export function checkNames(where: string, options: unknown, known: object): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new DefinitionError(where, `takes an object with ${Object.keys(known).join(', ')}; not ${kindOf(options)}`)
  }
  const unknown = unknownName(options, known)
  if (unknown) throw new DefinitionError(where, `knows ${unknown}`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value === undefined || value === null) return String(value)
  return `a ${typeof value}`
}
