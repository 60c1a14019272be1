import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'

const open = new Set<ClientHttp2Session>()

/** An answer over HTTP/2 that is still being read. */
export interface Http2Answer {
  readonly headers: Promise<IncomingHttpHeaders & { ':status'?: number }>
  /** All of the body. */
  readonly body: Promise<string>
  /** What has arrived of the body. */
  text(): string
}

/** One HTTP/2 connection, over TLS or not, as the URL says. */
export function connectHttp2(url: string): ClientHttp2Session {
  const session = connect(url, { rejectUnauthorized: false })
  open.add(session)
  // A connection that is cut is an answer too.
  session.on('error', () => {})
  session.on('close', () => open.delete(session))
  return session
}

/** Asks over HTTP/2; with a body it is a POST of JSON. */
export function askHttp2(session: ClientHttp2Session, path: string, method = 'GET', body?: unknown): Http2Answer {
  const request = session.request({
    ':path': path,
    ':method': method,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  })
  let text = ''
  request.setEncoding('utf8').on('data', piece => {
    text += piece
  })
  const headers = new Promise<IncomingHttpHeaders>((resolve, reject) =>
    request.once('response', resolve).once('error', reject),
  )
  const whole = new Promise<string>((resolve, reject) => request.once('end', () => resolve(text)).once('error', reject))
  for (const promise of [headers, whole]) promise.catch(() => {})
  request.end(body === undefined ? undefined : JSON.stringify(body))
  return { headers, body: whole, text: () => text }
}

/** Cuts all connections that are open: for `afterEach`. */
export function leaveAllHttp2(): void {
  for (const session of open) session.destroy()
}
