import type { AddressInfo } from 'node:net'
import type { App, AppOptions } from 'okapi'
import { container, type DependencyContainer } from 'tsyringe'
import { createSample } from '../../sample/app.js'
import { Clock } from '../../sample/clock.js'
import { FastClock } from './fast-clock.js'

/** The sample app with a fast clock, on a port of the loopback. */
export interface Sample {
  app: App
  url: string
  port: number
  clock: FastClock
}

export interface SampleSetting {
  clock?: FastClock
  /** Default: any free port. */
  port?: number
  /** Registers more fakes. */
  fakes?: (container: DependencyContainer) => void
  options?: Omit<AppOptions, 'controllers' | 'views' | 'container'>
}

const open = new Set<App>()

/** Starts the sample for one spec. */
export async function startSample(setting: SampleSetting = {}): Promise<Sample> {
  const { clock = new FastClock(), fakes, options } = setting
  const child = container.createChildContainer().registerInstance<Clock>(Clock, clock)
  fakes?.(child)
  const app = await createSample({ fastify: { logger: false }, ...options, container: child })
  open.add(app)
  await app.listen({ port: setting.port ?? 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { app, url: `http://127.0.0.1:${port}`, port, clock }
}

/** Closes every sample that was started: for `afterEach`. */
export async function closeSamples(): Promise<void> {
  await Promise.all([...open].map(app => app.close()))
  open.clear()
}
