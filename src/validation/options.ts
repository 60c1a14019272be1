import type { ValidatorOptions } from 'class-validator'

/** How DTOs are checked, beyond their own rules: class-validator's options. */
export type ValidationOptions = Omit<ValidatorOptions, 'stopAtFirstError' | 'validationError'>

/** Options as class-validator takes them: properties without a rule are removed, unless they say `whitelist: false`. */
export function withDefaults(options: ValidationOptions): ValidatorOptions {
  return { whitelist: true, ...options }
}
