import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('broadcaster.js', import.meta.url))
const open = new Set<ChildProcess>()

/** How a server fares. */
export interface Fare {
  readonly rss: number
  readonly subscribers: number
}

/** A server of its own, with the stream `/live`. */
export interface Broadcaster {
  readonly url: string
  /** Publishes so many events of this length. */
  publish(count: number, length: number): Promise<Fare>
}

export async function startBroadcaster(): Promise<Broadcaster> {
  const child = fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  open.add(child)
  const [port] = (await once(child, 'message')) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    async publish(count, length) {
      child.send({ count, length })
      const [fare] = (await once(child, 'message')) as [Fare]
      return fare
    },
  }
}

/** Kills what is left: for `afterEach`. */
export function killBroadcasters(): void {
  for (const child of open) child.kill('SIGKILL')
  open.clear()
}
