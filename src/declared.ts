import { UploadedFile } from './bodies/file.js'
import { isScalar } from './convert.js'
import { DefinitionError } from './errors.js'
import type { ParameterKind, ParameterRecord } from './metadata.js'
import { EventWriter } from './sse/index.js'
import { isNative } from './validation/dto.js'

/**
 * Checks, at boot, that a parameter can be given what it is declared as.
 *
 * @param type what the compiler has noted: `Object` for an interface, a union or `any`
 * @param stream whether the method answers with a stream
 * @throws {DefinitionError} if no request could give it that, or if it would be given anything, unchecked
 */
export function checkDeclared(where: string, parameter: ParameterRecord, type: unknown, stream: boolean): void {
  const { kind, decorator } = parameter
  if ((kind === 'stream' || kind === 'lastEventId') && !stream) {
    throw new DefinitionError(where, `${decorator} needs a stream: declare the method with @SSE`)
  }
  const [what, ...classes] = gifts[kind] ?? []
  if (what !== undefined) {
    if ([undefined, Object, Function, ...classes].includes(type)) return
    throw new DefinitionError(where, `${decorator} gives ${what}, not ${(type as { name: string }).name}`)
  }
  if (kind === 'principal') {
    if (isOne(type)) throw new DefinitionError(where, `${decorator} gives an object with an id, not ${type.name}`)
    return
  }
  if (kind !== 'custom') checkValue(where, parameter, type)
  else if (parameter.part !== undefined) checkKept(where, decorator, type)
}

/** What the parameters give that read no value, and the classes that they may be declared as. */
const gifts: Readonly<Partial<Record<ParameterKind, readonly [what: string, ...classes: unknown[]]>>> = {
  request: ["Fastify's request: declare it as FastifyRequest"],
  reply: ["Fastify's reply: declare it as FastifyReply"],
  signal: ['an AbortSignal', AbortSignal],
  lastEventId: ['a text: declare it as string, and convert it yourself', String],
  stream: ['an EventWriter', EventWriter],
  file: ['an UploadedFile', UploadedFile],
  files: ["UploadedFile[], or with @Multipart({ to: 'stream' }) an AsyncIterable<StreamedFile>", Array],
}

function checkValue(where: string, { kind, name, decorator, validate, items }: ParameterRecord, type: unknown): void {
  checkKept(where, decorator, type)
  if (name === undefined && kind !== 'body' && isOne(type)) {
    const named = decorator.replace('()', "('…')")
    throw new DefinitionError(
      where,
      `${decorator} reads all of them, which is no ${type.name}: name the one, ${named}, or declare a DTO class for all`,
    )
  }
  if (validate === false) return
  if (isNeverGiven(type)) {
    const cure = 'declare what comes, or a DTO class, and make the other of it'
    throw new DefinitionError(where, `${decorator} gives nothing that is a ${type.name}: ${cure}`)
  }
  if (name !== undefined && isText(kind) && typeof type === 'function' && !isNative(type)) {
    const cure = 'leave the name out for a DTO of all'
    throw new DefinitionError(where, `${decorator} gives one text, which is no ${type.name}: ${cure}`)
  }
  if (kind === 'body') {
    const cure = 'declare a class with rules of class-validator, or say { validate: false } to take the value unchecked'
    checkTold(where, decorator, type, items, cure)
  } else if (name !== undefined) {
    const cure = 'declare one type, as in "page: number = 1", or say { validate: false } to take the text as it is'
    checkTold(where, decorator, type, items, cure)
  }
}

/** Refuses a type that the compiler has lost. */
function checkKept(where: string, decorator: string, type: unknown): void {
  if (type === undefined) {
    throw new DefinitionError(where, `the type of ${decorator} is unknown: its class is imported around in a circle`)
  }
  // No request holds a function. The compiler says so of a class whose import it removed.
  if (type === Function) {
    throw new DefinitionError(
      where,
      `the type of ${decorator} is lost: import its class as a value, not by "import type"`,
    )
  }
}

/** Refuses what would come as something else than it is declared as, since only the source tells what that is. */
function checkTold(where: string, decorator: string, type: unknown, items: unknown, cure: string): void {
  if (type === Object) {
    throw new DefinitionError(
      where,
      `the type of ${decorator} is not kept at run time, as that of an interface, a union, any, or a default value: ${cure}`,
    )
  }
  if (type === Array && items === undefined) {
    const told = 'say { items: Item }, or { items: String }, or { validate: false } to take them unchecked'
    throw new DefinitionError(where, `the type of the items of ${decorator} is not kept at run time: ${told}`)
  }
}

function isOne(type: unknown): type is { name: string } {
  return isScalar(type) || type === Array
}

/** Whether a type comes with the language or Node.js, and no value of a request is ever made one. */
function isNeverGiven(type: unknown): type is { name: string } {
  return typeof type === 'function' && isNative(type) && type !== Object && type !== Buffer && !isOne(type)
}

/** Whether one value of a part is always one text. */
function isText(kind: ParameterKind): boolean {
  return kind === 'path' || kind === 'header' || kind === 'cookie'
}
