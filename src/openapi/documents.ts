import type { FastifyInstance } from 'fastify'
import type { OpenApiDocument } from './document.js'

/** By server, then by prefix. */
const documents = new WeakMap<object, Map<string, OpenApiDocument>>()

/** Notes the document of the controllers that stand below a prefix. */
export function noteDocument({ server, prefix }: FastifyInstance, document: OpenApiDocument): void {
  const noted = documents.get(server) ?? new Map<string, OpenApiDocument>()
  documents.set(server, noted.set(prefix, document))
}

/**
 * The OpenAPI document of an app that has the option `openapi`.
 *
 * @param prefix of several registrations of the plugin, the one with this prefix
 * @throws {TypeError} if there is none
 */
export function openapiOf(app: FastifyInstance, prefix = ''): OpenApiDocument {
  const document = documents.get(app.server)?.get(prefix)
  if (document) return document
  throw new TypeError(`The app has no document${prefix === '' ? '' : ` below ${prefix}`}: give it the option openapi`)
}
