import { expect } from 'chai'
import { IsInt } from 'class-validator'
import { DefinitionError, EventWriter, UploadedFile } from 'okapi'
import { checkDeclared } from '../src/declared.js'
import type { ParameterKind, ParameterRecord } from '../src/metadata.js'

class Note {
  @IsInt()
  stars!: number
}

describe('checkDeclared', () => {
  const check = (kind: ParameterKind, type: unknown, more: Partial<ParameterRecord> = {}, stream = true) => {
    const decorator = more.name === undefined ? '@It()' : `@It('${more.name}')`
    return () => checkDeclared('Notes.add, parameter 0', { kind, decorator, ...more }, type, stream)
  }

  it('lets a parameter pass that is declared as what it is given', () => {
    for (const [kind, type] of [
      ['signal', AbortSignal],
      ['lastEventId', String],
      ['stream', EventWriter],
      ['file', UploadedFile],
      ['files', Array],
      ['request', Object],
      ['reply', Object],
      ['principal', Note],
      ['principal', Object],
      ['custom', Number],
    ] as const) {
      expect(check(kind, type)).not.to.throw()
    }
  })

  it('lets pass whatever the compiler has no name for: an interface, a union', () => {
    for (const kind of ['signal', 'lastEventId', 'stream', 'file', 'files', 'request', 'reply'] as const) {
      for (const type of [undefined, Object, Function]) expect(check(kind, type)).not.to.throw()
    }
  })

  for (const [kind, type, message] of [
    ['signal', String, '@It() gives an AbortSignal, not String'],
    ['lastEventId', Number, '@It() gives a text: declare it as string, and convert it yourself, not Number'],
    ['stream', Note, '@It() gives an EventWriter, not Note'],
    ['file', Buffer, '@It() gives an UploadedFile, not Buffer'],
    ['files', UploadedFile, /^Notes\.add, parameter 0: @It\(\) gives UploadedFile\[\], .*, not UploadedFile$/],
    ['request', Request, "@It() gives Fastify's request: declare it as FastifyRequest, not Request"],
    ['reply', Response, "@It() gives Fastify's reply: declare it as FastifyReply, not Response"],
    ['principal', String, '@It() gives an object with an id, not String'],
  ] as const) {
    it(`refuses what the kind ${kind} does not give`, () => {
      expect(check(kind, type)).to.throw(DefinitionError, message)
    })
  }

  it('refuses what only a stream has', () => {
    for (const kind of ['stream', 'lastEventId'] as const) {
      expect(check(kind, Object, {}, false)).to.throw(
        DefinitionError,
        'Notes.add, parameter 0: @It() needs a stream: declare the method with @SSE',
      )
    }
  })

  it('refuses a type that was lost on the way', () => {
    for (const kind of ['body', 'query'] as const) {
      expect(check(kind, undefined)).to.throw(DefinitionError, 'its class is imported around in a circle')
      expect(check(kind, Function)).to.throw(DefinitionError, 'not by "import type"')
    }
    expect(check('custom', undefined, { part: 'query' })).to.throw(DefinitionError, 'imported around in a circle')
  })

  it('refuses a body that would come unchecked', () => {
    for (const name of [{}, { name: 'note' }]) {
      expect(check('body', Object, name)).to.throw(
        DefinitionError,
        /is not kept at run time.* say \{ validate: false \}/,
      )
      expect(check('body', Array, name)).to.throw(DefinitionError, /the type of the items .* say \{ items: Item \}/)
    }
  })

  it('refuses a class of the language that no request can give', () => {
    for (const kind of ['body', 'query', 'path', 'header', 'cookie'] as const) {
      for (const type of [Map, Set, RegExp, Uint8Array, Promise]) {
        expect(check(kind, type, { name: 'note' })).to.throw(
          DefinitionError,
          `Notes.add, parameter 0: @It('note') gives nothing that is a ${type.name}: declare what comes, or a DTO class, and make the other of it`,
        )
      }
      expect(check(kind, Map)).to.throw(DefinitionError, '@It() gives nothing that is a Map')
      expect(check(kind, Map, { validate: false })).not.to.throw()
    }
  })

  it('lets a body pass that is checked, or is not to be', () => {
    for (const type of [Note, String, Number, Boolean, BigInt, Date, Buffer]) expect(check('body', type)).not.to.throw()
    expect(check('body', Array, { items: Note })).not.to.throw()
    for (const type of [Object, Array]) expect(check('body', type, { validate: false })).not.to.throw()
  })

  it('refuses text that is declared as something only the source tells', () => {
    for (const kind of ['path', 'query', 'header', 'cookie'] as const) {
      expect(check(kind, Object, { name: 'note' })).to.throw(
        DefinitionError,
        /@It\('note'\) is not kept at run time.*: declare one type, as in "page: number = 1", or say \{ validate: false \}/,
      )
      expect(check(kind, Array, { name: 'note' })).to.throw(
        DefinitionError,
        /say \{ items: Item \}, or \{ items: String \}/,
      )
      for (const type of [Object, Array]) expect(check(kind, type, { name: 'note', validate: false })).not.to.throw()
    }
  })

  it('lets all of a part pass as they are, or as a DTO', () => {
    for (const kind of ['path', 'query', 'header', 'cookie'] as const) {
      expect(check(kind, Object)).not.to.throw()
      expect(check(kind, Note)).not.to.throw()
    }
  })

  it('refuses one value where all of a part are read', () => {
    expect(check('query', Number)).to.throw(
      DefinitionError,
      "@It() reads all of them, which is no Number: name the one, @It('…'), or declare a DTO class for all",
    )
  })

  it('refuses a DTO of one text', () => {
    for (const kind of ['path', 'header', 'cookie'] as const) {
      expect(check(kind, Note, { name: 'note' })).to.throw(
        DefinitionError,
        "@It('note') gives one text, which is no Note: leave the name out for a DTO of all",
      )
      expect(check(kind, Note, { name: 'note', validate: false })).not.to.throw()
    }
    // A parser of queries may make objects.
    expect(check('query', Note, { name: 'note' })).not.to.throw()
  })
})
