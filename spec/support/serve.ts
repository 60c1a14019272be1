import type { AddressInfo } from 'node:net'
import { type App, type AppOptions, type ControllerClass, createApp } from 'okapi'

/** An app that listens on a free port of the loopback. Close it in `afterEach`, or by `closeAll`. */
export interface Served {
  app: App
  url: string
}

const open = new Set<App>()

/** Starts an app for one spec: silent, and on a port of its own. */
export async function serve(
  controllers: readonly ControllerClass[],
  options: Omit<AppOptions, 'controllers'> = {},
): Promise<Served> {
  return start(await createApp({ ...options, controllers, fastify: { logger: false, ...options.fastify } }))
}

/** Lets an app listen that is made already. */
export async function start(app: App): Promise<Served> {
  open.add(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { app, url: `http://127.0.0.1:${port}` }
}

/** Closes every app that was started here: for `afterEach`. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map(app => app.close()))
  open.clear()
}
