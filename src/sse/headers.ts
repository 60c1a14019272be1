/** The headers of an event stream. `no-transform` and the nginx header keep proxies from holding events back. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/** Whether a response of a status has no body: what is written would be read as the next response. See RFC 9110, section 6.4.1. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status < 200
}
