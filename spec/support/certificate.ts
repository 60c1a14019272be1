import { execFileSync } from 'node:child_process'

let pem: string | undefined

/** A key and a self-signed certificate for `localhost`, made once. */
export function certificate(): { key: string; cert: string } {
  pem ??= execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'].concat([
      '-subj',
      '/CN=localhost',
      '-keyout',
      '-',
      '-out',
      '-',
    ]),
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  return { key: pem, cert: pem }
}
