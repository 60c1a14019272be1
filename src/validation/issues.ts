import type { ValidationError } from 'class-validator'
import { InvalidRequestError, type Issue, type RequestPart } from '../errors.js'
import { excessOf } from './plain.js'

/** The error of a request with one thing wrong, named: a value, or without a name the whole part. */
export function invalid(part: RequestPart, name: string, constraint: string, what: string): InvalidRequestError {
  const detail = `${subjectOf(part, name)} ${what}`
  return new InvalidRequestError([{ in: part, property: name, constraint, detail }])
}

/**
 * Refuses a value that is too much for code that looks into it.
 *
 * @param depth in how many others the value stands
 */
export function checkExcess(part: RequestPart, name: string, value: unknown, depth = 0): void {
  const excess = excessOf(value, depth)
  if (excess) throw invalid(part, name, excess, EXCESSES[excess])
}

const EXCESSES = { depth: 'is nested too deeply', properties: 'has too many properties' }

function subjectOf(part: RequestPart, name: string): string {
  if (name === '') return `The ${part}`
  if (part === 'body') return `The property "${name}" of the body`
  return part === 'path' || part === 'query' ? `The ${part} parameter "${name}"` : `The ${part} "${name}"`
}

/** The most issues that a client is told of one value: a small request could ask for a large answer otherwise. */
const MOST = 100

/** What class-validator found, each with the path to its property; the first hundred of it. */
export function issuesOf(part: RequestPart, errors: ValidationError[], path: string): Issue[] {
  return firstOf(eachIssue(part, errors, path))
}

/** As many issues as a client is told. */
export function firstOf(all: Iterable<Issue>): Issue[] {
  const issues: Issue[] = []
  for (const issue of all) {
    issues.push(issue)
    if (issues.length === MOST) break
  }
  return issues
}

function* eachIssue(part: RequestPart, errors: ValidationError[], path: string): Generator<Issue> {
  for (const { property, constraints = {}, children = [] } of errors) {
    // An object of a class without rules is an unknown value, with no property to its name.
    const here = [path, property].filter(name => name !== '' && name !== undefined).join('.')
    for (const [constraint, detail] of Object.entries(constraints)) {
      yield { in: part, property: here, constraint, detail }
    }
    yield* eachIssue(part, children, here)
  }
}
