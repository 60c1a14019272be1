import type { Names } from '../sse/known.js'
import type { ValueType } from '../value-type.js'
import type { OpenApiInfo, OpenApiLink, OpenApiSecurityScheme, OpenApiServer, OpenApiTag } from './document.js'

/** A request that the app sends to its clients, at URLs that they have given. It tells of it; sending is yours. */
export interface OpenApiWebhook {
  /** What the body is, as JSON: a DTO, `[Price]`. Default: none. */
  body?: ValueType
  /** Headers beside those of HTTP, such as a signature: what each is, by its name. */
  headers?: Readonly<Record<string, string>>
  summary?: string
  description?: string
  deprecated?: boolean
  tags?: readonly string[]
}

export const webhookNames: Names<OpenApiWebhook> = {
  body: true,
  headers: true,
  summary: true,
  description: true,
  deprecated: true,
  tags: true,
}

/** What a document says that no controller knows. */
export interface OpenApiOptions {
  /** The name and the version of the API, and who stands behind it. */
  info: OpenApiInfo
  /** Where the API is served, if not where the document is. */
  servers?: OpenApiServer[]
  /** How clients prove who they are, by name, as OpenAPI says it: `{ bearer: { type: 'http', scheme: 'bearer' } }`. */
  securitySchemes?: Record<string, OpenApiSecurityScheme>
  /** Which of them let a request in, where `@Doc` does not say otherwise. Default: none is asked for. */
  security?: string | readonly (string | Readonly<Record<string, readonly string[]>>)[]
  /** More about tags than their names. */
  tags?: OpenApiTag[]
  externalDocs?: OpenApiLink
  /** What the app sends to its clients, by name. */
  webhooks?: Readonly<Record<string, OpenApiWebhook>>
}

/** Where an app serves its document, and a page for people. Everybody may read them whom the hooks of the app let pass. */
export interface OpenApiServing extends OpenApiOptions {
  /** The path of the document as JSON. Default `/openapi.json`. `?version=3.1` gives it as OpenAPI 3.1. */
  json?: string | false
  /** The path of the document as YAML, by the package yaml. Default `/openapi.yaml`. */
  yaml?: string | false
  /** The path of the page, which is Swagger UI, by the package @fastify/swagger-ui. Default `/docs`. */
  page?: string | false
}

export const servingNames: Names<OpenApiServing> = {
  info: true,
  servers: true,
  securitySchemes: true,
  security: true,
  tags: true,
  externalDocs: true,
  webhooks: true,
  json: true,
  yaml: true,
  page: true,
}
