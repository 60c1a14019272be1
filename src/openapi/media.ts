import type { MediaType, OpenApiDocument, ResponseObject } from './document.js'

type Change = (media: MediaType) => MediaType

/** The same paths, with the content of every answer changed. */
export function mapMedia(paths: OpenApiDocument['paths'], change: Change): OpenApiDocument['paths'] {
  return mapValues(paths, item =>
    mapValues(item, operation => ({
      ...operation,
      responses: mapValues(operation.responses, response => inResponse(response, change)),
    })),
  )
}

function inResponse(response: ResponseObject, change: Change): ResponseObject {
  return response.content === undefined ? response : { ...response, content: mapValues(response.content, change) }
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
