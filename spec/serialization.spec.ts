import { expect } from 'chai'
import { Type } from 'class-transformer'
import { IsBoolean, IsDate, IsEmail, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator'
import type { FastifyReply } from 'fastify'
import { Controller, Get, HttpCode, Param, Reply, Returns } from 'okapi'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

class Address {
  @IsString()
  city!: string
}

abstract class Pet {
  @IsString()
  name!: string
}

class Cat extends Pet {
  @IsBoolean()
  purrs!: boolean
}

class Dog extends Pet {
  @IsInt()
  barks!: number
}

class User {
  @IsString()
  name!: string

  @IsInt()
  @IsOptional()
  age?: number | null

  @IsEmail()
  @IsOptional()
  mail?: string

  @IsDate()
  @Type(() => Date)
  since!: Date

  @ValidateNested()
  @Type(() => Address)
  @IsOptional()
  address?: Address | null

  @ValidateNested({ each: true })
  @Type(() => User)
  friends!: User[]

  @IsString({ each: true })
  tags!: string[]

  @ValidateNested()
  @IsOptional()
  @Type(() => Pet, {
    discriminator: {
      property: 'kind',
      subTypes: [
        { name: 'cat', value: Cat },
        { name: 'dog', value: Dog },
      ],
    },
  })
  pet?: Cat | Dog
}

class Bare {
  name = 'bare'
}

const since = new Date('2026-01-02T03:04:05Z')
const row = { name: 'Ann', since, friends: [], tags: ['a'], password: 'secret' }

/** Answers with something of another kind than it is declared as. */
const wrong: Record<string, unknown> = {
  'a number for a text': { ...row, name: 12 },
  'a number for an address of mail': { ...row, mail: 12 },
  'a text for a number': { ...row, age: '30' },
  'a text for an object': { ...row, address: 'Bern' },
  'an array for an object': { ...row, address: ['Bern'] },
  'an object for an array': { ...row, friends: { 0: row } },
  'a number among objects': { ...row, friends: [row, 5] },
  'a number for all': 5,
}

@Controller()
class Users {
  @Get('/one')
  @Returns(User)
  one() {
    const address = { city: 'Bern', password: 'secret' }
    return { ...row, age: 30.5, address, friends: [{ ...row, age: null, address: null }] }
  }

  @Get('/all')
  @Returns([User])
  async all() {
    return [row, row]
  }

  @Get('/pets')
  @Returns([User])
  pets() {
    return [
      { ...row, pet: { kind: 'cat', name: 'Tom', purrs: true, password: 'secret' } },
      { ...row, pet: { kind: 'dog', name: 'Rex', barks: 3, purrs: true } },
    ]
  }

  @Get('/by-status')
  @Returns(User, { status: 200 })
  @Returns(Address, { status: 203 })
  byStatus(@Reply() reply: FastifyReply) {
    reply.code(203)
    return { ...row, city: 'Bern' }
  }

  @Get('/any-status')
  @Returns(Address)
  anyStatus(@Reply() reply: FastifyReply) {
    reply.code(299)
    return { ...row, city: 'Bern' }
  }

  @Get('/created')
  @HttpCode(201)
  @Returns(Address)
  created() {
    return { ...row, city: 'Bern' }
  }

  @Get('/wrong/:what')
  @Returns(User)
  wrong(@Param('what') what: string) {
    return wrong[what]
  }

  @Get('/other-status')
  @Returns(Address, { status: 201 })
  otherStatus() {
    return { city: 'Bern', password: 'secret' }
  }

  @Get('/text')
  @Returns(String)
  text() {
    return 'text'
  }

  @Get('/bytes')
  @Returns(Uint8Array, { contentType: 'image/png' })
  bytes() {
    return Buffer.from('png')
  }
}

describe('answerSchemas', () => {
  const get = async (path: string): Promise<Response> => fetch((await serve([Users])).url + path)
  const json = async (path: string): Promise<unknown> => (await get(path)).json()
  const ann = { name: 'Ann', since: since.toISOString(), friends: [], tags: ['a'] }

  afterEach(closeAll)

  it('leave out what is not declared, also of what is nested, and alter nothing', async () => {
    expect(await json('/one')).to.deep.equal({
      ...ann,
      age: 30.5,
      address: { city: 'Bern' },
      friends: [{ ...ann, age: null, address: null }],
    })
  })

  it('hold for each item of an array', async () => {
    expect(await json('/all')).to.deep.equal([ann, ann])
  })

  it('choose among classes by their discriminator', async () => {
    expect(await json('/pets')).to.deep.equal([
      { ...ann, pet: { kind: 'cat', name: 'Tom', purrs: true } },
      { ...ann, pet: { kind: 'dog', name: 'Rex', barks: 3 } },
    ])
  })

  it('hold for their status, and without one for every status of success', async () => {
    expect(await json('/by-status')).to.deep.equal({ city: 'Bern' })
    expect(await json('/any-status')).to.deep.equal({ city: 'Bern' })
    expect(await json('/created')).to.deep.equal({ city: 'Bern' })
  })

  it('hold for no other status than their own', async () => {
    expect(await json('/other-status')).to.deep.equal({ city: 'Bern', password: 'secret' })
  })

  for (const what of Object.keys(wrong)) {
    it(`answer 500 to ${what}, and tell nothing of it`, async () => {
      const answer = await get(`/wrong/${what}`)

      expect(answer.status).to.equal(500)
      expect(await answer.json()).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })
  }

  it('leave texts and bytes alone', async () => {
    expect(await (await get('/text')).text()).to.equal('text')
    expect(await (await get('/bytes')).text()).to.equal('png')
  })

  it('refuse a class without rules: nobody could know what of it may leave', async () => {
    @Controller()
    class Bares {
      @Get()
      @Returns(Bare)
      bare() {}
    }

    expect(await refusal([Bares])).to.match(/^Bares\.bare/)
  })
})
