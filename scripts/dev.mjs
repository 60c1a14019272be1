// Builds, starts the sample, and does both again whenever a source file changes. Ctrl-C ends it.
// Not by `tsc --watch`: in a container, that of TypeScript 7.0 notices no change.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Editors save a file in several steps, and several files at once. */
const SETTLE = 50

/** How long the app may take to close before it is killed, in milliseconds. */
const PATIENCE = 5_000

let app
let ending = false
let changed = true
let wake = () => {}

const env = { NODE_ENV: 'development', ...process.env }

const run = (...args) => spawn(process.execPath, args, { stdio: 'inherit', env })

async function build() {
  const [code] = await once(run('node_modules/typescript/bin/tsc', '-p', '.'), 'exit')
  return code === 0
}

async function stop() {
  if (app === undefined || app.exitCode !== null || app.signalCode !== null) return
  const timer = setTimeout(() => app.kill('SIGKILL'), PATIENCE)
  app.kill()
  await once(app, 'exit')
  clearTimeout(timer)
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    ending = true
    await stop()
    process.exit()
  })
}

for (const folder of ['src', 'sample']) {
  watch(folder, { recursive: true }, () => {
    changed = true
    wake()
  })
}

for (;;) {
  if (!changed) await new Promise(resolve => (wake = resolve))
  await sleep(SETTLE)
  changed = false
  if (!(await build()) || changed) continue
  await stop()
  if (!ending) app = run('--enable-source-maps', 'dist/sample/main.js')
}
