import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('publisher.js', import.meta.url))
const open = new Set<ChildProcess>()

/** A server of its own that publishes to `/numbers`, with a file journal. */
export interface Publisher {
  readonly port: number
  readonly url: string
  /** Kills it; gives the last position that it had acknowledged. */
  kill(): Promise<string>
}

/** @param port 0 for any */
export async function startPublisher(directory: string, port = 0): Promise<Publisher> {
  const child = fork(script, [String(port), directory], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  open.add(child)
  const [own] = (await once(child, 'message')) as [number]
  let acknowledged = ''
  child.on('message', (position: string) => {
    acknowledged = position
  })
  return {
    port: own,
    url: `http://127.0.0.1:${own}`,
    async kill() {
      if (acknowledged === '') await once(child, 'message')
      child.kill('SIGKILL')
      // Not 'exit': what it said before is told behind that.
      await once(child, 'close')
      open.delete(child)
      return acknowledged
    },
  }
}

/** Kills what is left: for `afterEach`. */
export function killPublishers(): void {
  for (const child of open) child.kill('SIGKILL')
  open.clear()
}
