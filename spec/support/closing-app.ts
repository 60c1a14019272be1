import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type AppOptions, Controller, closeOnSignals, createApp, Get, Signal, SSE } from 'okapi'

/** An app as a process of its own, for `startChild`: it tells its parent what happens, and is told what to do. */

const tell = (what: string): void => void process.send?.(what)

/** Waits until the parent says so. */
async function told(word: string): Promise<void> {
  for (;;) if ((await once(process, 'message'))[0] === word) return
}

@Controller()
class Work {
  @SSE('/stream')
  async *stream(@Signal() signal: AbortSignal) {
    yield 'begun'
    await once(signal, 'abort')
  }

  @Get('/slow')
  async slow() {
    tell('asked')
    await told('finish')
    return 'finished'
  }

  @Get('/quick')
  quick() {
    return 'quick'
  }
}

const { twice, late, breaks, ...options } = JSON.parse(process.argv[2] as string) as Partial<AppOptions> & {
  twice?: boolean
  late?: boolean
  breaks?: boolean
}
for (let count = twice ? 2 : 1; count > 0; count--) {
  const app = await createApp({
    health: true,
    fastify: { logger: false },
    ...options,
    controllers: [Work],
    setup: app => {
      app.addHook('onClose', async () => {
        tell('closed')
        if (breaks) throw new Error('The hook is broken')
      })
    },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  if (late) closeOnSignals(app)
  tell(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  told('close').then(() => app.close())
}
