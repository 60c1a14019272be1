import { DONE_ID } from './event.js'

/** Keeps a silent connection alive. A comment: no client sees it. */
export const PING = ': ping\n\n'

/** Lets the client's `open` fire when there is no event yet. */
export const OPEN = ': open\n\n'

/** Why a stream that is cut short ends, as `stream:end` says it: the client is to come back. */
export const CUT_REASONS = [
  /** The server closes, or the topic. */
  'closing',
  /** It has lasted as long as `maxDuration` allows. */
  'duration',
  /** The credential of its principal has ended. */
  'expired',
  /** The client has fallen behind a topic, and can still resume. */
  'lag',
  /** It was refused, by a limit of the client's own. */
  'limit',
  /** It was refused, since the server has too much to do. */
  'busy',
] as const

export type CutReason = (typeof CUT_REASONS)[number]

/** See `EndReason`: it has said all, or is cut short. */
export const END_REASONS = ['done', ...CUT_REASONS] as const

/** Why a stream ends: the `reason` in the data of `stream:end`. All but `done` ask the client to come back. */
export type EndReason = (typeof END_REASONS)[number]

/** How a stream that has said all tells its client not to come back. */
export type EndMode = 'event' | 'id' | false

/**
 * The farewell of a source that is done. Its id is the mark by which a reconnecting client is known and answered 204,
 * which ends the EventSource for good.
 */
export function doneFrame(mode: EndMode): string {
  if (mode === 'event') return DONE
  return mode === 'id' ? DONE_BY_ID : ''
}

const DONE = `id: ${DONE_ID}\nevent: stream:end\n${reasonLine('done')}\n`
const DONE_BY_ID = `id: ${DONE_ID}\n\n`

/**
 * The farewell of a stream that ends before its source is done: the client is to come back, but not all clients at the
 * same moment. Every client is told, whatever its stream says when it is done: a stream that is cut short must not look
 * like one that is complete.
 *
 * @param retry the reconnection time in milliseconds
 */
export function closingFrame(retry: number, reason: CutReason = 'closing'): string {
  return `event: stream:end\nretry: ${retry}\n${reasonLine(reason)}\n`
}

function reasonLine(reason: EndReason): string {
  return `data: {"reason":"${reason}"}\n`
}

/** The last event of a stream that failed. What it says was chosen for the client; the error itself is not in it. */
export function errorFrame(problem: object): string {
  return `event: stream:error\ndata: ${JSON.stringify(problem)}\n\n`
}

/** What a client is told of an error that nobody has words for. */
export const INTERNAL = { type: 'about:blank', title: 'Internal Server Error', status: 500 } as const

/** A reconnection time of its own, as a block without an event. */
export function retryFrame(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`
}
