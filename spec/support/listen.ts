import { createServer, type RequestListener, type Server } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

const servers = new Set<Server | Http2Server>()

/** Serves plain `node:http` on a free port of the loopback, which it returns. */
export function listen(listener: RequestListener): Promise<number> {
  return listening(createServer(listener))
}

/** Serves HTTP/2 without encryption. */
export function listenHttp2(
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<number> {
  return listening(createHttp2Server(listener))
}

/** Closes every server that was started here: for `afterEach`. */
export async function closeServers(): Promise<void> {
  const closing = [...servers].map(async server => {
    const closed = new Promise(resolve => server.close(resolve))
    if ('closeAllConnections' in server) server.closeAllConnections()
    await closed
  })
  servers.clear()
  await Promise.all(closing)
}

/** A port that was free a moment ago: for a process that has to be told one. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  const port = await listening(probe)
  servers.delete(probe)
  await new Promise(resolve => probe.close(resolve))
  return port
}

async function listening(server: Server | Http2Server): Promise<number> {
  servers.add(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
