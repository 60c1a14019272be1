import { plainToInstance } from 'class-transformer'
import { validateSync } from 'class-validator'
import type { DtoClass } from './dto.js'
import { issuesOf } from './issues.js'
import { type ValidationOptions, withDefaults } from './options.js'

/** What is wrong with a value that is to leave, by the rules of a DTO, one sentence each. Rules that wait are not asked. */
export function faultsOf(type: DtoClass, value: unknown, options: ValidationOptions): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['it is not an object']
  const errors = validateSync(plainToInstance(type, value), withDefaults(options))
  return issuesOf('body', errors, '').map(({ detail }) => detail)
}
