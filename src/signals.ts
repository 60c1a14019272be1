import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { announceClosing } from './closing.js'
import { checkNames } from './known.js'
import { logOf } from './log.js'
import { checkMilliseconds } from './milliseconds.js'
import type { Names } from './sse/known.js'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Within how many milliseconds a second SIGINT is the echo of the first: Ctrl-C reaches the whole group of processes, and
 * npm passes its own on.
 */
const ECHO = 100

/** How an app closes that is told to by a signal. */
export interface SignalOptions {
  /**
   * Milliseconds from the signal to `app.close()`. Meanwhile `/readyz` answers 503 and streams are refused, and all else
   * goes on as before: the time that a load balancer needs to notice. Default 0.
   */
  drainDelay?: number
  /**
   * Milliseconds that `app.close()` may take before the process ends nevertheless, with exit code 1: for requests and
   * hooks that do not end. Default 30,000.
   */
  deadline?: number
}

const names: Names<SignalOptions> = { drainDelay: true, deadline: true }

/** @throws {DefinitionError} for an option that makes no sense, or that there is none of */
export function checkSignals(options: SignalOptions): void {
  checkNames('option signals', options, names)
  for (const [name, value] of Object.entries(options)) checkMilliseconds('option signals', name, value)
}

/** What is used of an app to close it: a Fastify instance of whatever server and logger. */
export interface Closable {
  readonly server: EventEmitter
  readonly log: object
  close(): PromiseLike<unknown>
}

interface Watched extends Required<SignalOptions> {
  readonly app: Closable
}

const watched = new Set<Watched>()
let signalled: { signal: NodeJS.Signals; at: number } | undefined

/**
 * Closes an app on SIGTERM and SIGINT (Ctrl-C), and ends the process: with exit code 0 when everything has closed, 1 if
 * closing failed or took longer than the deadline. Several apps of one process close side by side. A second signal ends
 * the process at once, with exit code 1, and whatever goes on is cut.
 *
 * What else has to happen before the end of the process goes into an `onClose` hook of the app. An app that has closed
 * by itself is watched no more. `createApp({ signals: true })` does the same from `listen()` on.
 *
 * @example
 * ```ts
 * closeOnSignals(app, { drainDelay: 5_000 })
 * ```
 */
export function closeOnSignals(app: Closable, options: SignalOptions = {}): void {
  checkSignals(options)
  const one = { app, drainDelay: options.drainDelay ?? 0, deadline: options.deadline ?? 30_000 }
  if (watched.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
  watched.add(one)
  app.server.once('close', () => {
    watched.delete(one)
    // Not while the process ends: by default, a second signal would end it with another code.
    if (watched.size === 0 && signalled === undefined) for (const signal of SIGNALS) process.off(signal, onSignal)
  })
}

function onSignal(signal: NodeJS.Signals): void {
  if (signalled === undefined) {
    signalled = { signal, at: Date.now() }
    closeAll()
  } else if (signal !== 'SIGINT' || signalled.signal !== signal || Date.now() - signalled.at > ECHO) process.exit(1)
}

async function closeAll(): Promise<void> {
  const closed = await Promise.all([...watched].map(close))
  process.exit(closed.every(Boolean) ? 0 : 1)
}

/** Returns whether all went well. */
async function close({ app, drainDelay, deadline }: Watched): Promise<boolean> {
  announceClosing(app, drainDelay)
  await sleep(drainDelay)
  const late = new AbortController()
  const tooLong = sleep(deadline, undefined, late).then(() => {
    throw new Error(`The app has not closed within ${deadline} ms: something does not end`)
  })
  try {
    await Promise.race([app.close(), tooLong])
    return true
  } catch (err) {
    logOf(app).error({ err }, 'The app has not closed well')
    return false
  } finally {
    late.abort()
    tooLong.catch(() => {})
  }
}
