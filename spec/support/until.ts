import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a condition; fails when it has not come true in good time. */
export async function until(
  condition: () => boolean,
  what: string | (() => string) = String(condition),
): Promise<void> {
  const deadline = Date.now() + 8_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for: ${typeof what === 'string' ? what : what()}`)
    await sleep(1)
  }
}

/** Lets the event loop turn. */
export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise(resolve => setImmediate(resolve))
}

/** Waits until a number grows no more, for a while. */
export async function settles(number: () => number): Promise<number> {
  let [last, since] = [number(), Date.now()]
  await until(() => {
    if (number() !== last || last === 0) [last, since] = [number(), Date.now()]
    return Date.now() - since > 40
  }, 'a number that grows no more')
  return last
}
