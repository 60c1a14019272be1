import { existsSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify'
import { NotFoundError } from './errors.js'
import { checkNames } from './known.js'
import type { Log } from './log.js'
import { importFor } from './optional.js'
import type { Names } from './sse/known.js'

/** How a file is sent. */
export interface SendFileOptions {
  /** The folder that the path is taken from, which nothing outside it is. Default: that of the option `files`. */
  root?: string | URL
  /** Milliseconds for which it may be kept without asking again. Default 0. */
  maxAge?: number
  /** Whether it never changes under its name. Default false. */
  immutable?: boolean
  /** Its media type. Default: by its extension, or `application/octet-stream`. */
  type?: string
  /** Whether a path with a name that begins with a dot is served. Default false. */
  dotfiles?: boolean
}

/** How a file is offered for saving. */
export interface DownloadOptions extends SendFileOptions {
  /** The name to save it as. Default: its own. */
  as?: string
}

const fileNames: Names<SendFileOptions> = { root: true, maxAge: true, immutable: true, type: true, dotfiles: true }
const downloadNames: Names<DownloadOptions> = { ...fileNames, as: true }

/** An answer that is a file. Made by `file` and `download`. */
export class FileAnswer {
  readonly path: string
  readonly options: SendFileOptions
  /** The name to save it as; nothing for a file that is shown. */
  readonly as: string | undefined

  constructor(path: string, options: SendFileOptions, as?: string) {
    this.path = path
    this.options = options
    this.as = as
  }
}

/**
 * An answer that is a file: `return file('logo.svg')`. With ETag and Last-Modified, answers 304, and 206 for ranges. Needs
 * the option `files` of `createApp`, and @fastify/static.
 *
 * The path may come from the client: one that leads out of `root`, also by a link, and one of no file is answered 404. What
 * strangers have uploaded is better given as a `download`: a page of theirs that is shown speaks in your name.
 *
 * @param path below `root`, with `/` between its parts
 * @throws {DefinitionError} for an option that there is none of
 */
export function file(path: string, options: SendFileOptions = {}): FileAnswer {
  checkNames('file()', options, fileNames)
  return new FileAnswer(path, options)
}

/** An answer that is a file to be saved: `return download('2026.pdf', { as: 'Übersicht.pdf' })`. As `file` otherwise. */
export function download(path: string, given: DownloadOptions = {}): FileAnswer {
  checkNames('download()', given, downloadNames)
  const { as, ...options } = given
  return new FileAnswer(path, options, as ?? path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Adds what sends files to an app that has it not yet.
 *
 * @param where the option that asks for it, for messages
 * @throws {DefinitionError} if @fastify/static is not installed
 */
export async function addFiles(app: FastifyInstance, where: string): Promise<void> {
  if (app.hasReplyDecorator('sendFile')) return
  const { default: fastifyStatic } = await importFor<{ default: FastifyPluginAsync<{ serve: false }> }>(
    where,
    '@fastify/static',
  )
  await app.register(fastifyStatic, { serve: false })
}

/**
 * Sends a file.
 *
 * @param root the folder of the app, for files that name none
 * @throws {NotFoundError} if there is none
 */
export async function sendFile(reply: FastifyReply, answer: FileAnswer, root?: string): Promise<FastifyReply> {
  const { path, options, as } = answer
  const folder = options.root === undefined ? root : folderOf(options.root)
  if (folder === undefined || !reply.server.hasReplyDecorator('sendFile'))
    throw new Error(`There is nothing to send the file ${path} with: give createApp the option files`)
  if ((await kindOf(folder, path, options.dotfiles)) !== 'file') throw new NotFoundError()
  if (as !== undefined) reply.header('content-disposition', dispositionOf(as))
  return send(reply, folder, path, options)
}

/** Sends a file that is known to be there. */
export function send(reply: FastifyReply, root: string, path: string, options: SendFileOptions): FastifyReply {
  const { maxAge = 0, immutable = false, type } = options
  if (type !== undefined) reply.type(type)
  const { sendFile } = reply as FastifyReply & { sendFile: (path: string, root: string, how: object) => FastifyReply }
  return sendFile.call(reply, path, root, {
    maxAge,
    immutable,
    dotfiles: 'allow',
    index: false,
    // What the method has said stands.
    cacheControl: !reply.hasHeader('cache-control'),
    contentType: !reply.hasHeader('content-type'),
  })
}

/** Tells of a folder that is not there: no file will be found in it, and nobody could tell why. */
export function warnMissing(log: Log, option: string, root: string | URL): void {
  const folder = folderOf(root)
  if (!existsSync(folder)) log.warn({ option, folder }, 'A folder of files does not exist, and nothing in it is found')
}

/** The whole path of a folder. */
export function folderOf(root: string | URL): string {
  return resolve(root instanceof URL ? fileURLToPath(root) : root)
}

/**
 * What stands at a path within a folder: nothing, if the path leads out of it, or is written in a way that no path of
 * a URL has to be.
 */
export async function kindOf(root: string, path: string, dotfiles = false): Promise<'file' | 'folder' | undefined> {
  if (!isPath(path, dotfiles)) return undefined
  try {
    const [folder, target] = await Promise.all([realpath(root), realpath(join(root, path))])
    const inside = folder.endsWith(sep) ? folder : folder + sep
    if (target !== folder && !target.startsWith(inside)) return undefined
    const stats = await stat(target)
    if (stats.isDirectory()) return 'folder'
    return stats.isFile() && !path.endsWith('/') ? 'file' : undefined
  } catch (error) {
    if (MISSING.has((error as NodeJS.ErrnoException).code as string)) return undefined
    throw error
  }
}

const MISSING = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES', 'EPERM'])

function isPath(path: string, dotfiles: boolean): boolean {
  if (typeof path !== 'string' || /[\\\0]/.test(path)) return false
  const parts = path.replace(/\/$/, '').split('/')
  return parts.every(
    part => part !== '..' && part !== '.' && (part !== '' || path === '') && (dotfiles || part[0] !== '.'),
  )
}

/**
 * The header that names a download, twice where the name is more than plain ASCII: for clients that know UTF-8 here
 * (RFC 8187), and for others. See RFC 6266.
 */
export function dispositionOf(as: string): string {
  // Half a character has no UTF-8.
  const name = Buffer.from(as.slice(Math.max(as.lastIndexOf('/'), as.lastIndexOf('\\')) + 1)).toString()
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  if (plain === name) return `attachment; filename="${name}"`
  const encoded = encodeURIComponent(name).replace(/['()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
