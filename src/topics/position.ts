/** A place in a log, between events: behind the event with this sequence. `<epoch>.<sequence>` on the wire. */
export interface Position {
  readonly epoch: string
  readonly sequence: number
}

/** The most topics of one subscription, so that their positions together fit into an id. */
export const MAX_POSITIONS = 30

const LONGEST = 1024
const EPOCH = /^[0-9A-Za-z]{1,16}$/
const PATTERN = /^([0-9A-Za-z]{1,16})\.(0|[1-9][0-9]{0,15})$/

/** Whether a text can name a life of a log. */
export function isEpoch(text: unknown): boolean {
  return typeof text === 'string' && EPOCH.test(text)
}

/** The text of a position: the id of the event before it. */
export function formatPosition(epoch: string, sequence: number): string {
  return `${epoch}.${sequence}`
}

/**
 * Reads a last event ID: one position, or those of several topics with commas between. Anything else is `undefined`,
 * found out without looking further than necessary.
 */
export function parsePositions(id: string): Position[] | undefined {
  if (id.length > LONGEST) return undefined
  const parts = id.split(',', MAX_POSITIONS + 1)
  if (parts.length > MAX_POSITIONS) return undefined
  const positions: Position[] = []
  for (const part of parts) {
    const [, epoch, digits] = PATTERN.exec(part) ?? []
    const sequence = Number(digits)
    if (epoch === undefined || !Number.isSafeInteger(sequence)) return undefined
    positions.push({ epoch, sequence })
  }
  return positions
}
