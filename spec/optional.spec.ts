import { expect } from 'chai'
import { DefinitionError } from 'okapi'
import { importFor } from '../src/optional.js'

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
