// biome-ignore lint/suspicious/noExplicitAny: a class, whatever it is made with
type AnyClass = abstract new (...args: any[]) => object

/** One value: a DTO class, or what the language has for it. `Uint8Array` is bytes, `Object` anything that JSON has. */
export type ItemType =
  | AnyClass
  | StringConstructor
  | NumberConstructor
  | BooleanConstructor
  | DateConstructor
  | Uint8ArrayConstructor
  | ObjectConstructor

/** What a value looks like, said by classes, since the compiler keeps no types: `Price`, `String`, `[Price]` for an array. */
export type ValueType = ItemType | readonly [ItemType]

/** A type in words, as it is declared: `[Price]`. */
export function nameOf(type: ValueType): string {
  return isArrayType(type) ? `[${type[0].name}]` : type.name
}

/** Whether a type is that of an array. */
export function isArrayType(type: ValueType): type is readonly [ItemType] {
  return Array.isArray(type)
}

/** What is wrong with a type that a decorator was given, if anything. */
export function wrongType(type: unknown): string | undefined {
  const item = Array.isArray(type) && type.length === 1 ? type[0] : type
  if (typeof item === 'function') return undefined
  const cure =
    item === undefined ? '. Is its class imported around in a circle?' : ': give Price, or [Price] for an array'
  return `is no class but ${Array.isArray(item) ? `an array of ${item.length}` : kindOf(item)}${cure}`
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}
