import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { html } from '../answers.js'
import { HttpError } from '../errors.js'
import { importFor } from '../optional.js'
import type { OpenApiDocument } from './document.js'
import { downgrade } from './downgrade.js'
import { mapMedia } from './media.js'
import type { OpenApiServing } from './options.js'

type Stringify = (document: OpenApiDocument) => string

/** Serves a document as JSON and YAML, and a page that shows it. */
export async function serveDocument(
  app: FastifyInstance,
  document: OpenApiDocument,
  options: OpenApiServing,
): Promise<void> {
  const { json = '/openapi.json', yaml = '/openapi.yaml', page = '/docs' } = options
  if (json !== false) serveText(app, json, 'application/json; charset=utf-8', document, one => JSON.stringify(one))
  if (yaml !== false) {
    const { stringify } = await importFor<typeof import('yaml')>('option openapi (or openapi: { yaml: false })', 'yaml')
    serveText(app, yaml, 'application/yaml; charset=utf-8', document, one =>
      stringify(one, { aliasDuplicateObjects: false }),
    )
  }
  if (page !== false) await servePage(app, page, document)
}

function serveText(
  app: FastifyInstance,
  url: string,
  type: string,
  document: OpenApiDocument,
  stringify: Stringify,
): void {
  const texts = new Map<string, string>()
  const textOf = (version: string): string => {
    const text = texts.get(version) ?? stringify(version === '3.1' ? downgrade(document) : document)
    texts.set(version, text)
    return text
  }
  app.get(url, (request: FastifyRequest, reply: FastifyReply) => {
    const { version = '3.2' } = request.query as { version?: unknown }
    if (version !== '3.2' && version !== '3.1')
      throw new HttpError(400, 'The document comes in the versions 3.2 and 3.1')
    reply.type(type).send(textOf(version))
  })
}

/** Swagger UI, from its package: nothing is loaded from elsewhere, and the policy of the page would not let it. */
async function servePage(app: FastifyInstance, page: string, document: OpenApiDocument): Promise<void> {
  const { default: swaggerUi } = await importFor<{ default: FastifyPluginAsync<object> }>(
    'option openapi (or openapi: { page: false })',
    '@fastify/swagger-ui',
  )
  const shown = forPage(document)
  const origins = (document.servers ?? []).flatMap(({ url }) => (URL.canParse(url) ? new URL(url).origin : []))
  await app.register(async scope => {
    // Called as a function and not registered: it asks for @fastify/swagger, which would be a second source.
    if (!scope.hasDecorator('swagger')) scope.decorate('swagger', () => shown)
    await swaggerUi(scope, {
      routePrefix: page,
      indexPrefix: app.prefix,
      uiConfig: { layout: 'BaseLayout' },
      theme: { title: html`${document.info.title}`.text },
      transformSpecification: () => shown,
      transformSpecificationClone: false,
      staticCSP: {
        'default-src': "'self'",
        'connect-src': ["'self'", ...origins],
        'img-src': "'self' data:",
        'style-src': "'self' 'unsafe-inline'",
        'object-src': "'none'",
        'base-uri': "'self'",
        'frame-ancestors': "'none'",
      },
    })
  })
}

/** The page shows no `itemSchema` yet. A stream of items is, to a schema, the same as an array of them. */
function forPage(document: OpenApiDocument): OpenApiDocument {
  const paths = mapMedia(document.paths, media =>
    media.itemSchema === undefined ? media : { ...media, schema: { type: 'array', items: media.itemSchema } },
  )
  return { ...document, paths }
}
