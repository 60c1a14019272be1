/** When those come back that were sent away: not at once, and not all at once. In milliseconds. */
const LEAST = 1_000
const SPREAD = 4_000

/**
 * A reconnection time of its own for each client: 1 to 5 seconds.
 *
 * @param after milliseconds in which coming back is in vain
 */
export function comeBack(after = 0): number {
  return Math.round(after + LEAST + Math.random() * SPREAD)
}
