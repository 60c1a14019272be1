import { expect } from 'chai'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  Controller,
  type Credential,
  type CredentialsOptions,
  credentials,
  DefinitionError,
  Doc,
  describeApi,
  ForbiddenError,
  Get,
  Guard,
  type Injected,
  Principal,
  type Verified,
} from 'okapi'
import request from 'supertest'
import { injectable, singleton } from 'tsyringe'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

/** Knows who asks by a header: `x-key: ada`, or `x-key: ada 1000` for a key that ends. */
class Key implements Credential {
  readonly challenge: string | undefined = 'Key'
  protected readonly header: string = 'x-key'

  present({ headers }: FastifyRequest) {
    return headers[this.header] !== undefined
  }

  verify({ headers }: FastifyRequest): Verified | Promise<Verified> {
    const [id = '', end] = String(headers[this.header]).split(' ')
    if (id === 'eve') return undefined
    if (id === 'bob') throw new ForbiddenError('Bob is banned')
    if (id === 'broken') throw new Error('password=hunter2')
    if (id === 'odd') return null as never
    return end === undefined ? { id } : { id, expiresAt: Number(end) }
  }
}

class Badge extends Key {
  override readonly challenge = 'Badge realm="door"'
  protected override readonly header = 'x-badge'

  override async verify(request: FastifyRequest) {
    return super.verify(request)
  }
}

