/** One block of an event stream, up to its empty line. */
export interface Block {
  readonly id?: string | undefined
  readonly event?: string | undefined
  readonly data?: string | undefined
}

/** The blocks of a text, which must be whole. */
export function blocksOf(text: string): Block[] {
  if (!text.endsWith('\n\n')) throw new Error(`This is not whole: ${JSON.stringify(text)}`)
  return text.slice(0, -2).split('\n\n').map(blockOf)
}

function blockOf(block: string): Block {
  const fields: Record<string, string> = {}
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ')
    fields[line.slice(0, colon)] = line.slice(colon + 2)
  }
  return fields
}
