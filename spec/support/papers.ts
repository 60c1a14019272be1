import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { join as joinPath } from 'node:path/posix'
import { project } from './run.js'

/** A fenced block of a paper. The comment above it names the check that runs it, or whose answer it is. */
export interface Block {
  readonly paper: string
  readonly line: number
  readonly role: 'check' | 'answer' | undefined
  readonly name: string
  readonly language: string
  readonly code: string
}

const fenced = /(?:^<!-- (?<role>check|answer): (?<name>[\w ]+) -->\n)?^```(?<language>\w*)\n(?<code>.*?)^```$/gms

/** The text of a paper: `README.md`. */
export function read(paper: string): string {
  return readFileSync(join(project, paper), 'utf8')
}

/** The guides: `docs/streams.md` and the others. */
export function guides(): string[] {
  const names = readdirSync(join(project, 'docs')).filter(name => name.endsWith('.md'))
  return names.map(name => `docs/${name}`)
}

/** A link to a place within the project: `docs/streams.md#the-end`. */
export interface Link {
  readonly line: number
  /** From the root of the project. */
  readonly path: string
  readonly fragment: string
}

/** The relative links of a paper, where they lead to. */
export function linksOf(paper: string): Link[] {
  return proseOf(paper).flatMap((text, index) =>
    [...withoutCode(text).matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = '', fragment = '']) => ({
      line: index + 1,
      path: path === '' ? paper : joinPath(paper, '..', path),
      fragment,
    })),
  )
}

/** What GitHub calls the headings of a paper in fragments. */
export function fragmentsOf(paper: string): string[] {
  const seen = new Map<string, number>()
  return proseOf(paper).flatMap(text => {
    const heading = text.match(/^#{1,6} (.*)/)?.[1]
    if (heading === undefined) return []
    const words = heading.replace(/\]\([^)]*\)/g, '').toLowerCase()
    const slug = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return [times === 0 ? slug : `${slug}-${times}`]
  })
}

/** The lines of a paper, those of code blocks left empty. */
export function proseOf(paper: string): string[] {
  let code = false
  return read(paper)
    .split('\n')
    .map(line => {
      const fence = line.startsWith('```')
      if (fence) code = !code
      return code || fence ? '' : line
    })
}

/** `[a](b)` in backquotes is no link. */
function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, code => code.replace(/[[\]()]/g, ''))
}

/** The fenced blocks of a paper. */
export function blocksOf(paper: string): Block[] {
  const text = read(paper)
  return [...text.matchAll(fenced)].map(({ index, groups = {} }) => {
    const { role, name = '', language = '', code = '' } = groups
    return { paper, line: text.slice(0, index).split('\n').length, role: role as Block['role'], name, language, code }
  })
}

/** The rows of the table that follows a text, without its head; each cell as it is written. */
export function tableAfter(paper: string, mark: string): string[][] {
  const text = read(paper)
  const table = text.slice(text.indexOf(mark)).match(/(?:^\|.*\n)+/m)?.[0] ?? ''
  const rows = table.trim().split('\n').slice(2)
  return rows.map(row =>
    row
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim()),
  )
}

/** What stands in backquotes in a cell. */
export function codesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1] as string)
}
