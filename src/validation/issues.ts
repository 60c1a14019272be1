import type { ValidationError } from 'class-validator'
import { InvalidRequestError, type Issue, type RequestPart } from '../errors.js'

/** The error of a request with one thing wrong, named: a value, or without a name the whole part. */
export function invalid(part: RequestPart, name: string, constraint: string, what: string): InvalidRequestError {
  const detail = `${subjectOf(part, name)} ${what}`
  return new InvalidRequestError([{ in: part, property: name, constraint, detail }])
}

function subjectOf(part: RequestPart, name: string): string {
  if (name === '') return `The ${part}`
  if (part === 'body') return `The property "${name}" of the body`
  return part === 'path' || part === 'query' ? `The ${part} parameter "${name}"` : `The ${part} "${name}"`
}

/** What class-validator found, each with the path to its property. */
export function issuesOf(part: RequestPart, errors: ValidationError[], path: string): Issue[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    // An object of a class without rules is an unknown value, with no property to its name.
    const here = [path, property].filter(name => name !== '' && name !== undefined).join('.')
    const own = Object.entries(constraints).map(([constraint, detail]) => ({
      in: part,
      property: here,
      constraint,
      detail,
    }))
    return [...own, ...issuesOf(part, children, here)]
  })
}
