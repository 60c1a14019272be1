import { BadRequestError, HttpError } from '../errors.js'
import { charsetOf } from './media.js'

/**
 * The text of a body, by the charset that its `Content-Type` names.
 *
 * @throws {HttpError} 415 for a charset that nobody knows, 400 for bytes that are no text in it
 */
export function decode(bytes: Uint8Array, contentType = ''): string {
  const charset = charsetOf(contentType)
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(charset, { fatal: true })
  } catch {
    throw new HttpError(415, `The charset ${charset} of the body is unknown`)
  }
  try {
    return decoder.decode(bytes)
  } catch {
    throw new BadRequestError(`The body is no text in the charset ${charset}`)
  }
}
