import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { AppOptions } from 'okapi'
import { until } from './until.js'

const script = fileURLToPath(new URL('closing-app.js', import.meta.url))
const open = new Set<ChildProcess>()

/** What a child is to be: an app with these options. */
export interface ChildSetting extends Pick<AppOptions, 'signals' | 'closeGrace' | 'closeSpread'> {
  /** Two apps in one process. */
  twice?: boolean
  /** Watches by `closeOnSignals` in place of the option. */
  late?: boolean
  /** A hook that fails while the app closes. */
  breaks?: boolean
}

/** An app as a process of its own. */
export interface Child {
  readonly urls: string[]
  readonly url: string
  /** What it has told so far, beside its URLs. */
  readonly told: string[]
  /** Waits until it has told this. */
  tells(what: string): Promise<void>
  say(word: string): void
  signal(name: NodeJS.Signals): void
  /** The exit code, or the signal that killed it. */
  readonly exit: Promise<number | string>
}

/** Starts `closing-app` and waits until it listens. */
export async function startChild(setting: ChildSetting = { signals: true }): Promise<Child> {
  const child = fork(script, [JSON.stringify(setting)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  open.add(child)
  const urls: string[] = []
  const told: string[] = []
  child.on('message', (what: string) => (what.startsWith('http') ? urls : told).push(what))
  const exit = once(child, 'exit').then(([code, killer]) => {
    open.delete(child)
    return (code ?? killer) as number | string
  })
  await until(() => urls.length === (setting.twice ? 2 : 1), 'the child listens')
  return {
    urls,
    url: urls[0] as string,
    told,
    tells: what => until(() => told.includes(what), `the child has told ${what}`),
    say: word => void child.send(word),
    signal: name => void child.kill(name),
    exit,
  }
}

/** Kills what is left: for `afterEach`. */
export function killChildren(): void {
  for (const child of open) child.kill('SIGKILL')
  open.clear()
}
