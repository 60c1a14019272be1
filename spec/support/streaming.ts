import type { IncomingMessage } from 'node:http'
import { STREAM_HEADERS } from '../../src/sse/headers.js'
import { resolveOptions, type StreamErrorContext, type StreamOptions } from '../../src/sse/options.js'
import type { StreamResponse } from '../../src/sse/sink.js'
import { EventStream, type Orphan, type StreamHost } from '../../src/sse/stream.js'
import { listen } from './listen.js'

/** A host that remembers what its streams told it. */
export class Recorder implements StreamHost {
  readonly name = 'spec'
  readonly request = undefined
  readonly logged: { error: unknown; context: StreamErrorContext }[] = []
  readonly orphans: Orphan[] = []
  readonly over: EventStream[] = []

  problem(): object {
    return { title: 'masked' }
  }

  log(error: unknown, context: StreamErrorContext): void {
    this.logged.push({ error, context })
  }

  orphan(orphan: Orphan): void {
    this.orphans.push(orphan)
  }

  closed(stream: EventStream): void {
    this.over.push(stream)
  }
}

/** Every request to the port gets a stream, which `setUp` is given. */
export interface Streaming {
  readonly port: number
  readonly host: Recorder
  readonly streams: EventStream[]
  readonly responses: StreamResponse[]
}

/** Serves streams as the framework does: a failure before the first event is answered with its message. */
export async function streaming(
  setUp: (stream: EventStream, request: IncomingMessage) => void,
  options: StreamOptions = {},
): Promise<Streaming> {
  const host = new Recorder()
  const streams: EventStream[] = []
  const responses: StreamResponse[] = []
  const port = await listen(async (request, response) => {
    const stream = new EventStream(response, resolveOptions(String(request.method), options), host)
    streams.push(stream)
    responses.push(response)
    setUp(stream, request)
    try {
      await stream.ready()
      stream.open({ ...STREAM_HEADERS })
    } catch (error) {
      response.writeHead(500).end((error as Error).message)
    }
  })
  return { port, host, streams, responses }
}
