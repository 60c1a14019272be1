import { tmpdir } from 'node:os'

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

/** Lays options upon each other, the nearest first, and the defaults below. */
export function resolveUploads(...layers: (UploadOptions | undefined)[]): Required<UploadOptions> {
  const defaults: Required<UploadOptions> = {
    ...{ to: 'disk', directory: tmpdir() },
    ...{ fileSize: 10_485_760, files: 10, fieldSize: 65_536, fields: 100 },
  }
  return Object.assign(defaults, ...layers.reverse())
}
