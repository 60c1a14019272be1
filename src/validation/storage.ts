import { createRequire } from 'node:module'
import { Exclude, Expose, Transform, Type } from 'class-transformer'
import type { DtoClass } from './dto.js'

/** What class-transformer notes of the classes, as far as it is read here. */
export interface Storage {
  findTypeMetadata(type: DtoClass, property: string): TypeRecord | undefined
  findExposeMetadata(type: DtoClass, property: string): { options: { name?: string } } | undefined
  findExcludeMetadata(type: DtoClass, property: string): { options: { toPlainOnly?: boolean } } | undefined
  getStrategy(type: DtoClass): 'excludeAll' | 'exposeAll' | 'none'
  _typeMetadatas: Map<unknown, unknown>
  _transformMetadatas: Map<unknown, unknown>
  _exposeMetadatas: Map<unknown, unknown>
  _excludeMetadatas: Map<unknown, unknown>
}

/** What `@Type()` says of a property. */
export interface TypeRecord {
  typeFunction?: () => unknown
  reflectedType?: unknown
  options?: { discriminator?: { property: string; subTypes: { name: string; value: DtoClass }[] } }
}

let found: Storage | false | undefined

/**
 * class-transformer's notes. It does not offer them, so that they are used only where they are proved to be those that
 * its decorators write: in a bundle they need not be.
 */
export function storage(): Storage | undefined {
  found ??= findStorage() ?? false
  return found || undefined
}

function findStorage(): Storage | undefined {
  class Probe {}
  for (const decorate of [Type(() => Probe), Transform(() => 0), Expose(), Exclude()])
    decorate(Probe.prototype, 'probe')
  try {
    const require = createRequire(import.meta.url)
    const { defaultMetadataStorage: notes } = require('class-transformer/cjs/storage.js') as {
      defaultMetadataStorage: Storage
    }
    const maps = [notes._typeMetadatas, notes._transformMetadatas, notes._exposeMetadatas, notes._excludeMetadatas]
    return maps.every(map => map.has(Probe)) ? notes : undefined
  } catch {
    return undefined
  }
}
