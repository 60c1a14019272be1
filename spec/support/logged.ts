/** One line of an app's log. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [key: string]: unknown
}

/** A logger for `fastify` that keeps its lines. */
export function logger(lines: LogLine[]) {
  return { level: 'warn', stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }
}
