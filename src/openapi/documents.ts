import type { FastifyInstance } from 'fastify'
import type { DependencyContainer } from 'tsyringe'
import { type ControllerClass, SERIALIZER, STREAM_OPTIONS } from '../container.js'
import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import type { ValidationOptions } from '../validation/options.js'
import { describeApi } from './describe.js'
import type { OpenApiDocument } from './document.js'
import { type OpenApiServing, servingNames } from './options.js'
import { serveDocument } from './serve.js'

/** By server, then by prefix. */
const documents = new WeakMap<object, Map<string, OpenApiDocument>>()

/** What a document is made of. */
export interface Described {
  readonly controllers: readonly ControllerClass[]
  readonly container: DependencyContainer
  readonly validation: ValidationOptions
  readonly guards: readonly object[]
}

/**
 * Describes the controllers of an app, and serves their document.
 *
 * @throws {DefinitionError} if a controller is declared wrongly, or a package is not installed
 */
export async function addDocument(app: FastifyInstance, described: Described, openapi: OpenApiServing): Promise<void> {
  checkNames('option openapi', openapi, servingNames)
  const { json, yaml, page } = openapi
  for (const [name, path] of Object.entries({ json, yaml, page })) {
    if (path === undefined || path === false || (typeof path === 'string' && path.startsWith('/'))) continue
    throw new DefinitionError('option openapi', `${name} is a path such as '/docs', or false; not ${path}`)
  }
  const { controllers, container, validation, guards } = described
  const { server, prefix } = app
  const serializer = container.isRegistered(SERIALIZER, true) ? { serializer: container.resolve(SERIALIZER) } : {}
  const given = container.isRegistered(STREAM_OPTIONS, true) ? container.resolve(STREAM_OPTIONS) : {}
  const streamOptions = { ...serializer, ...given }
  const document = describeApi(controllers, { ...openapi, prefix, validation, guards, streamOptions })
  const noted = documents.get(server) ?? new Map<string, OpenApiDocument>()
  documents.set(server, noted.set(prefix, document))
  await serveDocument(app, document, openapi)
}

/**
 * The OpenAPI document of an app that has the option `openapi`.
 *
 * @param app a Fastify instance of whatever server and logger
 * @param prefix of several registrations of the plugin, the one with this prefix
 * @throws {TypeError} if there is none
 */
export function openapiOf(app: { readonly server: object }, prefix = ''): OpenApiDocument {
  const document = documents.get(app.server)?.get(prefix)
  if (document) return document
  throw new TypeError(`The app has no document${prefix === '' ? '' : ` below ${prefix}`}: give it the option openapi`)
}
