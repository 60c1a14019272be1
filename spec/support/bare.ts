import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import type { AppOptions } from 'okapi'
import { project } from './run.js'

// Tells, for each optional package, what an app says that asks for it though it is not installed. A process of its own:
// `node bare.js`.

const { peerDependenciesMeta } = JSON.parse(readFileSync(`${project}package.json`, 'utf8')) as {
  peerDependenciesMeta: Record<string, object>
}
const hidden = Object.keys(peerDependenciesMeta)

/** As Node itself refuses a package that is not there. */
const loader = `
  export async function resolve(name, context, next) {
    if (!${JSON.stringify(hidden)}.includes(name)) return next(name, context)
    const error = new Error("Cannot find package '" + name + "' imported from " + context.parentURL)
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' })
  }`
register(`data:text/javascript,${encodeURIComponent(loader)}`)

const { Body, Consumes, Controller, createApp, credentials, File, Get, Guard, Jwt, Multipart, Post } = await import(
  'okapi'
)

@Controller('/me')
class Me {
  @Guard(credentials([Jwt]))
  @Get()
  me() {}
}

@Controller('/contact')
class Contact {
  @Consumes('application/x-www-form-urlencoded')
  @Post()
  contact(@Body() _body: object) {}
}

@Controller('/pictures')
class Pictures {
  @Post()
  add(@File('picture') _picture: object) {}
}

@Controller('/forms')
class Forms {
  @Multipart()
  @Post()
  add(@Body() _body: object) {}
}

const info = { title: 'Bare', version: '1' }
const root = project
const asking: Partial<AppOptions>[] = [
  { compress: true },
  { cors: true },
  { etag: true },
  { securityHeaders: true },
  { rateLimit: true },
  { files: root },
  { static: { root } },
  { spa: { root } },
  { openapi: { info } },
  { openapi: { info, yaml: false } },
  { openapi: { info, yaml: false, page: false } },
  { controllers: [Me] },
  { controllers: [Contact] },
  { controllers: [Pictures] },
  { controllers: [Forms] },
]

const said: unknown[] = []
for (const options of asking) {
  const boot = createApp({ controllers: [], ...options, fastify: { logger: false } })
  said.push(
    await boot.then(
      () => 'It boots',
      ({ name, message }: Error) => `${name}: ${message}`,
    ),
  )
}
said.push(await import('okapi/journal-lmdb').then(String, ({ message }: Error) => message.split(' imported', 1)[0]))
process.stdout.write(JSON.stringify({ hidden, said }))
