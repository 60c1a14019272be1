import type { ValidatorOptions } from 'class-validator'
import type { Names } from '../sse/known.js'

/** How DTOs are checked, beyond their own rules: class-validator's options. */
export type ValidationOptions = Omit<ValidatorOptions, 'stopAtFirstError' | 'validationError'>

export const validationNames: Names<ValidationOptions> = {
  enableDebugMessages: true,
  skipUndefinedProperties: true,
  skipNullProperties: true,
  skipMissingProperties: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  groups: true,
  always: true,
  strictGroups: true,
  dismissDefaultMessages: true,
  forbidUnknownValues: true,
}

/** Options as class-validator takes them: properties without a rule are removed, unless they say `whitelist: false`. */
export function withDefaults(options: ValidationOptions): ValidatorOptions {
  return { whitelist: true, ...options }
}
