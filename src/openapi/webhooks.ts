import { checkNames } from '../known.js'
import type { Operation, ParameterObject } from './document.js'
import { type OpenApiWebhook, webhookNames } from './options.js'
import type { Schemas } from './schemas.js'

/**
 * A webhook as an operation: a POST that the client of the API answers.
 *
 * @throws {DefinitionError} for a body that is a class without rules, and for what nobody reads
 */
export function webhookOf(schemas: Schemas, name: string, webhook: OpenApiWebhook): Operation {
  const where = `openapi, webhook ${name}`
  checkNames(where, webhook, webhookNames)
  const { body, headers = {}, summary, description, deprecated, tags = [] } = webhook
  const parameters = Object.entries(headers).map(
    ([header, description]): ParameterObject => ({
      name: header,
      in: 'header',
      description,
      schema: { type: 'string' },
    }),
  )
  const content = body && { 'application/json': { schema: schemas.of(where, body) } }
  return {
    operationId: name,
    tags: [...tags],
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    // Who may call the API says nothing of who is called.
    security: [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: { '2XX': { description: 'Taken.' } },
  }
}
