import { expect } from 'chai'
import { Type } from 'class-transformer'
import { Allow, IsOptional, IsString, ValidateNested } from 'class-validator'
import { Body, Consumes, Controller, Cookie, Get, Header, Multipart, Param, Post, Query } from 'okapi'
import { formHeaders, formOf } from '../support/multipart.js'
import { closeAll, serve } from '../support/serve.js'
import { prototypes } from '../support/stranger.js'

class Address {
  @IsOptional()
  @IsString()
  city?: string

  admin?: boolean
}

class User {
  @IsOptional()
  @IsString()
  name?: string

  @IsOptional()
  @ValidateNested()
  @Type(() => Address)
  address?: Address

  @Allow()
  more?: Record<string, unknown>

  // Only the server sets it.
  admin?: boolean
}

class Names {
  @IsOptional()
  @IsString()
  name?: string

  admin?: boolean
}

/** What a method sees of an object that a client has sent: `admin`, own or inherited, and whose instance it is. */
function seen(value: unknown, type: { prototype: object } = Object): object {
  const { admin, polluted } = (value ?? {}) as { admin?: unknown; polluted?: unknown }
  const prototypes = [type.prototype, Array.prototype, null]
  return { admin, polluted, own: typeof value !== 'object' || prototypes.includes(Object.getPrototypeOf(value)) }
}

@Controller()
class Users {
  @Post('/user')
  user(@Body() user: User) {
    return [seen(user, User), seen(user.address, Address), seen(user.more), seen(user.more?.deep)]
  }

  @Post('/users')
  users(@Body({ items: User }) users: User[]) {
    return users.map(user => seen(user, User))
  }

  @Post('/unchecked')
  unchecked(@Body({ validate: false }) body: object) {
    return [seen(body)]
  }

  @Post('/form')
  @Consumes('application/x-www-form-urlencoded')
  form(@Body() user: User) {
    return [seen(user, User)]
  }

  @Post('/multipart')
  @Multipart()
  multipart(@Body() user: User) {
    return [seen(user, User), seen(user.more)]
  }

  @Post('/patch')
  @Consumes('application/merge-patch+json')
  patch(@Body() user: User) {
    return [seen(user, User)]
  }

  @Get('/query')
  query(@Query() query: Names, @Query('admin') admin?: string) {
    return [seen(query, Names), { admin }]
  }

  @Get('/path/:name')
  path(@Param() path: Names) {
    return [seen(path, Names)]
  }

  @Get('/header')
  header(@Header() header: Names, @Header('admin') admin?: string) {
    return [seen(header, Names), { admin }]
  }

  @Get('/cookie')
  cookie(@Cookie() cookie: Names, @Cookie('admin') admin?: string) {
    return [seen(cookie, Names), { admin }]
  }
}

const POLLUTION = '{"admin":true,"polluted":true}'
const bodies: Record<string, string> = {
  __proto__: `{"__proto__":${POLLUTION}}`,
  '__proto__, escaped': `{"\\u005f_proto__":${POLLUTION}}`,
  'constructor.prototype': `{"constructor":{"prototype":${POLLUTION}}}`,
  '__proto__ in a nested DTO': `{"address":{"__proto__":${POLLUTION}}}`,
  '__proto__ in a value that is taken as it is': `{"more":{"__proto__":${POLLUTION}}}`,
  '__proto__ further down': `{"more":{"deep":{"__proto__":${POLLUTION}}}}`,
  '__proto__ of an array': `{"more":[{"__proto__":${POLLUTION}}]}`,
  '__proto__ that is null': '{"__proto__":null,"name":"a"}',
  'a property that the server sets': '{"admin":true,"name":"a"}',
}

describe('Prototype pollution', () => {
  const before = prototypes()

  afterEach(async () => {
    await closeAll()
    expect(prototypes()).to.deep.equal(before)
    expect({}).to.not.have.property('admin')
  })

  /** Sends it; what is taken has nothing that the client should not have given it. */
  async function check(url: string, init: RequestInit): Promise<number> {
    const response = await fetch(url, init)
    const text = await response.text()
    expect(response.status, text).to.be.oneOf([200, 400])
    if (response.status === 200) {
      for (const one of JSON.parse(text) as { admin?: unknown; polluted?: unknown; own?: boolean }[]) {
        expect([one.admin, one.polluted], text).to.deep.equal([undefined, undefined])
        expect(one.own ?? true, text).to.equal(true)
      }
    }
    return response.status
  }

  const post = (type: string, body: string | Buffer): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })

  for (const [what, body] of Object.entries(bodies)) {
    it(`comes to nothing by JSON: ${what}`, async () => {
      const { url } = await serve([Users])
      const unsafe = what !== 'a property that the server sets'

      for (const [path, type, sent] of [
        ['/user', 'application/json', body],
        ['/users', 'application/json', `[${body}]`],
        ['/patch', 'application/merge-patch+json', body],
      ] as const) {
        expect(await check(url + path, post(type, sent)), path).to.equal(unsafe ? 400 : 200)
      }
      if (unsafe) expect(await check(`${url}/unchecked`, post('application/json', body))).to.equal(400)
    })

    it(`comes to nothing by JSON, where Fastify is told to let it by: ${what}`, async () => {
      const { url } = await serve([Users], {
        fastify: { onProtoPoisoning: 'ignore', onConstructorPoisoning: 'ignore' },
      })

      await check(`${url}/user`, post('application/json', body))
      await check(`${url}/users`, post('application/json', `[${body}]`))
      await check(`${url}/patch`, post('application/merge-patch+json', body))
    })
  }

  for (const name of [
    '__proto__',
    '__proto__[admin]',
    '__proto__.admin',
    'constructor',
    'constructor[prototype][admin]',
    'admin',
  ]) {
    it(`comes to nothing by the name ${name} in forms, queries, headers and cookies`, async () => {
      const { url } = await serve([Users])
      const pair = `${encodeURIComponent(name)}=true`

      await check(`${url}/form`, post('application/x-www-form-urlencoded', `${pair}&${pair}&name=a`))
      for (const type of [undefined, 'application/json']) {
        const value = type === undefined ? 'true' : POLLUTION
        const form = formOf(
          { name, value, ...(type && { type }) },
          { name: 'more', value: `{"__proto__":${POLLUTION}}` },
        )
        await check(`${url}/multipart`, { method: 'POST', headers: formHeaders, body: form })
      }
      if (name === 'admin') return
      expect(await check(`${url}/query?${pair}&${pair}&name=a`, {})).to.equal(200)
      expect(await check(`${url}/path/${encodeURIComponent(name)}`, {})).to.equal(200)
      expect(
        await check(`${url}/cookie`, { headers: { cookie: `${encodeURIComponent(name)}=true; name=a` } }),
      ).to.equal(200)
      if (!name.includes('['))
        expect(await check(`${url}/header`, { headers: { [name]: 'true', name: 'a' } })).to.equal(200)
    })
  }
})
