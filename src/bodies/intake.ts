import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DefinitionError, HttpError } from '../errors.js'
import type { MethodRecord } from '../metadata.js'
import { type Form, readForm } from './form.js'
import { BYTES, isWithin, MULTIPART, mediaTypeOf } from './media.js'
import { addParser } from './parsers.js'
import { resolveUploads, type UploadOptions } from './uploads.js'

/** How a route takes bodies that not every route takes. */
export interface Intake {
  /** The app of the route, with parsers of its own. */
  readonly app: FastifyInstance
  /** Refuses other media types; a hook before the body is parsed. */
  readonly refuse: (request: FastifyRequest) => Promise<void>
  /** Reads the form of a request that brings one. */
  readonly readForm: FormReader | undefined
}

/** Reads the form of a request, if it brings one. */
export type FormReader = (request: FastifyRequest, reply: FastifyReply) => Promise<Form | undefined>

/**
 * Prepares, at boot, how a route takes the media types that its method declares. One that declares none takes what every
 * route of the app takes.
 *
 * @param types the types of the parameters of the method
 * @throws {DefinitionError} if nothing reads a media type, or files are asked for that do not come
 */
export async function intakeOf(
  app: FastifyInstance,
  where: string,
  record: MethodRecord,
  types: readonly unknown[],
  uploads: UploadOptions | undefined,
): Promise<Intake | undefined> {
  const bytes = [...record.parameters].find(([index, { kind }]) => kind === 'body' && types[index] === Buffer)
  const consumes = consumedBy(record, bytes !== undefined)
  const options = resolveUploads(record.uploads, uploads)
  checkFiles(where, record, consumes, options)
  if (bytes && consumes.includes(MULTIPART)) {
    const cure = "declare a DTO of its fields, or say @Consumes('*/*') for its bytes"
    throw new DefinitionError(
      `${where}, parameter ${bytes[0]}`,
      `${bytes[1].decorator} of a form is no Buffer: ${cure}`,
    )
  }
  if (consumes.length === 0) return undefined
  // An app within the app: what is added to it holds for its routes alone.
  let own = app
  await app.register(async child => {
    own = child
    for (const type of consumes) await addParser(child, `${where}, ${askerOf(record, type)}`, type, bytes !== undefined)
  })
  return {
    app: own,
    refuse: refuser(consumes),
    readForm: consumes.includes(MULTIPART)
      ? async (request, reply) => (request.isMultipart() ? readForm(request, reply, options) : undefined)
      : undefined,
  }
}

/** The media types that a method declares; a parameter with files declares one too, and so does a body that is bytes. */
function consumedBy({ consumes = [], uploads, parameters }: MethodRecord, bytes: boolean): string[] {
  if (consumes.length > 0) return consumes
  const hasFiles = [...parameters.values()].some(({ kind }) => isFile(kind))
  if (hasFiles || uploads !== undefined) return [MULTIPART]
  return bytes ? [BYTES] : []
}

/** The decorator that asks for a media type. */
function askerOf({ consumes = [], parameters }: MethodRecord, type: string): string {
  if (consumes.includes(type)) return `@Consumes('${type}')`
  return [...parameters.values()].find(({ kind }) => isFile(kind))?.decorator ?? '@Multipart()'
}

function isFile(kind: string): boolean {
  return kind === 'file' || kind === 'files'
}

function checkFiles(where: string, record: MethodRecord, consumes: string[], { to }: UploadOptions): void {
  for (const [index, { kind, name, decorator }] of record.parameters) {
    if (!isFile(kind)) continue
    const here = `${where}, parameter ${index}`
    if (!consumes.includes(MULTIPART)) {
      throw new DefinitionError(here, `${decorator} needs a form: add '${MULTIPART}' to its @Consumes`)
    }
    if (to === 'stream' && (kind === 'file' || name !== undefined)) {
      throw new DefinitionError(
        here,
        `${decorator} cannot choose among files that are still to come: take all by @Files()`,
      )
    }
  }
}

function refuser(consumes: string[]): Intake['refuse'] {
  // See RFC 9110, section 15.5.16: the header tells what would have been taken.
  const headers = { accept: consumes.join(', '), connection: 'close' }
  return async request => {
    const given = request.headers['content-type']
    if (given === undefined || consumes.some(range => isWithin(mediaTypeOf(given), range))) return
    throw new HttpError(415, `The body must be ${consumes.join(' or ')}`, { headers })
  }
}
