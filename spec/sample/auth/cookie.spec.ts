import { expect } from 'chai'
import { type AppOptions, Topics } from 'okapi'
import { container } from 'tsyringe'
import { createCookieSample } from '../../../sample/auth/cookie.js'
import { claims } from '../../../sample/auth/jwt.js'
import { People } from '../../../sample/auth/people.js'
import { closeAll, start } from '../../support/serve.js'
import { subscribe } from '../../support/subscribe.js'
import { sign } from '../../support/tokens.js'

const secret = 'a secret of 32 characters, or more'
const key = new TextEncoder().encode(secret)

describe('The sample of tokens in cookies', () => {
  const people = new People()
  let topics = new Topics()

  const begin = async (options: Omit<AppOptions, 'controllers' | 'setup'> = {}, lasts = 60) => {
    const child = container.createChildContainer().registerInstance(People, people)
    const sample = await createCookieSample(
      { secret, lasts },
      { fastify: { logger: false }, ...options, topics, container: child },
    )
    return (await start(sample)).url
  }
  const login = (url: string, password = 'analytical engine', headers: Record<string, string> = {}) =>
    fetch(`${url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: 'ada', password }),
    })
  const cookieOf = (answer: Response): string => answer.headers.getSetCookie().join().split(';', 1)[0] as string
  const read = async (url: string, cookie?: string) => {
    const stream = await subscribe(`${url}/quotes/live`, cookie === undefined ? {} : { headers: { cookie } })
    stream.leave()
    return stream.status
  }

  before(() => people.add('ada', 'analytical engine'))
  beforeEach(() => {
    topics = new Topics()
  })
  afterEach(async () => {
    await closeAll()
    await topics.close()
  })

  it('gives whoever signs in a cookie that no script reads and no other site sends', async () => {
    const url = await begin()

    const answer = await login(url)

    expect(answer.status).to.equal(204)
    expect(answer.headers.getSetCookie().join()).to.match(
      /^__Host-token=[\w-]+\.[\w-]+\.[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    expect(await read(url, cookieOf(answer))).to.equal(200)
  })

  it('gives none for a wrong password', async () => {
    const answer = await login(await begin(), 'difference engine')

    expect(answer.status).to.equal(401)
    expect(answer.headers.getSetCookie()).to.deep.equal([])
  })

  it('lets in nobody without one, nor with one that is expired, forged or signed for others', async () => {
    const url = await begin()
    const eve = new TextEncoder().encode('a secret of 32 characters, of Eve')
    const by = (key: Uint8Array, given = {}) => sign(key, { alg: 'HS256' }, { aud: claims.allowedAud, ...given })

    expect(await read(url, `__Host-token=${await by(key)}`)).to.equal(200)
    expect(await read(url)).to.equal(401)
    for (const token of [await by(key, { exp: 1 }), await by(eve), await by(key, { aud: 'shop' }), '', 'x']) {
      expect(await read(url, `__Host-token=${token}`), token).to.equal(401)
    }
  })

  it('ends a stream with the token in the cookie', async () => {
    const url = await begin({}, 1)
    const stream = await subscribe(`${url}/quotes/live`, { headers: { cookie: cookieOf(await login(url)) } })

    expect((await stream.rest()).map(({ event, data }) => [event, data])).to.deep.equal([
      ['stream:end', '{"reason":"expired"}'],
    ])
  })

  it('changes nothing for pages of another origin, not even of the same site', async () => {
    const url = await begin()

    for (const from of ['cross-site', 'same-site']) {
      expect((await login(url, undefined, { 'sec-fetch-site': from })).status, from).to.equal(403)
    }
    for (const from of ['same-origin', 'none']) {
      expect((await login(url, undefined, { 'sec-fetch-site': from })).status, from).to.equal(204)
    }
  })

  it('takes the cookie from whoever signs out', async () => {
    const url = await begin()

    const answer = await fetch(`${url}/login/end`, { method: 'POST' })

    expect(answer.status).to.equal(204)
    expect(answer.headers.getSetCookie().join()).to.match(/^__Host-token=; .*Expires=Thu, 01 Jan 1970/)
  })
})
