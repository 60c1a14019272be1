/** What must compile. Nothing here runs. */
import fastify, { type FastifyBaseLogger } from 'fastify'
import { closeOnSignals, okapi, openapiOf } from 'okapi'

interface OwnLogger extends FastifyBaseLogger {
  readonly own: string
}

export async function taken(loggerInstance: OwnLogger) {
  const plain = fastify()
  const http2 = fastify({ http2: true })
  const https = fastify({ https: {} })
  const secure = fastify({ http2: true, https: {} })
  const logged = fastify({ loggerInstance })

  await plain.register(okapi, { controllers: [] })
  await http2.register(okapi, { controllers: [] })
  await https.register(okapi, { controllers: [] })
  await secure.register(okapi, { controllers: [] })
  await logged.register(okapi, { controllers: [] })

  for (const app of [plain, http2, https, secure, logged]) closeOnSignals(app)
  return [openapiOf(plain), openapiOf(http2), openapiOf(https), openapiOf(secure), openapiOf(logged)]
}
