import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The folder of the project. */
export const project = fileURLToPath(new URL('../../../', import.meta.url))

/** A program that ended badly, with all it said. */
class RunError extends Error {
  override name = 'RunError'
}

/** Runs a program to its end and returns what it said. It is not ours, and so its lines are not counted as covered. */
export function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { NODE_V8_COVERAGE: _, ...env } = process.env
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error) reject(new RunError([error.message, stdout, stderr].join('\n')))
      else resolve(stdout)
    })
  })
}

/** Runs a program that the project has installed: `runBin(cwd, 'typescript/bin/tsc', '-p', '.')`. */
export function runBin(cwd: string, bin: string, ...args: string[]): Promise<string> {
  return run(cwd, process.execPath, `${project}node_modules/${bin}`, ...args)
}
