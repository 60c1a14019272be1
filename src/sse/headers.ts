/** The headers of an event stream. `no-transform` and the nginx header keep proxies from holding events back. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const
