import type { FastifyInstance } from 'fastify'
import { DefinitionError } from '../errors.js'
import { importFor } from '../optional.js'
import { FORM, MULTIPART } from './media.js'
import { decode } from './text.js'

type Plugin = Parameters<FastifyInstance['register']>[0]

/**
 * Adds what reads bodies of a media type, or of a range of them.
 *
 * @param app the app of one route: parsers hold for all routes of an app
 * @param where who asks for them: `Prices.put, @Consumes('text/csv')`
 * @param bytes whether the method takes the bytes as they are
 * @throws {DefinitionError} if nothing reads them, or the package that does is not installed
 */
export async function addParser(app: FastifyInstance, where: string, type: string, bytes: boolean): Promise<void> {
  if (type === MULTIPART) return addMultipart(app, where)
  if (bytes) return addBytes(app, type)
  if (type !== 'text/plain' && app.hasContentTypeParser(type)) return
  if (type.startsWith('text/')) return addText(app, type)
  if (type === FORM) await app.register((await importFor<{ default: Plugin }>(where, '@fastify/formbody')).default)
  else if (type.endsWith('+json')) addJson(app, type)
  else
    throw new DefinitionError(where, `nothing reads ${type}: declare the body as a Buffer, or add a parser to the app`)
}

async function addMultipart(app: FastifyInstance, where: string): Promise<void> {
  if (app.hasRequestDecorator('isMultipart')) return
  await app.register((await importFor<{ default: Plugin }>(where, '@fastify/multipart')).default)
}

function addBytes(app: FastifyInstance, type: string): void {
  replace(app, type)
  app.addContentTypeParser(keyOf(type), { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

function addText(app: FastifyInstance, type: string): void {
  replace(app, type)
  app.addContentTypeParser<Buffer>(keyOf(type), { parseAs: 'buffer' }, (request, body, done) => {
    const text = decode(body, request.headers['content-type'])
    done(null, text)
  })
}

function addJson(app: FastifyInstance, type: string): void {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = app.initialConfig
  app.addContentTypeParser(
    type,
    { parseAs: 'string' },
    app.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning),
  )
}

/** Takes out the parsers that stand before one for a type or a range. */
function replace(app: FastifyInstance, type: string): void {
  if (type === '*/*') app.removeAllContentTypeParsers()
  else if (!type.endsWith('/*')) app.removeContentTypeParser(type)
  else if (type === 'text/*') app.removeContentTypeParser('text/plain')
  else if (type === 'application/*') app.removeContentTypeParser('application/json')
}

/** A media type as Fastify knows it. */
function keyOf(type: string): string | RegExp {
  if (type === '*/*') return '*'
  return type.endsWith('/*') ? new RegExp(`^${type.slice(0, -1).replace(/[.+*^$]/g, '\\$&')}`) : type
}
