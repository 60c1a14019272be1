import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BadRequestError, HttpError } from '../errors.js'
import { type FileHead, filenameOf, StreamedFile, UploadedFile } from './file.js'
import { Folder } from './folder.js'
import type { UploadOptions } from './uploads.js'

/** What a client has sent as `multipart/form-data`. */
export interface Form {
  /** The fields by name; one that came more than once is an array. */
  readonly fields: Record<string, unknown>
  /** The files; those that are still to come, one after the other. */
  readonly files: UploadedFile[] | AsyncIterable<StreamedFile>
}

type Limits = Required<UploadOptions>
type Parts = AsyncIterator<Multipart>

/**
 * Reads a form: its fields, and its files to disk, where they stay until the request is over; or of the files none, so
 * that the method reads them.
 *
 * @throws {HttpError} 413 for more than the limits allow, 400 for what is no form
 */
export async function readForm(request: FastifyRequest, reply: FastifyReply, limits: Limits): Promise<Form> {
  const parts = partsOf(request, limits)
  const fields: Record<string, unknown> = Object.create(null)
  const close = (): void => drain(request.raw)
  try {
    if (limits.to === 'disk') return { fields, files: await save(parts, fields, reply, limits) }
    reply.raw.once('close', close)
    const first = await readFields(parts, fields, limits)
    return { fields, files: stream(first, parts, limits) }
  } catch (error) {
    close()
    throw error
  }
}

/** Lets the rest of a request go by, so that its connection does not stand still. */
function drain(raw: IncomingMessage): void {
  raw.unpipe()
  raw.resume()
}

async function* partsOf(request: FastifyRequest, limits: Limits): AsyncGenerator<Multipart, undefined> {
  const { fileSize, files, fieldSize, fields } = limits
  try {
    yield* request.parts({ limits: { fileSize, files, fieldSize, fields, parts: files + fields } })
  } catch (error) {
    throw refusal(error, limits)
  }
  return undefined
}

/** What a client is told of a form that cannot be read. */
function refusal(error: unknown, { files, fields }: Limits): unknown {
  if (error instanceof HttpError) return error
  const { code, message } = error as { code?: string; message: string }
  switch (code) {
    case 'FST_FILES_LIMIT':
      return tooLarge(`The form has more than ${files} files`)
    case 'FST_FIELDS_LIMIT':
      return tooLarge(`The form has more than ${fields} fields`)
    case 'FST_PARTS_LIMIT':
      return tooLarge(`The form has more than ${files + fields} parts`)
    case 'FST_REQ_FILE_TOO_LARGE':
      return tooLarge('A file of the form is too large')
    default:
      return new BadRequestError(`The form cannot be read: ${message}`, { cause: error })
  }
}

function tooLarge(message: string): HttpError {
  return new HttpError(413, message, { headers: { connection: 'close' } })
}

async function save(
  parts: Parts,
  fields: Record<string, unknown>,
  reply: FastifyReply,
  limits: Limits,
): Promise<UploadedFile[]> {
  const folder = new Folder(limits.directory)
  reply.raw.once('close', () => folder.remove().catch(() => {}))
  const files: UploadedFile[] = []
  for (;;) {
    const part = await readFields(parts, fields, limits)
    if (part === undefined) return files
    files.push(await saveOne(part, folder, limits))
  }
}

/** Reads fields, up to the next file. */
async function readFields(
  parts: Parts,
  fields: Record<string, unknown>,
  limits: Limits,
): Promise<MultipartFile | undefined> {
  for (;;) {
    const { done, value: part } = await parts.next()
    if (done) return undefined
    if (part.type === 'field') addField(fields, part, limits)
    else if (await isNobody(part)) part.file.resume()
    else return part
  }
}

/** The field of a file that nobody chose: a browser sends it without a name and without a byte. */
async function isNobody({ filename, file }: MultipartFile): Promise<boolean> {
  if (filename !== undefined && filename !== '') return false
  if (file.readableLength === 0 && !file.readableEnded && !file.closed) {
    await new Promise(resolve => file.once('readable', resolve).once('close', resolve))
  }
  return file.readableLength === 0
}

function addField(
  fields: Record<string, unknown>,
  { fieldname, value, valueTruncated }: MultipartValue,
  { fieldSize }: Limits,
): void {
  if (valueTruncated) throw tooLarge(`The field "${fieldname}" has more than ${fieldSize} bytes`)
  const before = fields[fieldname]
  fields[fieldname] = before === undefined ? value : [before, value].flat()
}

async function saveOne(part: MultipartFile, folder: Folder, limits: Limits): Promise<UploadedFile> {
  watch(part, limits)
  const path = await folder.add()
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  await pipeline(part.file, target).catch(error => {
    // The folder was removed under the file.
    throw folder.removed ? new BadRequestError('The client has left', { cause: error }) : error
  })
  return new UploadedFile(headOf(part), path, target.bytesWritten)
}

/** Ends a file that is too large at once, and gives the errors of its client a status. */
function watch({ fieldname, file }: MultipartFile, { fileSize }: Limits): void {
  const cut = (): void => {
    file.destroy(tooLarge(`The file "${fieldname}" has more than ${fileSize} bytes`))
  }
  const blame = (error: Error): void => {
    if (!(error instanceof HttpError)) Object.assign(error, { statusCode: 400, expose: true })
  }
  if (file.errored) blame(file.errored)
  file.prependListener('error', blame)
  file.once('limit', cut)
  if (file.truncated) cut()
}

function headOf({ fieldname, filename = '', mimetype }: MultipartFile): FileHead {
  return { field: fieldname, filename: filenameOf(filename), mimetype }
}

async function* stream(
  first: MultipartFile | undefined,
  parts: Parts,
  limits: Limits,
): AsyncGenerator<StreamedFile, undefined> {
  const late: Record<string, unknown> = {}
  for (let part = first; part !== undefined; part = await readFields(parts, late, limits)) {
    const [name] = Object.keys(late)
    if (name !== undefined) break
    watch(part, limits)
    yield new StreamedFile(headOf(part), part.file)
    part.file.resume()
  }
  const [name] = Object.keys(late)
  if (name !== undefined)
    throw new BadRequestError(`The field "${name}" stands behind a file; fields must stand before`)
  return undefined
}
