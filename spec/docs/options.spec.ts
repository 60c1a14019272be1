import { expect } from 'chai'
import type { FastifyInstance } from 'fastify'
import type { AppOptions, OkapiOptions } from 'okapi'
import { resolveOptions } from '../../src/sse/options.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, read, tableAfter } from '../support/papers.js'

const paper = 'docs/options.md'

/** Options of an app that the plugin does not take: a name that it takes is refused by the compiler. */
const ofTheAppAlone: readonly Exclude<keyof AppOptions, keyof OkapiOptions>[] = [
  'static',
  'spa',
  'cors',
  'securityHeaders',
  'rateLimit',
  'compress',
  'etag',
  'signals',
  'fastify',
  'setup',
]

const ofThePluginAlone: readonly Exclude<keyof OkapiOptions, keyof AppOptions>[] = ['streams', 'log']

describe(paper, () => {
  const { load } = examplesOf(paper)

  it('options: holds for its streams, the nearest first', async () => {
    const { app } = await load<{ app: FastifyInstance }>('options')
    const answer = await app.inject('/quotes/live')

    expect(answer.body).to.match(/^retry: 1000\n\ndata: To be, or not to be\n\n/)
    expect(answer.headers['x-request-id']).to.equal('req-1')
    expect(app.initialConfig.bodyLimit).to.equal(10_000)
    await app.close()
  })

  it('plugin: serves below its prefix', async () => {
    const { app } = await load<{ app: FastifyInstance }>('plugin')

    expect((await app.inject('/api/status')).body).to.equal('{"up":true}')
    await app.close()
  })

  it('tells every stream option with its default', () => {
    const told = tableAfter(paper, '<!-- check: stream options -->').map(([name, , value]) => [codesIn(name)[0], value])

    expect(told).to.have.deep.members([
      ...Object.entries(resolveOptions('GET')).map(([name, value]) => [name, inWords(name, value)]),
    ])
    expect(resolveOptions('POST').end).to.equal(false)
  })

  it('tells every option of an app, and of the plugin', () => {
    const ofThePlugin = namesOf('src/plugin.ts', 'OkapiOptions')
    const ofTheApp = [
      ...namesOf('src/app.ts', 'AppOptions'),
      ...namesOf('src/protection.ts', 'ProtectionOptions'),
      ...namesOf('src/folders.ts', 'FolderOptions'),
    ]
    const shared = told('plugin options')

    expect(ofTheApp).to.have.members(ofTheAppAlone)
    expect(told('app options')).to.have.members(ofTheApp)
    expect(told('options of the plugin alone')).to.have.members(ofThePluginAlone)
    expect([...shared, ...ofThePluginAlone]).to.have.members(ofThePlugin)
    expect(tableAfter(paper, '<!-- check: plugin options -->').find(([name]) => name === '`closeGrace`')?.[1]).to.equal(
      '2,000',
    )
    expect(read('src/plugin.ts')).to.contain('closeGrace = 2_000')
  })
})

function told(table: string): unknown[] {
  return tableAfter(paper, `<!-- check: ${table} -->`).map(([name]) => codesIn(name)[0])
}

/** The options that an interface declares. */
function namesOf(file: string, name: string): string[] {
  const body = read(file).match(new RegExp(`^export interface ${name}\\b.*?^}`, 'ms'))?.[0] ?? ''
  return body.match(/(?<=^ {2})\w+(?=\??:)/gm) ?? []
}

/** A default as the table has it. */
function inWords(name: string, value: unknown): string {
  if (name === 'end') return `\`'${value}'\` for GET, else \`false\``
  if (typeof value === 'number') return value.toLocaleString('en')
  if (typeof value === 'object' && value !== null) return `\`${value.constructor.name}\``
  return value === undefined ? 'none' : `\`${value}\``
}
