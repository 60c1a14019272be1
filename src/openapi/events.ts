import type { EventRecord } from '../metadata.js'
import { RESERVED_PREFIX } from '../sse/event.js'
import type { Serializer } from '../sse/index.js'
import { Base64Serializer, DefaultSerializer, JsonSerializer } from '../sse/index.js'
import { GAP } from '../topics/gap.js'
import type { Schema } from './document.js'
import { endEvent, errorEvent, eventSchema, gapEvent, jsonText } from './frames.js'
import type { Schemas } from './schemas.js'

/** What decides what a stream may send. */
export interface DescribedStream {
  /** For messages: `Prices.watch`. */
  readonly where: string
  readonly events: readonly EventRecord[]
  /** The serializer of the stream, or its class; nothing where it is not known. */
  readonly serializer: Serializer | object | undefined
  /** Whether every event with data has an id. */
  readonly ids: boolean
  /** Whether it may say `stream:gap`. */
  readonly gaps: boolean
}

/**
 * The schema of one event of a stream: one of those that are declared, told apart by their types, or one of the
 * framework's own.
 */
export function itemSchema(schemas: Schemas, stream: DescribedStream): Schema {
  const events = stream.events.filter(({ type }) => type !== GAP)
  const own = events.length === 0 ? [anyEvent()] : declared(schemas, { ...stream, events })
  const frames = [errorEvent(schemas)]
  if (stream.gaps) frames.push(gapEvent(schemas))
  return { oneOf: [...own, ...frames, endEvent(schemas)] }
}

/** Where nothing is declared, anything may come but what is the framework's. */
function anyEvent(): Schema {
  const { properties, title: _, ...rest } = eventSchema('message', { type: 'string' })
  return {
    ...rest,
    properties: { ...(properties as Schema), event: { type: 'string', not: { pattern: `^${RESERVED_PREFIX}` } } },
  }
}

/** One schema for each type: a validator would find two of the same type both right. */
function declared(schemas: Schemas, { where, events, serializer, ids }: DescribedStream): Schema[] {
  const types = new Map<string, EventRecord[]>()
  for (const event of events) {
    const type = event.type || 'message'
    types.set(type, [...(types.get(type) ?? []), event])
  }
  return [...types].map(([type, same]) => {
    const data = eitherOf(same.map(event => dataSchema(schemas, where, event, serializer)))
    const schema = eventSchema(
      type,
      data,
      same.every(({ id, data }) => id === true || (ids && data !== undefined)),
    )
    const said = same.flatMap(({ description }) => description ?? [])
    return said.length === 0 ? schema : { ...schema, description: said.join('\n\n') }
  })
}

function eitherOf(all: Schema[]): Schema {
  const [first, ...others] = all
  if (first === undefined || others.length === 0) return first ?? {}
  const contents = all.map(({ contentMediaType, contentSchema }) =>
    contentMediaType === 'application/json' ? (contentSchema as Schema) : undefined,
  )
  return contents.includes(undefined) ? { anyOf: all } : jsonText({ anyOf: contents })
}

/** The data of an event, which is a string once it is parsed. */
function dataSchema(
  schemas: Schemas,
  where: string,
  event: EventRecord,
  serializer: DescribedStream['serializer'],
): Schema {
  const { data, contentType } = event
  if (data === undefined) return { type: 'string', const: '' }
  const schema = schemas.of(where, data)
  if (contentType !== undefined) {
    if (data === Uint8Array) return { type: 'string', contentEncoding: 'base64', contentMediaType: contentType }
    return { type: 'string', contentMediaType: contentType, ...(isJson(contentType) ? { contentSchema: schema } : {}) }
  }
  if (is(serializer, JsonSerializer)) return jsonText(schema)
  if (is(serializer, Base64Serializer)) return { type: 'string', contentEncoding: 'base64' }
  if (serializer !== undefined && !is(serializer, DefaultSerializer)) return { type: 'string' }
  return data === String || data === Uint8Array ? schema : jsonText(schema)
}

function isJson(contentType: string): boolean {
  return /[/+]json\b/.test(contentType)
}

/** A serializer may be given by its class, or another token that nobody can look into. */
function is(serializer: unknown, type: new () => Serializer): boolean {
  return serializer === type || serializer instanceof type
}
