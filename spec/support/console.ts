/** What was said on the console while it was listened to. */
export interface Overheard {
  readonly errors: unknown[][]
  readonly warnings: unknown[][]
  /** Gives the console back. */
  restore(): void
}

/** Listens to `console.error` and `console.warn`, and keeps them from the terminal. */
export function overhear(): Overheard {
  const { error, warn } = console
  const errors: unknown[][] = []
  const warnings: unknown[][] = []
  console.error = (...words: unknown[]) => errors.push(words)
  console.warn = (...words: unknown[]) => warnings.push(words)
  return { errors, warnings, restore: () => Object.assign(console, { error, warn }) }
}
