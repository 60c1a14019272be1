import { docOf } from '../docs.js'
import { type DtoClass, dtoOf } from '../validation/dto.js'
import type { ValidationOptions } from '../validation/options.js'
import { isArrayType, type ValueType } from '../value-type.js'
import type { Schema } from './document.js'
import { keywordsOf, together } from './keywords.js'
import { type Property, propertiesOf } from './rules.js'

/** What the classes of the language are in JSON. */
const natives = new Map<unknown, Schema>([
  [String, { type: 'string' }],
  [Number, { type: 'number' }],
  [Boolean, { type: 'boolean' }],
  [BigInt, { type: 'integer' }],
  [Date, { type: 'string', format: 'date-time' }],
  [Array, { type: 'array', items: {} }],
  [Uint8Array, { type: 'string', contentEncoding: 'base64' }],
])

/** The schemas of a document: each DTO stands in it once, by the name of its class. */
export class Schemas {
  /** By name. */
  readonly components: Record<string, Schema> = {}
  readonly #validation: ValidationOptions
  readonly #names = new Map<DtoClass, string>()

  /** @param validation how the app checks DTOs: which groups hold, and whether unknown properties are refused */
  constructor(validation: ValidationOptions = {}) {
    this.#validation = validation
  }

  /**
   * The schema of a value type.
   *
   * @param where for messages: who declared it
   * @throws {DefinitionError} for a class without rules
   */
  of(where: string, type: ValueType): Schema {
    return isArrayType(type) ? { type: 'array', items: this.ofType(where, type[0]) } : this.ofType(where, type)
  }

  /** The schema of a type as the compiler gives it; an empty one where nothing is known. */
  ofType(where: string, type: unknown): Schema {
    const native = natives.get(type)
    if (native) return { ...native }
    const dto = dtoOf(where, type)
    return dto ? this.ref(dto) : {}
  }

  /** A reference to the schema of a DTO. */
  ref(type: DtoClass): Schema {
    return { $ref: `#/components/schemas/${this.#names.get(type) ?? this.#add(type)}` }
  }

  /** The properties of a DTO, each with its schema. */
  properties(type: DtoClass): { property: Property; schema: Schema }[] {
    return propertiesOf(type, this.#validation).map(property => ({ property, schema: this.#property(type, property) }))
  }

  /** Adds a schema that is not that of a DTO, once. */
  add(name: string, schema: Schema): Schema {
    this.components[name] ??= schema
    return { $ref: `#/components/schemas/${name}` }
  }

  #add(type: DtoClass): string {
    const name = this.#freeName(type.name)
    this.#names.set(type, name)
    // Before its properties: one of them may be of the same class.
    this.components[name] = {}
    const properties = this.properties(type)
    const required = properties.filter(({ property }) => !property.optional).map(({ property }) => property.name)
    const { description, deprecated } = docOf(type)
    this.components[name] = {
      type: 'object',
      ...(description === undefined ? {} : { description }),
      ...(deprecated === undefined ? {} : { deprecated }),
      properties: Object.fromEntries(properties.map(({ property, schema }) => [property.name, schema])),
      ...(required.length === 0 ? {} : { required }),
      ...(this.#validation.forbidNonWhitelisted === true ? { additionalProperties: false } : {}),
    }
    return name
  }

  /** Two classes may have one name, and components allow few characters. */
  #freeName(name: string): string {
    const base = name.replace(/[^\w.-]/g, '_') || 'Anonymous'
    let free = base
    for (let count = 2; free in this.components; count++) free = `${base}_${count}`
    return free
  }

  #property(type: DtoClass, property: Property): Schema {
    const { description, deprecated, examples } = docOf(type, property.key)
    const schema = property.nullable ? orNull(this.#value(type, property)) : this.#value(type, property)
    const said: Schema = { ...schema }
    if (description !== undefined) said.description = description
    if (deprecated !== undefined) said.deprecated = deprecated
    if (examples !== undefined) said.examples = [...examples]
    if (isJson(property.initial)) said.default = property.initial
    return said
  }

  #value(type: DtoClass, property: Property): Schema {
    const { rules, array, nested } = property
    const own = rules.filter(({ each }) => !each).map(keywordsOf)
    const each = rules.filter(rule => rule.each).map(keywordsOf)
    const whole = together(own)
    if (!array && each.length === 0 && whole.type !== 'array') {
      return nested || !says(whole) ? together([this.#item(type, property), whole]) : whole
    }
    const item = together(each)
    const items = nested || !says(item) ? together([this.#item(type, property), item]) : item
    return together([{ type: 'array' }, whole, { items }])
  }

  #item(type: DtoClass, { key, type: declared, variants, nested }: Property): Schema {
    if (variants) {
      const mapping = variants.classes.map(one => [one.name, this.ref(one.type).$ref])
      return {
        oneOf: variants.classes.map(one => this.ref(one.type)),
        discriminator: { propertyName: variants.property, mapping: Object.fromEntries(mapping) },
      }
    }
    // Without @ValidateNested, nothing of a class within a DTO is checked.
    if (!nested && !natives.has(declared)) return {}
    return this.ofType(`${type.name}.${key}`, declared)
  }
}

/** Whether a schema says what kind of value it is for. */
function says(schema: Schema): boolean {
  return ['type', 'enum', 'const', 'anyOf'].some(keyword => keyword in schema)
}

/** The same schema, which lets null through as well. */
function orNull(schema: Schema): Schema {
  const { type, enum: values } = schema
  if (Object.keys(schema).length === 0) return schema
  const plain = ['not', 'const', 'allOf', 'anyOf', 'oneOf', '$ref'].every(keyword => !(keyword in schema))
  if (!plain) return { anyOf: [schema, { type: 'null' }] }
  const nullable = { ...schema }
  if (typeof type === 'string') nullable.type = [type, 'null']
  if (Array.isArray(values) && !values.includes(null)) nullable.enum = [...values, null]
  return nullable
}

function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson)
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  )
}
