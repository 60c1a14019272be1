import type { MethodRecord } from './metadata.js'
import type { Schema } from './openapi/document.js'
import { Schemas } from './openapi/schemas.js'
import type { ValidationOptions } from './validation/options.js'

/**
 * The schemas by which Fastify compiles what turns the answers of a method into JSON: from its `@Returns`, by status.
 * Nothing where no answer has properties to choose from.
 *
 * What is not declared is left out. What is there but not of the declared kind, such as a text where a number was
 * declared, or a number where an object was, is an error: the answer is 500. Rules beyond the kind are not looked at, and
 * nothing is required.
 *
 * @throws {DefinitionError} for a class without rules
 */
export function answerSchemas(
  where: string,
  { returns = [], status }: MethodRecord,
  validation: ValidationOptions,
): Record<string, Schema> | undefined {
  const schemas = new Schemas(validation)
  const found = returns.flatMap(({ body, contentType = 'json', status: own = status }): [string, Schema][] => {
    if (body === undefined || !/\bjson\b/i.test(contentType)) return []
    const schema = outline(schemas.of(where, body))
    // Where no status is named, none is an excuse.
    return isOpen(schema) ? [] : [[own === undefined ? '2xx' : String(own), schema]]
  })
  if (found.length === 0) return undefined
  const components = { schemas: outlines(schemas) }
  return Object.fromEntries(found.map(([key, schema]) => [key, { ...schema, components }]))
}

function outlines({ components }: Schemas): Record<string, Schema> {
  const all = Object.entries(components)
  return Object.fromEntries(all.map(([name, schema]) => [name, outline(schema, components)]))
}

/** What of a schema tells which properties there are. */
function outline(schema: Schema, components: Record<string, Schema> = {}): Schema {
  const { $ref, oneOf, discriminator, properties, items } = schema as Outlined
  if ($ref !== undefined) return { $ref }
  if (discriminator !== undefined) return union(discriminator, components)
  if (properties !== undefined) {
    const each = Object.entries(properties).map(([name, one]) => [name, outline(one, components)])
    // As one of two types, it is looked at whether it is an object; as a nullable one, a number would become {}.
    return { type: ['object', 'null'], properties: Object.fromEntries(each) }
  }
  if (items !== undefined) return { type: 'array', nullable: true, items: outline(items, components) }
  const parts = [...((schema.allOf ?? schema.anyOf ?? oneOf ?? []) as Schema[])].map(one => outline(one, components))
  return parts.find(part => !isOpen(part) && !isPlain(part)) ?? kindOf(schema)
}

interface Outlined {
  $ref?: string
  oneOf?: Schema[]
  discriminator?: { propertyName: string; mapping: Record<string, string> }
  properties?: Record<string, Schema>
  items?: Schema
}

/** One of several classes, told apart by the value of a property. */
function union(
  { propertyName, mapping }: NonNullable<Outlined['discriminator']>,
  components: Record<string, Schema>,
): Schema {
  const classes = Object.entries(mapping).map(([value, ref]): Schema => {
    const properties = (components[ref.slice(ref.lastIndexOf('/') + 1)] as Outlined).properties ?? {}
    const each = Object.entries(properties).map(([name, one]) => [name, outline(one, components)])
    return {
      type: 'object',
      properties: { ...Object.fromEntries(each), [propertyName]: { const: value } },
      required: [propertyName],
    }
  })
  return { anyOf: [...classes, { type: 'null' }] }
}

/** The kind of a plain value: an integer is a number, which is not cut to be one, and a date may be an instance. */
function kindOf({ type, format, contentEncoding }: Schema): Schema {
  const [kind, ...others] = [type ?? []].flat().filter(one => one !== 'null')
  if (others.length > 0 || format === 'date-time' || contentEncoding !== undefined) return {}
  if (kind === 'integer') return { type: ['number', 'null'] }
  if (kind === 'number' || kind === 'string' || kind === 'boolean') return { type: [kind, 'null'] }
  return {}
}

function isOpen(schema: Schema): boolean {
  return Object.keys(schema).length === 0
}

function isPlain({ type }: Schema): boolean {
  return Array.isArray(type) && ['number', 'string', 'boolean'].includes(type[0] as string)
}
