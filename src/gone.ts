import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

/**
 * Whether nothing more can be sent in a response: it is over, or its client has left. One that waits for its turn in a
 * pipeline is told nothing itself; its connection is asked.
 */
export function isGone(response: ServerResponse | Http2ServerResponse): boolean {
  if ('stream' in response) return response.stream.destroyed
  return response.destroyed || (response.socket === null && response.req.socket.destroyed)
}
