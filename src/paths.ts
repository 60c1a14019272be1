import { DefinitionError } from './errors.js'

/** The path of a route: the prefix of the controller and the path of the method, with one slash between. */
export function pathOf(where: string, prefix: string, path: string): string {
  if (path !== '' && path !== '*' && !path.startsWith('/')) {
    throw new DefinitionError(where, `the path '${path}' lacks the leading slash: '/${path}'`)
  }
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  const joined = path === '/' && base !== '' ? base : base + path
  return joined === '' ? '/' : joined
}

/** What documents call the rest of a path, which is `*` here: tools take that for no name. */
export const WILDCARD = 'wildcard'

/** A path as documents write it. */
export interface Template {
  /** `/prices/{symbol}` */
  readonly path: string
  /** The names in it, each with the expression that its value matches, where there is one. */
  readonly names: ReadonlyMap<string, string | undefined>
}

const token = /::|:(?<name>\w+)(?<expression>\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\))?(?<optional>\?)?|\*|[^:*]+/g

/**
 * What Fastify's way of writing a path means: `:name`, `:name(expression)`, `*` for the rest, `::` for a colon; a last
 * `:name?` makes two paths.
 */
export function templatesOf(url: string): Template[] {
  const names = new Map<string, string | undefined>()
  const short = { path: '', names: new Map(names), there: false }
  let path = ''
  for (const { 0: text, groups = {} } of url.matchAll(token)) {
    const { name, expression, optional } = groups
    if (name === undefined) {
      if (text === '*') names.set(WILDCARD, undefined)
      path += text === '::' ? ':' : text === '*' ? `{${WILDCARD}}` : text
      continue
    }
    if (optional) Object.assign(short, { path: path.replace(/(?<=.)\/$/, ''), names: new Map(names), there: true })
    names.set(name, expression?.slice(1, -1))
    path += `{${name}}`
  }
  return short.there ? [short, { path, names }] : [{ path, names }]
}
