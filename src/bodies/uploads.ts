import { tmpdir } from 'node:os'
import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import type { Names } from '../sse/known.js'

/** How a form with files (`multipart/form-data`) is read, and how much of it. What is more is answered 413. */
export interface UploadOptions {
  /**
   * Where the files go. `'disk'`: each waits in a temporary file until the request is over. `'stream'`: the method reads
   * them while they arrive, by `@Files()`, and of the fields those that stand before the first file. Default `'disk'`.
   */
  to?: 'disk' | 'stream'
  /** The folder of the temporary files. Default that of the system. */
  directory?: string
  /** Bytes of one file. Default 10,485,760. */
  fileSize?: number
  /** How many files. Default 10. */
  files?: number
  /** Bytes of one field. Default 65,536. */
  fieldSize?: number
  /** How many fields. Default 100. */
  fields?: number
}

const names: Names<UploadOptions> = {
  to: true,
  directory: true,
  fileSize: true,
  files: true,
  fieldSize: true,
  fields: true,
}

/** @throws {DefinitionError} for an option that makes no sense, or that there is none of */
export function checkUploads(where: string, options: UploadOptions): void {
  checkNames(where, options, names)
  const { to, directory: _, ...limits } = options
  if (to !== undefined && to !== 'disk' && to !== 'stream') {
    throw new DefinitionError(where, `to is 'disk' or 'stream', not ${to}`)
  }
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
    throw new DefinitionError(where, `${name} is a whole number, not ${value}`)
  }
}

/** Lays options upon each other, the nearest first, and the defaults below. */
export function resolveUploads(...layers: (UploadOptions | undefined)[]): Required<UploadOptions> {
  const defaults: Required<UploadOptions> = {
    ...{ to: 'disk', directory: tmpdir() },
    ...{ fileSize: 10_485_760, files: 10, fieldSize: 65_536, fields: 100 },
  }
  return Object.assign(defaults, ...layers.reverse())
}
