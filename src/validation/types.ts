import { type DtoClass, isNative } from './dto.js'
import { copy, copyItems, unsure } from './plain.js'
import { storage } from './storage.js'

/** Reads the value of a property as class-transformer would, or is `unsure`. */
export type Read = (value: unknown, depth: number) => unknown

/** Whether instances of a class are made of plain values by `@Type()` alone, as far as class-transformer goes. */
export function isPlainlyMade(type: DtoClass): boolean {
  const notes = storage()
  if (notes === undefined) return false
  for (let one: unknown = type; typeof one === 'function'; one = Object.getPrototypeOf(one)) {
    const maps = [notes._transformMetadatas, notes._exposeMetadatas, notes._excludeMetadatas]
    if (maps.some(map => map.has(one))) return false
  }
  return true
}

/** How a property is read, of what depends on its `@Type()`. */
export interface PropertyType {
  /** Reads a value by the reader of an object, or without `@Type()` as it is. */
  readonly read: Read
  /** The class behind `@Type()`. */
  readonly nested?: DtoClass
}

/**
 * How a property is read.
 *
 * @param objects gives the reader of the objects of a class
 * @returns nothing if only class-transformer knows how
 */
export function typeOf(
  type: DtoClass,
  property: string,
  objects: (nested: DtoClass) => Read | undefined,
): PropertyType | undefined {
  const record = storage()?.findTypeMetadata(type, property)
  if (record === undefined) return { read: copy }
  const { typeFunction, reflectedType, options } = record
  if (typeFunction === undefined || typeFunction.length > 0 || options?.discriminator) return undefined
  if (reflectedType === Map) return undefined
  const declared = typeFunction()
  const scalar = scalars.get(declared)
  // class-transformer makes an array by the class that the compiler noted for the property.
  const takesArrays = [undefined, Object, Array].some(one => one === reflectedType)
  if (scalar) return { read: readerOf(value => (isObject(value) ? unsure : scalar(value)), takesArrays) }
  if (typeof declared !== 'function' || isNative(declared)) return undefined
  const nested = declared as DtoClass
  const object = objects(nested)
  return (
    object && {
      read: readerOf((value, depth) => (isObject(value) ? object(value, depth) : unsure), takesArrays),
      nested,
    }
  )
}

const scalars = new Map<unknown, (value: unknown) => unknown>([
  [String, String],
  [Number, Number],
  [Boolean, Boolean],
  [Date, value => new Date(value as string)],
])

function isObject(value: unknown): boolean {
  return typeof value === 'object'
}

function readerOf(one: Read, takesArrays: boolean): Read {
  const read: Read = (value, depth) => {
    if (value === undefined || value === null) return value
    if (!Array.isArray(value)) return one(value, depth)
    return takesArrays ? copyItems(value, depth + 1, read) : unsure
  }
  return read
}
