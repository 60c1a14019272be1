import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { DefinitionError } from './errors.js'
import { checkNames } from './known.js'
import type { Log } from './log.js'
import { checkMilliseconds } from './milliseconds.js'
import type { Names } from './sse/known.js'
import type { Streams } from './streams.js'

/** What tells a load balancer or an orchestrator how the app is. */
export interface HealthOptions {
  /** The path that answers 200 as long as the process answers at all. Default `/healthz`. */
  live?: string
  /** The path that answers 200 when requests are welcome, and 503 while the app starts or closes. Default `/readyz`. */
  ready?: string
  /**
   * What has to work for the app to be ready, by name. A check that throws, rejects, returns `false` or takes too long
   * makes it 503; the answer names it, and the reason is logged once until it works again.
   */
  checks?: Record<string, () => unknown>
  /** Milliseconds that a check may take. Default 1,000. */
  timeout?: number
}

const names: Names<HealthOptions> = { live: true, ready: true, checks: true, timeout: true }

/** Not counted by @fastify/rate-limit, and in the log only when it goes wrong: a probe asks every few seconds. */
const quiet = { logLevel: 'warn', config: { rateLimit: false } as object } as const

/**
 * Adds the routes by which the app is asked how it is. Their answers are never cached.
 *
 * @throws {DefinitionError} if a path lacks its leading slash, a check is no function, or the timeout is no time
 */
export function addHealth(app: FastifyInstance, streams: Streams, log: Log, options: HealthOptions): void {
  checkNames('option health', options, names)
  const { live = '/healthz', ready = '/readyz', checks = {}, timeout = 1_000 } = options
  checkMilliseconds('option health', 'timeout', timeout)
  for (const path of [live, ready]) {
    if (!path.startsWith('/')) throw new DefinitionError('option health', `the path '${path}' lacks the leading slash`)
  }
  const watched = Object.entries(checks).map(([name, run]) => new Check(name, run, log))
  let started = false
  app.addHook('onReady', async () => {
    started = true
  })
  app.get(live, quiet, (_request, reply) => answer(reply, 200, { status: 'ok' }))
  app.get(ready, quiet, async (_request, reply) => {
    if (streams.closing) return answer(reply, 503, { status: 'closing' })
    if (!started) return answer(reply, 503, { status: 'starting' })
    if (watched.length === 0) return answer(reply, 200, { status: 'ready' })
    const states = await Promise.all(watched.map(async check => [check.name, await check.state(timeout)] as const))
    const well = states.every(([, state]) => state === 'ok')
    return answer(reply, well ? 200 : 503, {
      status: well ? 'ready' : 'unready',
      checks: Object.fromEntries(states),
    })
  })
}

function answer(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').send(body)
}

type State = 'ok' | 'failed' | 'timeout'

class Check {
  readonly name: string
  readonly #run: () => unknown
  readonly #log: Log
  #running: Promise<State> | undefined
  #last: State = 'ok'

  constructor(name: string, run: () => unknown, log: Log) {
    if (typeof run !== 'function') throw new DefinitionError(`option health, check ${name}`, 'is no function')
    this.name = name
    this.#run = run
    this.#log = log
  }

  /** How it goes. One that has not answered yet is not asked again. */
  async state(timeout: number): Promise<State> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined
    })
    const late = new AbortController()
    const alarm = sleep(timeout, 'timeout' as const, { signal: late.signal, ref: false }).catch(
      () => 'timeout' as const,
    )
    const state = await Promise.race([this.#running, alarm])
    late.abort()
    if (state === 'timeout') this.#fail(state, new Error(`No answer within ${timeout} ms`))
    return state
  }

  async #ask(): Promise<State> {
    try {
      if ((await this.#run()) === false) throw new Error('It returned false')
      this.#last = 'ok'
      return 'ok'
    } catch (error) {
      this.#fail('failed', error)
      return 'failed'
    }
  }

  #fail(state: State, err: unknown): void {
    if (this.#last === state) return
    this.#last = state
    this.#log.warn({ err, check: this.name }, 'A health check failed')
  }
}
