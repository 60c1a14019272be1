/** When clients come back that were sent away because they lag: not all at once. In milliseconds. */
const LEAST = 1_000
const SPREAD = 4_000

/** A reconnection time of its own for each client. */
export function comeBack(): number {
  return Math.round(LEAST + Math.random() * SPREAD)
}
