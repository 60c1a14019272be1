import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../sample/main.js', import.meta.url))

/** The sample as a process of its own. */
export interface MainProcess {
  /** The line that it printed. */
  readonly line: string
  readonly url: string
  /** Sends a signal and waits for the end; gives the exit code, or the signal that killed it. */
  stop(signal: NodeJS.Signals): Promise<number | string>
}

const open = new Set<ChildProcess>()

/** Starts `node dist/sample/main.js` on a free port, and waits for the line that says where. */
export async function startMain(): Promise<MainProcess> {
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  open.add(child)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const exit = once(child, 'exit')
  const url = /http:\S+/.exec(line)?.[0] ?? ''
  return {
    line,
    url,
    async stop(signal) {
      child.kill(signal)
      const [code, killer] = (await exit) as [number | null, string | null]
      open.delete(child)
      return code ?? (killer as string)
    },
  }
}

/** Kills what is left: for `afterEach`. */
export function killMains(): void {
  for (const child of open) child.kill('SIGKILL')
  open.clear()
}
