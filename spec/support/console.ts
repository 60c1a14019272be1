/** What was said on the console. */
export interface Overheard {
  readonly errors: unknown[][]
  readonly warnings: unknown[][]
}

/** Listens to `console.error` and `console.warn` while something runs, and keeps them from the terminal. */
export async function overhear(run: () => Promise<unknown>): Promise<Overheard> {
  const { error, warn } = console
  const heard = { errors: [] as unknown[][], warnings: [] as unknown[][] }
  console.error = (...words: unknown[]) => heard.errors.push(words)
  console.warn = (...words: unknown[]) => heard.warnings.push(words)
  try {
    await run()
  } finally {
    Object.assign(console, { error, warn })
  }
  return heard
}
