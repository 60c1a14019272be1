import { DefinitionError } from './errors.js'

/** The longest time that a timer of Node knows, and a reconnection time may be: 24 days. */
export const LONGEST = 2 ** 31 - 1

/**
 * Refuses what is no time for a timer: one that is too long would go off at once.
 *
 * @param where who takes it, for the message: `option signals`
 * @param value `undefined` is let pass
 * @throws {DefinitionError}
 */
export function checkMilliseconds(where: string, name: string, value: unknown): void {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LONGEST)) return
  throw new DefinitionError(where, `${name} is a whole number of milliseconds, not ${String(value)}`)
}
