import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import {
  type App,
  type AppOptions,
  Controller,
  type Credential,
  createApp,
  credentials,
  Get,
  Guard,
  Principal,
  SSE,
} from 'okapi'
import { singleton } from 'tsyringe'

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** What no secret has for a digest. */
const none = randomBytes(32)

/** Keys such as `ada.k3Vs…`: a name, and a random secret of which only a digest is kept. */
@singleton()
export class ApiKeys implements Credential {
  readonly #digests = new Map<string, Buffer>()

  /** Makes a key, which nobody can be told again. A former one of the same owner ends. */
  issue(owner: string): string {
    const secret = randomBytes(32).toString('base64url')
    this.#digests.set(owner, digest(secret))
    return `${owner}.${secret}`
  }

  present({ headers }: FastifyRequest) {
    return headers['x-api-key'] !== undefined
  }

  /** Compares in a time that tells nothing, also of an owner that there is not. */
  verify({ headers }: FastifyRequest) {
    const [, owner = '', secret = ''] = /^([^.]*)\.(.*)$/.exec(String(headers['x-api-key'])) ?? []
    const known = this.#digests.get(owner)
    const same = timingSafeEqual(digest(secret), known ?? none)
    return same && known !== undefined ? { id: owner } : undefined
  }
}

@Controller('/quotes')
class Quotes {
  @Get()
  @Guard(credentials([ApiKeys], { anonymous: true }))
  reader(@Principal() principal?: Principal) {
    return { reader: principal?.id ?? 'anybody' }
  }

  @SSE('/live')
  @Guard(credentials([ApiKeys]))
  *live() {
    yield 'To be, or not to be'
  }
}

/** Makes the sample of API keys. */
export function createApiKeySample(options: Omit<AppOptions, 'controllers'> = {}): Promise<App> {
  return createApp({ ...options, controllers: [Quotes] })
}
