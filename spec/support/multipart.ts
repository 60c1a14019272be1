/** One part of a form: a field, or with a filename a file. */
export interface Part {
  name: string
  value: string | Uint8Array
  filename?: string
  type?: string
}

export const BOUNDARY = 'okapi-boundary'

/** The headers of a form. */
export const formHeaders = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }

/** A form as it stands on the wire. */
export function formOf(...parts: Part[]): Buffer {
  const pieces = parts.flatMap(({ name, value, filename, type }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const media = type === undefined ? '' : `\r\nContent-Type: ${type}`
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}${media}\r\n\r\n`
    return [Buffer.from(head), Buffer.from(value as string), Buffer.from('\r\n')]
  })
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)])
}
