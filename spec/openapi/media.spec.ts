import { expect } from 'chai'
import type { OpenApiDocument, Schema } from 'okapi'
import { mapMedia } from '../../src/openapi/media.js'

describe('mapMedia', () => {
  it('changes the content of every answer, and nothing else', () => {
    const responses = (schema: Schema) => ({
      200: { description: 'OK', content: { 'text/csv': { schema }, 'application/json': { schema } } },
      204: { description: 'No Content' },
    })
    const paths = (schema: Schema): OpenApiDocument['paths'] => ({
      '/a': { get: { operationId: 'a', tags: ['A'], responses: responses(schema) } },
    })

    const changed = mapMedia(paths({ type: 'string' }), () => ({ schema: { type: 'number' } }))

    expect(changed).to.deep.equal(paths({ type: 'number' }))
  })
})
