import { isMediaRange } from '../bodies/media.js'
import { checkUploads, type UploadOptions } from '../bodies/uploads.js'
import { DefinitionError } from '../errors.js'
import { recordMethod } from '../metadata.js'
import { methodAt, nameOf } from './routes.js'

/**
 * The media types that a method takes; a body of another is answered 415. Without it, a method takes what every route of
 * the app takes: JSON, and text.
 *
 * - `application/json`, and whatever else ends with `+json`.
 * - `application/x-www-form-urlencoded`, read by @fastify/formbody, and `multipart/form-data`, read by
 *   @fastify/multipart (see `@Multipart`). Their fields are text: they are converted to the types of the DTO.
 * - `text/plain` and other text, decoded by its charset.
 * - Any other, where the app has a parser for it.
 *
 * Ranges such as `image/*` do too. A body that is declared as a `Buffer` is taken byte for byte, whatever its media type.
 *
 * A page of a stranger can send forms and text in the name of your user without asking: where cookies tell who that is,
 * take JSON alone.
 *
 * @example
 * ```ts
 * @Post('/hook') @Consumes('application/json') hook(@Body() bytes: Buffer, @Header('x-signature') signature: string) {}
 * ```
 * @throws {DefinitionError} for what is no media type
 */
export function Consumes(...types: [string, ...string[]]): MethodDecorator {
  return (target, name, descriptor) => {
    const [owner, method] = methodAt('@Consumes', target, name, descriptor)
    for (const type of types) {
      if (isMediaRange(type)) continue
      throw new DefinitionError(`${target.constructor.name}.${method}`, `@Consumes('${type}') is no media type`)
    }
    recordMethod(owner, method).consumes = types.map(type => type.toLowerCase())
  }
}

/**
 * Takes forms with files, `multipart/form-data`, read by @fastify/multipart: their fields are the body, `@File()` and
 * `@Files()` give the files. Guards and other hooks run before a byte of the form is read.
 *
 * A method with `@File()` or `@Files()` takes forms without it; it is here for the options. They win over those of the
 * app.
 */
export function Multipart(options: UploadOptions = {}): MethodDecorator {
  return (target, name, descriptor) => {
    const place = methodAt('@Multipart', target, name, descriptor)
    checkUploads(`${nameOf(place)}, @Multipart`, options)
    recordMethod(...place).uploads = options
  }
}
