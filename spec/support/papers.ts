import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
