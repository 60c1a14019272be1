import { XMLBuilder } from 'fast-xml-parser'
import type { Serializer } from 'okapi'
import { injectable } from 'tsyringe'

/** Turns an object into XML: each property is an element, and text is escaped. */
@injectable()
export class XmlSerializer implements Serializer {
  readonly #builder = new XMLBuilder()

  serialize(data: unknown): string {
    return this.#builder.build(data)
  }
}
