// biome-ignore-all lint/suspicious/noTsIgnore: where a package is not installed there is an error, and where it is there is none
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { DefinitionError, RateLimitError } from './errors.js'
import { importFor } from './optional.js'

/**
 * The options of @fastify/cors.
 * @ts-ignore of any type where it is not installed */
export type CorsOptions = import('@fastify/cors').FastifyCorsOptions

/**
 * The options of @fastify/helmet.
 * @ts-ignore of any type where it is not installed */
export type SecurityHeadersOptions = import('@fastify/helmet').FastifyHelmetOptions

/**
 * The options of @fastify/rate-limit.
 * @ts-ignore of any type where it is not installed */
export type RateLimitOptions = import('@fastify/rate-limit').RateLimitPluginOptions

/**
 * The options of @fastify/compress.
 * @ts-ignore of any type where it is not installed */
export type CompressionOptions = import('@fastify/compress').FastifyCompressOptions

/**
 * The options of @fastify/etag.
 * @ts-ignore of any type where it is not installed */
export type EtagOptions = import('@fastify/etag').FastifyEtagOptions

/** What stands before every route of an app, by plugins of Fastify that you install beside Okapi. */
export interface ProtectionOptions {
  /**
   * Lets pages of other origins in: the options of @fastify/cors, or `true` for its defaults, which let all in. Unlike
   * there, all methods of controllers are allowed, and `Retry-After` may be read. Default: none but your own.
   */
  cors?: boolean | CorsOptions
  /** Security headers on every answer: the options of @fastify/helmet, or `true` for its defaults. Default: none. */
  securityHeaders?: boolean | SecurityHeadersOptions
  /**
   * How many requests a client may send: the options of @fastify/rate-limit, such as `{ max: 100, timeWindow: 60_000 }`,
   * or `true` for its defaults, 1,000 a minute for each address. A stream counts once, when it is asked for. What is too
   * much is answered 429 with `Retry-After`; an EventSource is asked to come back. Default: as many as come.
   */
  rateLimit?: boolean | RateLimitOptions
  /**
   * Compresses answers of routes, but for event streams, which have the stream option `compress`, and for parts of files:
   * the options of @fastify/compress, or `true` for its defaults. Default: as they are.
   */
  compress?: boolean | CompressionOptions
  /**
   * Gives answers an `ETag`, and answers 304 to who has them already: the options of @fastify/etag, or `true` for weak
   * tags, which stand for an answer however it is compressed. Default: none, but for files, which have their own.
   */
  etag?: boolean | EtagOptions
}

const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders: ['retry-after'],
} satisfies CorsOptions

const RATE_LIMIT: RateLimitOptions = {
  errorResponseBuilder: (_request, { statusCode, after }) => new RateLimitError(statusCode, after),
}

/**
 * Puts the plugins before the routes that are added from now on.
 *
 * @throws {DefinitionError} if a plugin is not installed, or credentials are allowed to every origin
 */
export async function protect(app: FastifyInstance, options: ProtectionOptions): Promise<void> {
  const { cors, securityHeaders, rateLimit, compress, etag } = options
  if (cors) {
    const given = { ...CORS, ...optionsOf('cors', cors) }
    checkCors(given)
    await add(app, 'cors', '@fastify/cors', given)
  }
  if (securityHeaders)
    await add(app, 'securityHeaders', '@fastify/helmet', optionsOf('securityHeaders', securityHeaders))
  if (rateLimit)
    await add(app, 'rateLimit', '@fastify/rate-limit', { ...RATE_LIMIT, ...optionsOf('rateLimit', rateLimit) })
  if (etag) await add(app, 'etag', '@fastify/etag', { weak: true, ...optionsOf('etag', etag) })
  if (compress) await add(app, 'compress', '@fastify/compress', optionsOf('compress', compress))
}

function optionsOf(option: string, given: unknown): object {
  if (given === true) return {}
  if (typeof given === 'object' && given !== null) return given
  throw new DefinitionError(
    `createApp(), option ${option}`,
    `takes true, or the options of its plugin; not ${String(given)}`,
  )
}

async function add(app: FastifyInstance, option: string, name: string, options: object): Promise<void> {
  const plugin = await importFor<{ default: FastifyPluginAsync<object> }>(`createApp(), option ${option}`, name)
  await app.register(plugin.default, options)
}

/** An origin as browsers send it, of what somebody has written for one. */
function originOf(written: string): string | undefined {
  if (written === '*' || written === 'null' || /^(?!https?:)[a-z][\w+.-]*:\/\/[^/?#]+$/i.test(written)) return written
  return /^https?:/i.test(written) && URL.canParse(written) ? new URL(written).origin : undefined
}

function checkCors({ credentials, origin = '*' }: CorsOptions): void {
  for (const one of [origin].flat()) {
    if (typeof one !== 'string' || originOf(one) === one) continue
    const cure = `write '${originOf(one) ?? 'https://app.example'}'`
    throw new DefinitionError('createApp(), option cors', `origin: '${one}' is no origin as browsers send it: ${cure}`)
  }
  if (!credentials || (origin !== true && ![origin].flat().includes('*'))) return
  const harm = origin === true ? 'so that any page acts in the name of your users' : 'which browsers refuse'
  throw new DefinitionError(
    'createApp(), option cors',
    `allows credentials to every origin, ${harm}: name yours, such as origin: ['https://app.example']`,
  )
}
