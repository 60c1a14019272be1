/** A promise that somebody else settles. */
export interface Latch<T> {
  readonly promise: Promise<T>
  open(value: T): void
  fail(error: unknown): void
}

export function latch<T = void>(): Latch<T> {
  let [open, fail] = [(_: T): void => {}, (_: unknown): void => {}]
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open: value => open(value), fail: error => fail(error) }
}
