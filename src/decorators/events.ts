import { DefinitionError } from '../errors.js'
import { checkNames } from '../known.js'
import { type EventRecord, recordMethod } from '../metadata.js'
import { ServerSentEvent } from '../sse/index.js'
import type { Names } from '../sse/known.js'
import { GAP } from '../topics/gap.js'
import { type ValueType, wrongType } from '../value-type.js'
import { methodAt } from './routes.js'

/** What else is to be said of an event. */
export type EventOptions = Pick<EventRecord, 'id' | 'contentType' | 'description'>

const names: Names<EventOptions> = { id: true, contentType: true, description: true }

/**
 * Declares an event that an `@SSE` method sends: for documents, and to be checked where the app says `checkEvents`. As
 * many as there are; two of the same type mean that its data is one or the other.
 *
 * @example
 * ```ts
 * @Event('price', Price, { id: true })
 * @Event('closed')
 * @SSE('/:symbol')
 * async *watch(@Param('symbol') symbol: string) { … }
 * ```
 * A generator that passes on the events of a topic declares `@Event('stream:gap')` too: it may pass on that one.
 *
 * @param type the event type; without it, events that have none, which are of the type `message`
 * @param data what the data is, as classes say it: a DTO, `String`, `[Price]`; nothing or `null` for none
 * @throws {DefinitionError} for a type that no event may have, data that is no class, or an option that there is none of
 */
export function Event(...declared: [type: string, data?: ValueType | null, options?: EventOptions]): MethodDecorator
export function Event(...declared: [data: ValueType, options?: EventOptions]): MethodDecorator
export function Event(...declared: unknown[]): MethodDecorator {
  const [first] = declared
  const type = typeof first === 'string' ? first : undefined
  const [data, options = {}] = (type === undefined ? declared : declared.slice(1)) as [unknown, EventOptions?]
  const none = type !== undefined && (data === null || declared.length === 1)
  return (target, name, descriptor) => {
    const shown = type === undefined ? '@Event' : `@Event('${type}')`
    const [owner, method] = methodAt(shown, target, name, descriptor)
    const where = `${target.constructor.name}.${method}`
    if (type !== undefined) checkType(where, type)
    const wrong = none ? undefined : wrongType(data)
    if (wrong !== undefined) throw new DefinitionError(where, `the data of ${shown} ${wrong}`)
    checkNames(`${where}, ${shown}`, options, names)
    const record: EventRecord = {
      ...options,
      ...(type === undefined ? {} : { type }),
      ...(none ? {} : { data: data as ValueType }),
    }
    const noted = recordMethod(owner, method)
    // Decorators run from the bottom to the top.
    noted.events = [record, ...(noted.events ?? [])]
  }
}

function checkType(where: string, type: string): void {
  if (type === GAP) return
  try {
    new ServerSentEvent({ event: type })
  } catch (cause) {
    throw new DefinitionError(where, (cause as Error).message, { cause })
  }
}
