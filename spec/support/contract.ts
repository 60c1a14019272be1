import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { EventSourceMessage } from 'eventsource-parser'
import type { OpenApiDocument, Schema } from 'okapi'

const addFormats = formats as unknown as typeof formats.default

/** An OpenAPI document that answers are held to, by a validator that is not ours. */
export class Contract {
  readonly document: OpenApiDocument
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #compiled = new Map<Schema, ValidateFunction>()

  constructor(document: OpenApiDocument) {
    this.document = document
    addFormats(this.#ajv)
    this.#ajv.addSchema({ $id: 'document', components: document.components })
  }

  /** What is wrong with a value, by a schema of the document; empty if nothing is. */
  faults(schema: Schema, value: unknown): string[] {
    const validate = this.#compile(schema)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }

  /** What is wrong with an event, as a foreign parser has read it, by the schema of the items of its stream. */
  eventFaults(item: Schema, { event, data, id }: EventSourceMessage): string[] {
    const value = { data, ...(event === undefined ? {} : { event }), ...(id === undefined ? {} : { id }) }
    const faults = this.faults(item, value)
    if (faults.length > 0) return faults
    const variant = (item.oneOf as Schema[]).find(one => this.faults(one, value).length === 0) as Schema
    const { data: text } = this.resolve(variant).properties as { data: Schema }
    return text.contentMediaType === 'application/json' && text.contentSchema !== undefined
      ? this.faults(text.contentSchema as Schema, JSON.parse(data))
      : []
  }

  /** The schema behind a reference. */
  resolve(schema: Schema): Schema {
    const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
    return name === undefined ? schema : (this.document.components.schemas[name] as Schema)
  }

  #compile(schema: Schema): ValidateFunction {
    let validate = this.#compiled.get(schema)
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as Schema)
      this.#compiled.set(schema, validate)
    }
    return validate
  }
}
