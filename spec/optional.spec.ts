import { expect } from 'chai'
import { DefinitionError } from 'okapi'
import { importFor } from '../src/optional.js'
import { project, run } from './support/run.js'

describe('importFor', () => {
  it('imports a package that is installed', async () => {
    const { default: fastify } = await importFor<typeof import('fastify')>('createApp()', 'fastify')

    expect(fastify).to.be.a('function')
  })

  it('names the option and the package that is missing', async () => {
    const error = await importFor('createApp(), option cors', '@fastify/of-nobody').catch((error: unknown) => error)

    expect(error).to.be.instanceOf(DefinitionError)
    expect(error).to.have.property(
      'message',
      'createApp(), option cors: needs the package @fastify/of-nobody, which is not installed: npm install @fastify/of-nobody',
    )
  })

  it('tells what else is wrong with a package as it is', async () => {
    const error = await importFor('createApp()', 'fastify/no-such-file.js').catch((error: unknown) => error)

    expect(error).to.be.an('error').that.is.not.instanceOf(DefinitionError)
  })
})

describe('An optional package that is not installed', function () {
  this.timeout(30_000)

  it('stops the boot of an app that asks for it: it is told who asks, and what to install', async () => {
    const { hidden, said } = JSON.parse(await run(project, process.execPath, 'dist/spec/support/bare.js')) as {
      hidden: string[]
      said: string[]
    }
    const needs = (who: string, name: string) =>
      `DefinitionError: ${who}: needs the package ${name}, which is not installed: npm install ${name}`

    expect(said).to.deep.equal([
      needs('createApp(), option compress', '@fastify/compress'),
      needs('createApp(), option cors', '@fastify/cors'),
      needs('createApp(), option etag', '@fastify/etag'),
      needs('createApp(), option securityHeaders', '@fastify/helmet'),
      needs('createApp(), option rateLimit', '@fastify/rate-limit'),
      needs('option files', '@fastify/static'),
      needs('createApp(), option static', '@fastify/static'),
      needs('createApp(), option spa', '@fastify/static'),
      needs('option openapi (or openapi: { yaml: false })', 'yaml'),
      needs('option openapi (or openapi: { page: false })', '@fastify/swagger-ui'),
      'It boots',
      needs('Me.me, @Guard(Credentials), Jwt', '@fastify/jwt'),
      needs("Contact.contact, @Consumes('application/x-www-form-urlencoded')", '@fastify/formbody'),
      needs("Pictures.add, @File('picture')", '@fastify/multipart'),
      needs('Forms.add, @Multipart()', '@fastify/multipart'),
      "Cannot find package 'lmdb'",
    ])
    for (const name of hidden) expect(said.join(), name).to.match(new RegExp(`(package |install |')${name}\\b`))
  })
})
