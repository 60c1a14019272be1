import { convert, isScalar } from '../convert.js'
import { InvalidRequestError, type Issue, type RequestPart } from '../errors.js'
import { checkExcess, invalid } from './issues.js'
import { unsure } from './plain.js'

/** What makes and checks one item of an array. */
export interface ItemCheck {
  /** Makes a valid item, or is `unsure`. */
  take(value: unknown, isText: boolean): unknown
  /** Makes the item, or throws an `InvalidRequestError` of it. */
  judge(value: unknown, name: string, isText: boolean): unknown
}

/** After so many issues, nobody looks at the items that follow. */
const MOST_ISSUES = 20

/**
 * Checks an array, item by item. Text is taken for an array of one.
 *
 * @throws {InvalidRequestError} if it is none, or with what is wrong with its items
 */
export function checkList(
  part: RequestPart,
  items: ItemCheck,
  value: unknown,
  name: string,
  isText: boolean,
): unknown[] | Promise<unknown[]> {
  const list = isText && typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) throw invalid(part, name, 'array', list === undefined ? 'is missing' : 'is not an array')
  const made = list.map(item => items.take(item, isText))
  return made.includes(unsure) ? judge(part, items, list, made, name, isText) : made
}

async function judge(
  part: RequestPart,
  items: ItemCheck,
  list: unknown[],
  made: unknown[],
  name: string,
  isText: boolean,
): Promise<unknown[]> {
  // Of all together: each may be just small enough.
  checkExcess(
    part,
    name,
    list.filter((_, index) => made[index] === unsure),
    -1,
  )
  const issues: Issue[] = []
  for (const [index, item] of list.entries()) {
    if (made[index] !== unsure) continue
    try {
      made[index] = await items.judge(item, name === '' ? `${index}` : `${name}.${index}`, isText)
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      issues.push(...error.issues)
      if (issues.length >= MOST_ISSUES) break
    }
  }
  if (issues.length > 0) throw new InvalidRequestError(issues)
  return made
}

/** Items of a type of the language, to which text is converted; nothing for a type that is none of these. */
export function scalarItems(part: RequestPart, type: unknown): ItemCheck | undefined {
  if (!isScalar(type)) return undefined
  return {
    take(value) {
      const converted = convert(value, type)
      return 'value' in converted ? converted.value : unsure
    },
    judge(value, name) {
      const { expected } = convert(value, type) as { expected: string }
      throw invalid(part, name, (type as { name: string }).name.toLowerCase(), `is not ${expected}`)
    },
  }
}
