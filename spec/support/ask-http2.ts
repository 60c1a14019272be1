import {
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { until } from './until.js'

/** A request over HTTP/2 without encryption, and what came back. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader
  text(): string
  over(): boolean
  sees(part: string): Promise<void>
  pause(): void
  resume(): void
  leave(): void
}

const closers = new Set<() => void>()

export function askHttp2(port: number, path = '/', method = 'GET'): Http2Answer {
  const client = connect(`http://127.0.0.1:${port}`)
  const stream: ClientHttp2Stream = client.request({ ':path': path, ':method': method })
  const headers: IncomingHttpHeaders & IncomingHttpStatusHeader = {}
  let [text, over] = ['', false]
  client.on('error', () => {})
  stream.on('error', () => {})
  stream.on('response', received => Object.assign(headers, received))
  stream.setEncoding('utf8')
  stream.on('data', part => {
    text += part
  })
  stream.on('close', () => {
    over = true
  })
  closers.add(() => client.destroy())
  return {
    headers,
    text: () => text,
    over: () => over,
    sees: part =>
      until(
        () => text.includes(part),
        () => `${JSON.stringify(part)} in ${JSON.stringify(text)}`,
      ),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    leave: () => stream.close(constants.NGHTTP2_CANCEL),
  }
}

/** Ends every connection that was opened here: for `afterEach`. */
export function leaveAllHttp2(): void {
  for (const close of closers) close()
  closers.clear()
}
