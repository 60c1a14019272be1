// What all servers of the benchmarks do, however they send it.

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

/** N small messages, the shape of a token stream; with `ms`, one each so many milliseconds. */
export async function* tokens(n, ms = 0) {
  for (let i = 0; i < n; i++) {
    if (ms > 0) await sleep(ms)
    yield { i, t: 'hello' }
  }
}

/**
 * Calls `send` with `count` payloads: all in one loop (`rate` 0), one in each turn of the event loop (below 0), or so
 * many a second.
 */
export function publish({ count, size, rate }, send) {
  let sent = 0
  const next = () => send(payload(sent++, size))
  const start = Date.now()
  const paced = () => {
    next()
    if (sent < count) setTimeout(paced, Math.max(0, start + (sent * 1000) / rate - Date.now()))
  }
  const eachTurn = () => {
    next()
    if (sent < count) setImmediate(eachTurn)
  }
  if (rate > 0) paced()
  else if (rate < 0) setImmediate(eachTurn)
  else while (sent < count) next()
}

/** `<ns> <sequence> xxxx`, of exactly this size: what the load takes latency and order from. */
function payload(sequence, size) {
  return `${process.hrtime.bigint()} ${sequence} `.padEnd(size, 'x')
}

/** The memory that is left when the garbage is out. */
export function memory() {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage()
}

/** The numbers in the query of a URL, by name. */
export function numbersOf(url) {
  const { searchParams } = new URL(url, 'http://localhost')
  return Object.fromEntries([...searchParams].map(([name, value]) => [name, Number(value)]))
}
