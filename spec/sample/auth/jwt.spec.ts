import { expect } from 'chai'
import { byPublicKey, bySecret, claims, createJwtSample } from '../../../sample/auth/jwt.js'
import { closeAll, start } from '../../support/serve.js'
import { subscribe } from '../../support/subscribe.js'
import { forge, keysOf, sign } from '../../support/tokens.js'

const silent = { fastify: { logger: false } }
const secret = 'a secret of 32 characters, or more'
const key = new TextEncoder().encode(secret)
const ours = { aud: claims.allowedAud }

describe('The sample of JSON Web Tokens', () => {
  const read = async (url: string, token?: string) =>
    fetch(`${url}/quotes`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

  afterEach(closeAll)

  for (const [alg, verification, signing] of [
    ['HS256', bySecret(secret), key],
    ['RS256', byPublicKey(keysOf('rsa').public), keysOf('rsa').signing],
    ['PS256', byPublicKey(keysOf('rsa').public), keysOf('rsa').signing],
    ['ES256', byPublicKey(keysOf('ec').public), keysOf('ec').signing],
    ['EdDSA', byPublicKey(keysOf('ed25519').public), keysOf('ed25519').signing],
  ] as const) {
    it(`lets in a reader whose token is signed by ${alg}, to answers and to streams`, async () => {
      const { url } = await start(await createJwtSample(verification, silent))
      const token = await sign(signing, { alg }, ours)

      expect(await (await read(url, token)).json()).to.deep.equal({ reader: 'ada' })
      const stream = await subscribe(`${url}/quotes/live`, { headers: { authorization: `Bearer ${token}` } })
      expect(await stream.take(1)).to.deep.include({ id: undefined, event: undefined, data: 'To be, or not to be' })
      stream.leave()
    })
  }

  it('lets in nobody else', async () => {
    const { url } = await start(await createJwtSample(byPublicKey(keysOf('rsa').public), silent))
    const confused = new TextEncoder().encode(keysOf('rsa').public)

    for (const token of [
      undefined,
      'token',
      forge({ alg: 'none' }, ours),
      await sign(confused, { alg: 'HS256' }, ours),
      await sign(keysOf('rsa', 'eve').signing, { alg: 'RS256' }, ours),
      await sign(keysOf('rsa').signing, { alg: 'RS256' }, { ...ours, exp: 1 }),
      await sign(keysOf('rsa').signing, { alg: 'RS256' }, { aud: 'shop' }),
      await sign(keysOf('rsa').signing, { alg: 'RS256' }, { aud: undefined }),
    ]) {
      expect((await read(url, token)).status, token).to.equal(401)
    }
  })
})
