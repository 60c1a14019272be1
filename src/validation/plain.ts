/** What a reader gives for a value that it does not understand as class-transformer would. */
export const unsure = Symbol('unsure')

/** How many objects and arrays may stand within each other in a value that is checked. */
export const DEEPEST = 100

/**
 * Copies a value that no `@Type()` speaks of, as class-transformer does; or is unsure, of what is no plain value and of
 * keys that every object has.
 */
export function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return copyItems(value, depth + 1, copy)
  if (depth >= DEEPEST) return unsure
  if (Object.getPrototypeOf(value) !== Object.prototype) return unsure
  const copied: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    if (key in Object.prototype) return unsure
    const item = copy((value as Record<string, unknown>)[key], depth + 1)
    if (item === unsure) return unsure
    copied[key] = item
  }
  return copied
}

/** Copies an array, item by item. */
export function copyItems(items: unknown[], depth: number, read: typeof copy): unknown {
  if (depth > DEEPEST) return unsure
  const copied: unknown[] = []
  for (const item of items) {
    const value = read(item, depth)
    if (value === unsure) return unsure
    copied.push(value)
  }
  return copied
}

/** How many keys class-transformer may compare: it looks for each key of an object among all the keys of that object. */
const MOST_COMPARISONS = 10_000 ** 2

/**
 * Why a value is too much for code that looks into it, which would run out of stack, or keep the process busy for
 * seconds. Nothing if it is not.
 *
 * @param depth in how many others the value stands
 */
export function excessOf(value: unknown, depth = 0): 'depth' | 'properties' | undefined {
  let comparisons = 0
  const look = (one: unknown, at: number): ReturnType<typeof excessOf> => {
    if (typeof one !== 'object' || one === null) return undefined
    if (at >= DEEPEST) return 'depth'
    const inside = Object.values(one)
    if (!Array.isArray(one)) comparisons += inside.length ** 2
    if (comparisons > MOST_COMPARISONS) return 'properties'
    for (const item of inside) {
      const excess = look(item, at + 1)
      if (excess) return excess
    }
    return undefined
  }
  return look(value, depth)
}

/** A key somewhere in a value that every object has, such as `constructor`: code that meets it may stumble. */
export function inheritedKey(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, item] of Object.entries(value)) {
    const found = key in Object.prototype ? key : inheritedKey(item)
    if (found !== undefined) return found
  }
  return undefined
}
