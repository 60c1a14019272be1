/** The event type by which a client is told of a gap. */
export const GAP = 'stream:gap'

/** See `GapReason`. */
export const GAP_REASONS = ['expired', 'epoch', 'unknown', 'malformed', 'overflow'] as const

/**
 * Why a client cannot continue where it left off: the events are no longer kept (`expired`), the log is another one
 * (`epoch`), the position lies ahead of the log (`unknown`), the last event ID is none of ours (`malformed`), or the
 * client read so slowly that what it had not read went (`overflow`).
 */
export type GapReason = (typeof GAP_REASONS)[number]

/** What a client is told that has missed something: the data of the event `stream:gap`. */
export interface Gap {
  /** The position it asked for, or stood at. At most 64 characters of it. */
  readonly requested: string
  /** The first event that is kept; `null` if there is none. */
  readonly earliest: string | null
  /** The last event there was; `null` if there never was one. */
  readonly latest: string | null
  /** How many events of the topic it has missed, those included that a filter hides; `null` if that cannot be known. */
  readonly lost: number | null
  readonly reason: GapReason
  /** Which topic it is about, where one subscription is of several. */
  readonly topic?: string
}

/**
 * The event that tells of a gap.
 *
 * @param id the position from which the events go on; without it, the client keeps the one it had
 */
export function gapFrame(gap: Gap, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${GAP}\ndata: ${JSON.stringify(gap)}\n\n`
}