describe('credentials', () => {
  const ask = async (
    headers: Record<string, string> = {},
    kinds: Injected<Credential>[] = [Key, Badge],
    options?: CredentialsOptions,
  ) => {
    @Controller('/door')
    class Door {
      @Get()
      @Guard(credentials(kinds, options))
      get(@Principal() principal?: Principal) {
        return principal ?? { id: null }
      }
    }
    const { app } = await serve([Door])
    return request(app.server).get('/door').set(headers)
  }

  afterEach(closeAll)

  it('let in who brings one of any kind', async () => {
    expect((await ask({ 'x-key': 'ada' })).body).to.deep.equal({ id: 'ada' })
    expect((await ask({ 'x-badge': 'ada' })).body).to.deep.equal({ id: 'ada' })
  })

  it('ask for one who brings none, and name every scheme', async () => {
    const { status, headers, body } = await ask()

    expect(status).to.equal(401)
    expect(headers['www-authenticate']).to.equal('Key, Badge realm="door"')
    expect(body.detail).to.equal('Send a credential')
  })

  it('name every scheme to one who is known by none of them, and pass that by where another is good', async () => {
    const authorization = 'Digest username="ada"'
    const { status, headers, body } = await ask({ authorization })

    expect(status).to.equal(401)
    expect(headers['www-authenticate']).to.equal('Key, Badge realm="door"')
    expect(body.detail).to.equal('The credential is of no kind that is taken here')
    expect((await ask({ authorization, 'x-key': 'ada' })).body).to.deep.equal({ id: 'ada' })
  })

  it('let nobody in by one that is no good, and name its scheme', async () => {
    const { status, headers, body } = await ask({ 'x-badge': 'eve' })

    expect(status).to.equal(401)
    expect(headers['www-authenticate']).to.equal('Badge realm="door"')
    expect(body.detail).to.equal('The credential is not valid')
  })

  it('name no scheme where there is none', async () => {
    class Nameless extends Key {
      override readonly challenge = undefined
    }

    expect((await ask({ 'x-key': 'eve' }, [Nameless])).headers).not.to.have.property('www-authenticate')
  })

  it('answer what a kind throws as an HttpError with its status, and anything else with 500', async () => {
    expect((await ask({ 'x-key': 'bob' })).body).to.include({ status: 403, detail: 'Bob is banned' })
    const { status, text } = await ask({ 'x-key': 'broken' })
    expect(status).to.equal(500)
    expect(text).not.to.contain('hunter2')
    expect((await ask({ 'x-key': 'odd' })).status).to.equal(500)
  })

  it('refuse one whose time is over', async () => {
    expect((await ask({ 'x-key': `ada ${Date.now() - 1}` })).body).to.include({
      status: 401,
      detail: 'The credential has expired',
    })
  })

  describe('with anonymous', () => {
    const anonymously = (headers: Record<string, string> = {}) => ask(headers, [Key, Badge], { anonymous: true })

    it('let in who brings none', async () => {
      const { status, body } = await anonymously()

      expect({ status, body }).to.deep.equal({ status: 200, body: { id: null } })
    })

    it('know who brings one', async () => {
      expect((await anonymously({ 'x-key': 'ada' })).body).to.deep.equal({ id: 'ada' })
    })

    const failed: [what: string, headers: Record<string, string>][] = [
      ['one that is no good', { 'x-key': 'eve' }],
      ['an empty one that is no good', { 'x-key': 'eve', 'x-badge': '' }],
      ['one that has ended', { 'x-key': 'ada 1' }],
      ['a good one and a bad one', { 'x-key': 'ada', 'x-badge': 'eve' }],
      ['a scheme that no kind knows', { authorization: 'Digest username="ada"' }],
      ['a scheme without a name', { authorization: '' }],
    ]
    for (const [what, headers] of failed) {
      it(`take nobody for anonymous who brings ${what}`, async () => {
        expect((await anonymously(headers)).status).to.equal(401)
      })
    }
  })

  it('are looked at one and all: a good one does not make up for a bad one', async () => {
    expect((await ask({ 'x-key': 'ada', 'x-badge': 'eve' })).status).to.equal(401)
    expect((await ask({ 'x-key': 'eve', 'x-badge': 'ada' })).status).to.equal(401)
  })

  it('are those of one principal', async () => {
    expect((await ask({ 'x-key': 'ada', 'x-badge': 'dan' })).body).to.include({
      status: 400,
      detail: 'The credentials are of two principals',
    })
  })

  it('end with the one that ends first', async () => {
    const [soon, later] = [Date.now() + 10_000, Date.now() + 20_000]
    const ends = async (key: string, badge: string) =>
      (await ask({ 'x-key': `ada${key}`, 'x-badge': `ada${badge}` })).body.expiresAt

    expect(await ends(` ${soon}`, ` ${later}`)).to.equal(soon)
    expect(await ends(` ${later}`, ` ${soon}`)).to.equal(soon)
    expect(await ends('', ` ${soon}`)).to.equal(soon)
    expect(await ends(` ${soon}`, '')).to.equal(soon)
  })

  it('are made by the container, with what is injected into them', async () => {
    @singleton()
    class Keys {
      readonly good = ['ada']
    }

    @injectable()
    class Listed extends Key {
      constructor(private readonly keys: Keys) {
        super()
      }

      override verify({ headers }: FastifyRequest): Verified {
        const key = String(headers['x-key'])
        return this.keys.good.includes(key) ? { id: key } : undefined
      }
    }

    expect((await ask({ 'x-key': 'ada' }, [Listed])).status).to.equal(200)
    expect((await ask({ 'x-key': 'dan' }, [Listed])).status).to.equal(401)
  })

  it('are documented as their kinds are, each of which will do', () => {
    @Doc({ security: 'key' })
    class Documented extends Key {}
    @Doc({ security: ['badge', { pin: [] }] })
    class AlsoDocumented extends Badge {}

    @Controller('/doors')
    class Doors {
      @Get('/closed')
      @Guard(credentials([Documented, AlsoDocumented]))
      closed() {}

      @Get('/open')
      @Guard(credentials([Documented, Key], { anonymous: true }))
      open() {}

      @Get('/unsaid')
      @Guard(credentials([Key]))
      unsaid() {}
    }
    const scheme = { type: 'http', scheme: 'basic' } as const
    const { paths } = describeApi([Doors], {
      info: { title: 'Doors', version: '1.0.0' },
      securitySchemes: { key: scheme, badge: scheme, pin: scheme },
    })
    const securityOf = (path: string) => paths?.[`/doors/${path}`]?.get?.security

    expect(securityOf('closed')).to.deep.equal([{ key: [] }, { badge: [] }, { pin: [] }])
    expect(securityOf('open')).to.deep.equal([{ key: [] }, {}])
    expect(securityOf('unsaid')).to.equal(undefined)
  })

  describe('stop the boot', () => {
    it('if there is no kind, or one is no class', () => {
      expect(() => credentials([])).to.throw(DefinitionError, 'credentials(): names no kind: credentials([Jwt])')
      expect(() => credentials([Key, undefined as never])).to.throw(
        DefinitionError,
        'credentials(), item 1: is no class but undefined',
      )
    })

    it('for an option that nobody reads', () => {
      expect(() => credentials([Key], { anonymos: true } as object)).to.throw(
        DefinitionError,
        'credentials(): knows no anonymos: is it anonymous?',
      )
    })

    it('if a kind is none', async () => {
      class Empty {}

      @Controller('/door')
      class Door {
        @Get()
        @Guard(credentials([Empty as never]))
        get() {}
      }

      expect(await refusal([Door])).to.match(
        /^Door\.get, @Guard\(Credentials\): cannot be resolved\. credentials\(\), Empty: has no methods present\(\) and verify\(\)/,
      )
    })

    it('if a kind finds that the app lacks what it needs', async () => {
      class Card extends Key {
        boot(_app: FastifyInstance, where: string) {
          throw new DefinitionError(where, 'needs a reader')
        }
      }

      @Controller('/door')
      class Door {
        @Get()
        @Guard(credentials([Key, Card]))
        open() {}
      }

      expect(await refusal([Door])).to.equal('Door.open, @Guard(Credentials), Card: needs a reader')
    })
  })
})
