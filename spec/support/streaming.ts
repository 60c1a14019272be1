import type { IncomingMessage } from 'node:http'
import { STREAM_HEADERS } from '../../src/sse/headers.js'
import { resolveOptions, type StreamErrorContext, type StreamOptions } from '../../src/sse/options.js'
import type { Orphan } from '../../src/sse/orphan.js'
import type { StreamResponse } from '../../src/sse/sink.js'
import { toSource } from '../../src/sse/source.js'
import { EventStream, type StreamHost } from '../../src/sse/stream.js'
import { listen } from './listen.js'
import { ask, type Wire } from './wire.js'

/** How a stream of GET ends that has said all. */
export const DONE = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'

/** How a stream ends that failed: the recorder gives nothing away. */
export const FAILED = 'event: stream:error\ndata: {"title":"masked"}\n\n'

/** What is waited for in vain. */
export const never = new Promise<never>(() => {})

/** The head waits as long as it takes, unless a spec says otherwise: on a busy machine too. */
const PATIENT = { headDelay: 60_000 }

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
    const stream = new EventStream(response, resolveOptions(String(request.method), options, PATIENT), host)
    streams.push(stream)
    responses.push(response)
    setUp(stream, request)
    try {
      await readyOf(stream)
      stream.open({ ...STREAM_HEADERS })
    } catch (error) {
      response.writeHead(500).end((error as Error).message)
    }
  })
  return { port, host, streams, responses }
}

/** Until a stream can be opened; rejects with what failed before. */
export function readyOf(stream: EventStream): Promise<void> {
  return new Promise((resolve, reject) => stream.whenReady({ resolve, reject }))
}

/** Every request to the port gets a stream of what `values` returns: a generator, or what else is a source. */
export function streamsOf(
  values: (request: IncomingMessage) => object,
  options: StreamOptions = {},
): Promise<Streaming> {
  return streaming((stream, request) => {
    const source = toSource(values(request))
    if (source) stream.from(source)
  }, options)
}

/** A whole stream of what `values` returns, from its head to its end. */
export async function whole(values: () => object, options: StreamOptions = {}, method = 'GET'): Promise<Wire> {
  const { port } = await streamsOf(values, options)
  const wire = ask(port, { method })
  await wire.ends()
  return wire
}
