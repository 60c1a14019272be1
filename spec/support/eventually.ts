import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until a number has stopped to change: for what must come to rest, and where. */
export async function untilAtRest(number: () => number): Promise<number> {
  for (let last = Number.NaN, same = 0; ; last = number()) {
    same = number() === last ? same + 1 : 0
    if (same === 10) return last
    await sleep(5)
  }
}

/** What a promise gives, if it gives it in good time; for what must never hang. */
export async function soon<T>(promise: Promise<T>, what: string, limit = 8_000): Promise<T> {
  const late = new AbortController()
  const alarm = sleep(limit, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error(`Waited ${limit} ms in vain: ${what}`)),
    () => promise,
  )
  return Promise.race([promise, alarm]).finally(() => late.abort())
}
