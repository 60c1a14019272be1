import { expect } from 'chai'
import { createBasicSample } from '../../../sample/auth/basic.js'
import { People } from '../../../sample/auth/people.js'
import { closeAll, start } from '../../support/serve.js'
import { subscribe } from '../../support/subscribe.js'

describe('The sample of basic authentication', () => {
  const people = new People()
  const begin = async () => (await start(await createBasicSample(people, { fastify: { logger: false } }))).url
  const basic = (credentials: string) => ({
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  })

  before(() => people.add('ada', 'pass: wörd'))
  afterEach(closeAll)

  it('lets in who knows the password, to answers and to streams', async () => {
    const url = await begin()

    expect(await (await fetch(`${url}/quotes`, basic('ada:pass: wörd'))).json()).to.deep.equal({ reader: 'ada' })
    const stream = await subscribe(`${url}/quotes/live`, basic('ada:pass: wörd'))
    expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['To be, or not to be', '{"reason":"done"}'])
  })

  for (const [what, init] of [
    ['no credentials', {}],
    ['a wrong password', basic('ada:wrong')],
    ['an unknown name', basic('eve:pass: wörd')],
    ['no colon', basic('ada')],
    ['a line break', basic('ada:pass: wörd\n')],
    ['another scheme', { headers: { authorization: 'Bearer ada' } }],
    ['no Base64', { headers: { authorization: 'Basic ???' } }],
  ] as const) {
    it(`refuses ${what} with 401, and says how to do better`, async () => {
      const url = await begin()

      for (const path of ['/quotes', '/quotes/live']) {
        const { status, headers } = await fetch(url + path, init)

        expect(status).to.equal(401)
        expect(headers.get('www-authenticate')).to.equal('Basic realm="quotes", charset="UTF-8"')
        expect(headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      }
    })
  }
})
