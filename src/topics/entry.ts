import type { Gap, GapReason } from './gap.js'
import type { ResolvedSubscribeOptions } from './options.js'
import { formatPosition, type Position } from './position.js'
import type { TopicLog } from './topic-log.js'

/** Where a client begins in a log. */
export interface Entry {
  /** The sequence of the event before. */
  readonly position: number
  /** Whether it is here for the first time, and knows no position yet. */
  readonly first?: boolean
  /** What it is to be told first. */
  readonly gap?: Gap
  /** Whether it is given the snapshot first. */
  readonly snapshot?: boolean
}

/** What a client says of where it left off: nothing, a position, or what is none. */
export type Requested = Position | { malformed: string } | undefined

/** Finds the place where a client goes on. Nothing is read for that. */
export function enter(log: TopicLog, requested: Requested, options: ResolvedSubscribeOptions): Entry {
  if (requested === undefined) return first(log, options)
  if ('malformed' in requested) return behindGap(log, requested.malformed.slice(0, 64), 'malformed', undefined, options)
  const { epoch, sequence } = requested
  const reason = reasonOf(log, requested)
  if (reason === undefined) return { position: sequence }
  return behindGap(log, formatPosition(epoch, sequence), reason, reason === 'expired' ? sequence : undefined, options)
}

function first({ earliest, latest }: TopicLog, { from }: ResolvedSubscribeOptions): Entry {
  if (from === 'snapshot') return { position: latest, first: true, snapshot: true }
  if (from === 'now') return { position: latest, first: true }
  return { position: from === 'start' ? earliest - 1 : Math.max(earliest - 1, latest - from), first: true }
}

function reasonOf(log: TopicLog, { epoch, sequence }: Position): GapReason | undefined {
  if (epoch !== log.epoch) return 'epoch'
  if (sequence > log.latest) return 'unknown'
  return sequence < log.earliest - 1 ? 'expired' : undefined
}

/** Where a client goes on that stood at a sequence which has gone meanwhile. */
export function overflow(log: TopicLog, position: number, options: ResolvedSubscribeOptions): Entry {
  return behindGap(log, formatPosition(log.epoch, position), 'overflow', position, options)
}

/** @param position the last event it has seen, where that is known */
function behindGap(
  log: TopicLog,
  requested: string,
  reason: GapReason,
  position: number | undefined,
  { onGap }: ResolvedSubscribeOptions,
): Entry {
  const { epoch, earliest, latest } = log
  const next = onGap === 'latest' || onGap === 'snapshot' ? latest : earliest - 1
  const gap = {
    requested,
    earliest: earliest > latest ? null : formatPosition(epoch, earliest),
    latest: latest === 0 ? null : formatPosition(epoch, latest),
    lost: position === undefined ? null : next - position,
    reason,
  }
  return { position: next, gap, snapshot: onGap === 'snapshot' }
}
