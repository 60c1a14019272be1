/** The parts of an OpenAPI document that this house writes. See https://spec.openapis.org/oas/v3.2.0.html */

/** A JSON Schema, draft 2020-12. */
export type Schema = { [keyword: string]: unknown }

export interface OpenApiInfo {
  title: string
  version: string
  summary?: string
  description?: string
  termsOfService?: string
  contact?: { name?: string; url?: string; email?: string }
  license?: { name: string; identifier?: string; url?: string }
}

export interface OpenApiServer {
  url: string
  name?: string
  description?: string
  variables?: Record<string, { default: string; enum?: string[]; description?: string }>
}

export interface OpenApiTag {
  name: string
  summary?: string
  description?: string
  parent?: string
  kind?: string
  externalDocs?: OpenApiLink
}

export interface OpenApiLink {
  url: string
  description?: string
}

export interface OpenApiSecurityScheme {
  type: 'apiKey' | 'http' | 'mutualTLS' | 'oauth2' | 'openIdConnect'
  [field: string]: unknown
}

/** What lets a request in: all of the named schemes, each with its scopes. */
export type SecurityRequirement = Record<string, string[]>

export interface MediaType {
  schema?: Schema
  itemSchema?: Schema
  [extension: `x-${string}`]: unknown
}

export interface ParameterObject {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  required?: boolean
  deprecated?: boolean
  description?: string
  style?: string
  explode?: boolean
  schema: Schema
}

export interface RequestBody {
  required?: boolean
  content: Record<string, MediaType>
}

export interface ResponseObject {
  description: string
  headers?: Record<string, { description?: string; schema: Schema }>
  content?: Record<string, MediaType>
}

export interface Operation {
  operationId: string
  tags: string[]
  summary?: string
  description?: string
  deprecated?: boolean
  security?: SecurityRequirement[]
  parameters?: ParameterObject[]
  requestBody?: RequestBody
  responses: Record<string, ResponseObject>
}

export interface Components {
  schemas: Record<string, Schema>
  securitySchemes?: Record<string, OpenApiSecurityScheme>
}

/** An OpenAPI document, ready to be written as JSON or YAML. */
export interface OpenApiDocument {
  openapi: string
  info: OpenApiInfo
  servers?: OpenApiServer[]
  externalDocs?: OpenApiLink
  tags: OpenApiTag[]
  security?: SecurityRequirement[]
  /** By path, then by method in lower case. */
  paths: Record<string, Record<string, Operation>>
  /** By name, then by method. */
  webhooks?: Record<string, Record<string, Operation>>
  components: Components
}
