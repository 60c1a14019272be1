import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DefinitionError } from './errors.js'
import { addFiles, folderOf, kindOf, send, warnMissing } from './files.js'
import { checkNames } from './known.js'
import type { Log } from './log.js'
import type { Names } from './sse/known.js'

/** A folder whose files are served. */
export interface StaticFolder {
  /** The folder. */
  root: string | URL
  /** What its paths begin with. Default `/`. */
  prefix?: string
  /** Milliseconds for which its files may be kept without asking again; pages never are. Default 0. */
  maxAge?: number
  /**
   * Paths, or what they begin with, of files that have a hash in their name, and so never change: `['/assets/']`. They are
   * kept for a year.
   */
  immutable?: readonly string[]
  /** Whether names that begin with a dot are served. Default false. */
  dotfiles?: boolean
}

/** A single-page app: a folder, and its `index.html` for every path that a browser is sent to and nothing serves. */
export interface SinglePageApp extends StaticFolder {
  /** What paths begin with that are never the page: `['/api']`. What is unknown there is answered 404. */
  exclude?: readonly string[]
}

/** The folders of an app. */
export interface FolderOptions {
  /** Folders whose files are served at paths that no route serves. Needs @fastify/static. */
  static?: StaticFolder | readonly StaticFolder[]
  /** A single-page app. Needs @fastify/static. */
  spa?: SinglePageApp
}

/** Answers a request that no route serves; `false` if it cannot either. */
export type Fallback = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>

/**
 * From options to what answers by files: nothing where there are none.
 *
 * @throws {DefinitionError} if @fastify/static is not installed
 */
export async function foldersOf(app: FastifyInstance, options: FolderOptions, log: Log): Promise<Fallback | undefined> {
  const folders = [options.static ?? [], options.spa ?? []].flat() as readonly StaticFolder[]
  if (folders.length === 0) return undefined
  for (const folder of folders) {
    const option = folder === options.spa ? 'spa' : 'static'
    checkFolder(option, folder)
    warnMissing(log, option, folder.root)
  }
  await addFiles(app, `createApp(), option ${options.static ? 'static' : 'spa'}`)
  const { spa } = options
  return async (request, reply) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const path = decoded(request.url)
    if (path === undefined) return false
    for (const folder of folders) if (await answerFrom(folder, path, request, reply)) return true
    if (spa === undefined || !isNavigation(request) || isExcluded(spa, path)) return false
    reply.header('vary', [reply.getHeader('vary') ?? [], 'accept'].flat().join(', '))
    return answerPage(spa, reply)
  }
}

const folderNames: Names<StaticFolder> = { root: true, prefix: true, maxAge: true, immutable: true, dotfiles: true }
const spaNames: Names<SinglePageApp> = { ...folderNames, exclude: true }

function checkFolder(option: string, folder: StaticFolder): void {
  const where = `createApp(), option ${option}`
  checkNames(where, folder, option === 'spa' ? spaNames : folderNames)
  if (typeof folder.root !== 'string' && !(folder.root instanceof URL)) {
    throw new DefinitionError(where, 'names no folder: { root }')
  }
  const { prefix = '/', immutable = [], exclude = [] } = folder as SinglePageApp
  for (const [name, path] of Object.entries({ prefix, immutable, exclude }).flatMap(([name, paths]) =>
    [paths].flat().map(path => [name, path] as const),
  )) {
    if (typeof path === 'string' && path.startsWith('/')) continue
    throw new DefinitionError(where, `${name}: the path '${path}' lacks the leading slash: '/${path}'`)
  }
}

/** The path of a URL as a file system has it. One with an encoded separator is none of ours. */
function decoded(url: string): string | undefined {
  const path = url.split('?', 1)[0] as string
  if (/%(?:2f|5c|00)/i.test(path)) return undefined
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

async function answerFrom(
  folder: StaticFolder,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const within = below(folder.prefix ?? '/', path)
  if (within === undefined) return false
  const root = folderOf(folder.root)
  const kind = await kindOf(root, within, folder.dotfiles)
  if (kind === 'file') return answerFile(folder, root, within, path, reply)
  if (kind === undefined) return false
  const index = within === '' || within.endsWith('/') ? `${within}index.html` : `${within}/index.html`
  if ((await kindOf(root, index, folder.dotfiles)) !== 'file') return false
  if (path.endsWith('/')) return answerFile(folder, root, index, path, reply)
  // Or what the page names would be looked for beside its folder.
  const [plain, ...query] = request.url.split('?')
  reply.redirect([`${plain}/`, ...query].join('?'), 301)
  return true
}

/** The part of a path behind a prefix. */
function below(prefix: string, path: string): string | undefined {
  const start = prefix.endsWith('/') ? prefix : `${prefix}/`
  if (path.startsWith(start)) return path.slice(start.length)
  return `${path}/` === start ? '' : undefined
}

function answerFile(folder: StaticFolder, root: string, file: string, path: string, reply: FastifyReply): true {
  const { maxAge = 0, immutable = [] } = folder
  if (file.endsWith('.html')) reply.header('cache-control', 'no-cache')
  const fixed = immutable.some(start => path.startsWith(start))
  send(reply, root, file, fixed ? { maxAge: YEAR, immutable: true } : { maxAge })
  return true
}

const YEAR = 31_536_000_000

/** Whether a browser goes to a page: what pages load does not ask for HTML by name. */
function isNavigation({ headers: { accept } }: FastifyRequest): boolean {
  return accept !== undefined && /(?:^|[,\s])text\/html(?!\s*;[^,]*\bq=0(?:\.0*)?(?:[,\s]|$))/i.test(accept)
}

function isExcluded({ exclude = [] }: SinglePageApp, path: string): boolean {
  return exclude.some(prefix => below(prefix, path) !== undefined)
}

async function answerPage(spa: SinglePageApp, reply: FastifyReply): Promise<boolean> {
  const root = folderOf(spa.root)
  if ((await kindOf(root, 'index.html')) !== 'file') return false
  return answerFile(spa, root, 'index.html', '/index.html', reply)
}
