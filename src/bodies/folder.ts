import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The temporary files of one request, in a folder that only this user may read. */
export class Folder {
  readonly #directory: string
  #path: Promise<string> | undefined
  #count = 0
  #removed = false

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Whether the folder is gone, or about to go. */
  get removed(): boolean {
    return this.#removed
  }

  /** The path for one file more. The folder comes with the first. */
  async add(): Promise<string> {
    this.#path ??= mkdtemp(join(this.#directory, 'okapi-'))
    const path = await this.#path
    // The request may have ended in between.
    if (this.#removed) await discard(path)
    return join(path, `${this.#count++}`)
  }

  /** Removes the folder with all that is in it; what is added later goes too. */
  async remove(): Promise<void> {
    this.#removed = true
    const path = await this.#path
    if (path !== undefined) await discard(path)
  }
}

/** Again and again for a while: a file may come into a folder while it goes. */
function discard(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 })
}
