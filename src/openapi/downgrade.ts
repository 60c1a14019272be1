import type { MediaType, OpenApiDocument, OpenApiTag, Schema } from './document.js'
import { mapMedia } from './media.js'

/**
 * The same document as OpenAPI 3.1, for tools that do not know 3.2. What 3.1 cannot say stands where such tools show it
 * or skip it: a stream becomes a text whose description lists its events, and its schema stays as `x-itemSchema`.
 */
export function downgrade(document: OpenApiDocument): OpenApiDocument {
  const { servers, tags, paths } = document
  return {
    ...document,
    openapi: '3.1.1',
    ...(servers ? { servers: servers.map(({ name: _, ...server }) => server) } : {}),
    tags: tags.map(tag),
    paths: mapMedia(paths, media => mediaType(document, media)),
  }
}

function tag({ summary, description = summary, parent: _, kind: __, ...rest }: OpenApiTag): OpenApiTag {
  return description === undefined ? rest : { ...rest, description }
}

function mediaType(document: OpenApiDocument, { itemSchema, ...media }: MediaType): MediaType {
  if (itemSchema === undefined) return media
  const description = `A stream of server-sent events:\n\n${linesOf(document, itemSchema).join('\n')}`
  return { ...media, schema: { type: 'string', description }, 'x-itemSchema': itemSchema }
}

/** One line for each event. */
function linesOf(document: OpenApiDocument, { oneOf }: Schema): string[] {
  return (oneOf as Schema[]).map(event => {
    const { title, description } = resolve(document, event)
    const name = title === undefined ? 'any event' : `\`${title}\``
    return description === undefined ? `- ${name}` : `- ${name}: ${description}`
  })
}

function resolve({ components }: OpenApiDocument, schema: Schema): Schema {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
  return name === undefined ? schema : (components.schemas[name] as Schema)
}
