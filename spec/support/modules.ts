import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs a module in a process of its own, at the root of the project; returns what it prints. */
export function runModule(source: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', source], { cwd: root, encoding: 'utf8' })
}
