import { DONE_ID } from './event.js'

/** Keeps a silent connection alive. A comment: no client sees it. */
export const PING = ': ping\n\n'

/** Lets the client's `open` fire when there is no event yet. */
export const OPEN = ': open\n\n'

/** How a stream that has said all tells its client not to come back. */
export type EndMode = 'event' | 'id' | false

/**
 * The farewell of a source that is done. Its id is the mark by which a reconnecting client is known and answered 204,
 * which ends the EventSource for good.
 */
export function doneFrame(mode: EndMode): string {
  if (mode === 'event') return `id: ${DONE_ID}\nevent: stream:end\ndata: {"reason":"done"}\n\n`
  return mode === 'id' ? `id: ${DONE_ID}\n\n` : ''
}

/**
 * The farewell of a stream that ends before its source is done: the client is to come back, but not all clients at the
 * same moment. Every client is told, whatever its stream says when it is done: a stream that is cut short must not look
 * like one that is complete.
 *
 * @param retry the reconnection time in milliseconds
 * @param reason why it ends, one word
 */
export function closingFrame(retry: number, reason = 'closing'): string {
  return `event: stream:end\nretry: ${retry}\ndata: {"reason":"${reason}"}\n\n`
}

/** The last event of a stream that failed. What it says was chosen for the client; the error itself is not in it. */
export function errorFrame(problem: object): string {
  return `event: stream:error\ndata: ${JSON.stringify(problem)}\n\n`
}

/** A reconnection time of its own, as a block without an event. */
export function retryFrame(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`
}
