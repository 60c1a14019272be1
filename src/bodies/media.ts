const name = '[\\w!#$&^.+-]+'
const mediaRange = new RegExp(`^(\\*/\\*|${name}/(\\*|${name}))$`)

/** Whether a text is a media type, or a range of them: `text/plain`, `image/*`. See RFC 9110, section 12.5.1. */
export function isMediaRange(text: string): boolean {
  return mediaRange.test(text)
}

/** The media type of a `Content-Type`, without its parameters. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase()
}

/** Whether a media type lies in a range. */
export function isWithin(mediaType: string, range: string): boolean {
  return range === '*/*' || range === mediaType || (range.endsWith('/*') && mediaType.startsWith(range.slice(0, -1)))
}

/** The charset of a `Content-Type`. Default `utf-8`. */
export function charsetOf(contentType: string): string {
  return /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8'
}

export const FORM = 'application/x-www-form-urlencoded'
export const MULTIPART = 'multipart/form-data'
export const BYTES = 'application/octet-stream'

/** Whether all values of a body are text, to be converted to their types. */
export function isForm(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  const mediaType = mediaTypeOf(contentType)
  return mediaType === FORM || mediaType === MULTIPART
}
