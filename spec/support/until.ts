import { setTimeout } from 'node:timers/promises'

/** Waits until a condition holds; fails when it does not within five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Not within five seconds: ${condition}`)
    await setTimeout(2)
  }
}
