import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'

/** A pair of keys as PEM, and the one that signs as it is. */
export interface Keys {
  readonly public: string
  readonly private: string
  readonly signing: KeyObject
  readonly verifying: KeyObject
}

const made = new Map<string, Keys>()

/** A pair of keys, made once for each name. */
export function keysOf(type: 'rsa' | 'ec' | 'ed25519', name: string = type): Keys {
  const known = made.get(name)
  if (known) return known
  const { publicKey, privateKey } = generate(type)
  const keys = {
    public: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    private: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    signing: privateKey,
    verifying: publicKey,
  }
  made.set(name, keys)
  return keys
}

function generate(type: 'rsa' | 'ec' | 'ed25519') {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
}

/** Issuer and audience of the tokens here. */
export const issuer = 'https://id.example'
export const audience = 'prices'

/** A token of Ada's for a minute, signed by a library that is not that of the server; the claims win over that. */
export function sign(
  key: KeyObject | Uint8Array,
  header: { alg: string; kid?: string },
  claims: { readonly [Claim in keyof JWTPayload]?: JWTPayload[Claim] | undefined } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const usual = { sub: 'ada', iss: issuer, aud: audience, iat: now, exp: now + 60 }
  const given = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined)
  return new SignJWT(Object.fromEntries(given)).setProtectedHeader({ typ: 'JWT', ...header }).sign(key)
}

/** A token as somebody makes it who has no key. */
export function forge(header: object, claims: object = {}, signature = ''): string {
  const now = Math.floor(Date.now() / 1_000)
  const payload = { sub: 'ada', iss: issuer, aud: audience, iat: now, exp: now + 60, ...claims }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.${signature}`
}
