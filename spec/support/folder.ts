import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made = new Set<string>()

/** A folder for one spec. Remove it in `afterEach`, by `removeFolders`. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'okapi-'))
  made.add(folder)
  return folder
}

export async function removeFolders(): Promise<void> {
  await Promise.all([...made].map(folder => rm(folder, { recursive: true, force: true })))
  made.clear()
}
