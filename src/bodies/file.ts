import type { Readable } from 'node:stream'

/** A file that a client has sent. What is said of it here is what the client says: check what it really is. */
export interface FileHead {
  /** The name of its field. */
  readonly field: string
  /** Its name, of at most 255 bytes: never a path, and without what file systems or terminals stumble over. */
  readonly filename: string
  /** Its media type. */
  readonly mimetype: string
}

/** A file that a client has sent, in a temporary file until the request is over. */
export class UploadedFile implements FileHead {
  readonly field: string
  readonly filename: string
  readonly mimetype: string
  /** The temporary file. Copy or rename it to keep it. */
  readonly path: string
  /** Its bytes. */
  readonly size: number

  constructor(head: FileHead, path: string, size: number) {
    this.field = head.field
    this.filename = head.filename
    this.mimetype = head.mimetype
    this.path = path
    this.size = size
  }
}

/** A file that a client is sending. */
export class StreamedFile implements FileHead {
  readonly field: string
  readonly filename: string
  readonly mimetype: string
  /** Its bytes, once. What is left of them when the next file is asked for is thrown away. */
  readonly stream: Readable

  constructor(head: FileHead, stream: Readable) {
    this.field = head.field
    this.filename = head.filename
    this.mimetype = head.mimetype
    this.stream = stream
  }
}

/** A name for a file, of what a client says: the last part of a path, without control characters. */
export function filenameOf(text: string): string {
  const last = text.split(/[/\\]/).pop() as string
  const name = last.replace(/[\p{C}<>:"|?*]/gu, '').trim()
  return /^\.*$/.test(name) ? 'file' : cut(name)
}

/** As much of a name as a file system takes. */
function cut(name: string): string {
  let [bytes, end] = [0, 0]
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > LONGEST) break
    end += character.length
  }
  return name.slice(0, end)
}

const LONGEST = 255
