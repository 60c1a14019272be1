import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path/posix'
import { expect } from 'chai'

/** The floors of src, from the ground up. A file imports only from floors below its own. */
const floors = [
  'sse/coding sse/departure sse/errors sse/gzip sse/headers sse/known sse/orphan sse/queue sse/retry sse/roster sse/senders sse/slices',
  'sse/channel sse/deadline sse/parser sse/pulse sse/serializer sse/turn',
  'sse/observable',
  'sse/sink',
  'sse/event sse/source',
  'sse/compressed sse/encode sse/frames sse/request',
  'sse/batch sse/feed sse/options',
  'sse/stream',
  'sse/serve sse/writer',
  'sse/index',
  'answers closing context convert docs errors gone log openapi/document principal sendable value-type',
  'known milliseconds',
  'streams',
  'topics/conflation topics/gap topics/journal topics/loop topics/position topics/publication topics/rounds',
  'topics/errors topics/event topics/hot topics/journal-contract topics/journals/memory',
  'topics/content topics/journals/lmdb-file topics/journals/lmdb-key topics/options topics/topic-log',
  'topics/journals/lmdb-log',
  'topics/journals/lmdb',
  'topics/cursor topics/entry',
  'topics/reader topics/relay',
  'topics/subscription',
  'topics/topic',
  'topics/topics',
  'bodies/file bodies/folder bodies/media bodies/uploads',
  'bodies/form bodies/text validation/plain',
  'admission last-event-id openapi/media openapi/options optional paths problem validation/dto validation/issues validation/options',
  'bodies/parsers health metadata protection refusal signals validation/faults validation/kinds validation/list validation/rules validation/storage validation/text',
  'bodies/intake declared event-check files openapi/rules validation/types',
  'folders openapi/keywords validation/nested validation/shape',
  'openapi/schemas validation/checker',
  'openapi/downgrade openapi/frames openapi/requests validation/value',
  'openapi/events openapi/responses openapi/serve openapi/webhooks serialization',
  'container decorators/doc decorators/routes failures',
  'arguments decorators/bodies decorators/controller decorators/events decorators/metadata decorators/parameters decorators/responses decorators/returns filters guards hooks openapi/describe',
  'credentials decorators/filters decorators/guards handler openapi/documents',
  'jwt stream-handler tickets',
  'routes',
  'plugin',
  'app',
  'index',
].map(floor => floor.split(' '))

/** Each dependency has its addresses: only these files import it. */
const addresses = {
  '@fastify/compress': 'protection',
  '@fastify/cookie': 'plugin',
  '@fastify/cors': 'protection',
  '@fastify/etag': 'protection',
  '@fastify/helmet': 'protection',
  '@fastify/multipart': 'bodies/form',
  '@fastify/rate-limit': 'protection',
  '@fastify/view': 'plugin',
  'class-transformer': 'validation/checker validation/faults validation/storage',
  'class-validator':
    'openapi/rules validation/checker validation/dto validation/faults validation/issues validation/kinds validation/nested validation/options validation/rules validation/shape validation/text',
  fastify:
    'answers app arguments bodies/form bodies/intake bodies/parsers closing credentials decorators/parameters failures files filters folders guards handler health hooks jwt last-event-id log metadata openapi/documents openapi/serve plugin protection routes sendable stream-handler tickets',
  'find-my-way': 'app',
  lmdb: 'topics/journals/lmdb-file',
  'reflect-metadata': 'index metadata',
  tsyringe: 'container decorators/controller metadata openapi/documents plugin routes',
  yaml: 'openapi/serve',
}

const root = new URL('../../src/', import.meta.url)
const listed = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
const files = listed.map(name => name.slice(0, -3).replaceAll('\\', '/')).sort()
const imports = files.flatMap(file => {
  const source = readFileSync(new URL(`${file}.ts`, root), 'utf8')
  const found = source.matchAll(/(?:^(?:import|export|\}) .*\bfrom|^import|\bimport\()\s*'([^'\n]+)'/gm)
  const names = new Set([...found].map(match => match[1] as string))
  return [...names].map(name => ({ file, name: name.startsWith('.') ? join(file, '..', name.slice(0, -3)) : name }))
})
const floorOf = (file: string): number => floors.findIndex(floor => floor.includes(file))

describe('The floors of src', () => {
  it('hold every file once, and no other', () => {
    expect(floors.flat().sort()).to.deep.equal(files)
  })

  it('stand on each other: an import goes down, never up or around', () => {
    const wrong = imports.filter(({ file, name }) => floorOf(name) >= floorOf(file))

    expect(wrong).to.deep.equal([])
  })

  it('leave src/sse to itself: it imports Node and nothing of ours from outside', () => {
    const foreign = imports.filter(({ file, name }) => file.startsWith('sse/') && !/^(node:|sse\/)/.test(name))

    expect(foreign).to.deep.equal([])
  })

  it('give each dependency an address', () => {
    const found: Record<string, string> = {}
    for (const { file, name } of imports) {
      if (!files.includes(name) && !name.startsWith('node:'))
        found[name] = found[name] ? `${found[name]} ${file}` : file
    }

    expect(found).to.deep.equal(addresses)
  })
})
