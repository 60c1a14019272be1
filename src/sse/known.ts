/** The names of options, each of them once: the compiler sees to it that none is left out. */
export type Names<Options> = { readonly [Name in keyof Options]-?: true }

/**
 * Says what is wrong with the names of options: an option that nobody reads would change nothing, and nobody would be
 * told.
 *
 * @returns `no pingIntervall: is it pingInterval?`; nothing if all of them are known
 */
export function unknownName(options: object, known: object): string | undefined {
  const unknown = Object.keys(options).find(name => !Object.hasOwn(known, name))
  if (unknown === undefined) return undefined
  const names = Object.keys(known)
  const [near] = names.toSorted((one, other) => distance(unknown, one) - distance(unknown, other)) as [string]
  return distance(unknown, near) * 2 <= unknown.length
    ? `no ${unknown}: is it ${near}?`
    : `no ${unknown}, but ${names.join(', ')}`
}

/** How many letters have to be put in, taken out or changed to make one word of another, in whatever case (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [done, letter] of [...from.toLowerCase()].entries()) {
    const next = [done + 1]
    for (const [index, other] of [...to.toLowerCase()].entries()) {
      const changed = (row[index] as number) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (row[index + 1] as number) + 1, (next[index] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
