/** The chunks of a chunked body, without their frames; the last one is empty if the body is complete. */
export function chunksOf(body: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, line), 16)
    const from = line + 2
    if (line === -1 || from + size + 2 > body.length) break
    chunks.push(body.subarray(from, from + size))
    at = from + size + 2
    if (size === 0) break
  }
  return chunks
}

/** The text of the response that begins a raw answer: its body without the frames of its chunks. */
export function unchunked(answer: Buffer): string {
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
  return Buffer.concat(chunksOf(body)).toString()
}
