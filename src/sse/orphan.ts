/** A generator that outlives its client: it waits for something and does not heed the signal. */
export interface Orphan {
  readonly name: string
  /** Milliseconds since the stream began. */
  readonly age: number
  /** Fulfilled when it ends after all. */
  readonly ended: Promise<void>
}

/**
 * Watches what was told to end, and calls back if it has not after the time.
 *
 * @param settled fulfilled when it has ended; it must not reject
 * @param timeout milliseconds; the wait does not keep the process alive
 */
export function watchOrphan(
  settled: PromiseLike<void>,
  timeout: number,
  onOrphan: (ended: Promise<void>) => void,
): void {
  const timer = setTimeout(() => onOrphan(Promise.resolve(settled)), timeout).unref()
  settled.then(() => clearTimeout(timer))
}
