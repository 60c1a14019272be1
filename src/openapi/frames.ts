import { REQUEST_PARTS } from '../errors.js'
import { END_REASONS } from '../sse/frames.js'
import { GAP, GAP_REASONS } from '../topics/gap.js'
import type { Schema } from './document.js'
import type { Schemas } from './schemas.js'

/** What the framework itself sends, as schemas. The specs hold each to what is really sent. */

/** Problem details, as every error is answered. See RFC 9457. */
export function problemSchema(schemas: Schemas): Schema {
  return schemas.add('Problem', {
    type: 'object',
    description: 'Problem details: how every error is answered. See RFC 9457.',
    properties: {
      type: { type: 'string', format: 'uri-reference' },
      title: { type: 'string', description: 'The name of the status.' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { type: 'string', description: 'What went wrong, in a sentence.' },
      code: { type: 'string', description: 'Tells the error apart for programs.' },
      instance: { type: 'string', format: 'uri-reference', description: 'This one occurrence.' },
      errors: { type: 'array', items: issueSchema, description: 'Everything that is wrong with the request.' },
    },
    required: ['type', 'title', 'status'],
  })
}

const issueSchema: Schema = {
  type: 'object',
  properties: {
    in: { type: 'string', enum: [...REQUEST_PARTS], description: 'The part of the request.' },
    property: { type: 'string', description: 'The name of the parameter, or the path to the property in the body.' },
    constraint: { type: 'string', description: 'The rule that was broken.' },
    detail: { type: 'string', description: 'What is wrong, in a sentence.' },
  },
  required: ['in', 'property', 'constraint', 'detail'],
}

/** A stream that fails says so, and is over. */
export function errorEvent(schemas: Schemas): Schema {
  return schemas.add('StreamErrorEvent', {
    ...eventSchema('stream:error', jsonText(problemSchema(schemas))),
    description: 'The stream has failed, and is over.',
  })
}

/** A stream that has ended says why. */
export function endEvent(schemas: Schemas): Schema {
  const reason = {
    type: 'object',
    properties: { reason: { type: 'string', enum: [...END_REASONS] } },
    required: ['reason'],
  }
  return schemas.add('StreamEndEvent', {
    ...eventSchema('stream:end', jsonText(reason)),
    description: 'The stream is over: it has said all (`done`), or the client is to come back, after `retry`.',
  })
}

/** A client that has missed events of a topic is told. */
export function gapEvent(schemas: Schemas): Schema {
  const position = { type: ['string', 'null'] }
  const gap = {
    type: 'object',
    properties: {
      requested: { type: 'string', description: 'The position it asked for, or stood at.' },
      earliest: { ...position, description: 'The first event that is kept.' },
      latest: { ...position, description: 'The last event there was.' },
      lost: { type: ['integer', 'null'], description: 'How many events it will not see, where that can be known.' },
      reason: { type: 'string', enum: [...GAP_REASONS] },
      topic: { type: 'string', description: 'Which topic it is about, where there are several.' },
    },
    required: ['requested', 'earliest', 'latest', 'lost', 'reason'],
  }
  return schemas.add('StreamGapEvent', {
    ...eventSchema(GAP, jsonText(gap)),
    description: 'The client has missed events, and goes on behind them.',
  })
}

/** An event as a parser of the standard has it. See OpenAPI 3.2, "Special Considerations for Server-Sent Events". */
export function eventSchema(type: string, data: Schema, id = false): Schema {
  // An event without a type is one of the type `message`.
  const untyped = type === 'message'
  return {
    type: 'object',
    title: type,
    properties: {
      id: { type: 'string' },
      event: { type: 'string', const: type },
      retry: { type: 'integer', minimum: 0 },
      data,
    },
    required: [...(id ? ['id'] : []), ...(untyped ? [] : ['event']), 'data'],
  }
}

/** Data that is JSON: a string on the wire, and in it a value of the schema. */
export function jsonText(schema: Schema): Schema {
  return { type: 'string', contentMediaType: 'application/json', contentSchema: schema }
}
