import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { singleton } from 'tsyringe'

interface Entry {
  readonly salt: Buffer
  readonly hash: Buffer
}

const hashOf = promisify<string, Buffer, number, Buffer>(scrypt)

/** Somebody that nobody can be. */
const nobody: Entry = { salt: randomBytes(16), hash: randomBytes(64) }

/** People and their passwords, of which only hashes are kept. */
@singleton()
export class People {
  readonly #entries = new Map<string, Entry>()

  async add(name: string, password: string): Promise<void> {
    const salt = randomBytes(16)
    this.#entries.set(name, { salt, hash: await hashOf(password, salt, 64) })
  }

  /** Takes as long for a name that there is not, and compares in a time that tells nothing. */
  async knows(name: string, password: string): Promise<boolean> {
    const entry = this.#entries.get(name)
    const { salt, hash } = entry ?? nobody
    const same = timingSafeEqual(await hashOf(password, salt, 64), hash)
    return same && entry !== undefined
  }
}
