import fc from 'fast-check'
import type { Attack } from './stranger.js'
import { forge } from './tokens.js'

/** Where requests go to. */
export interface Targets {
  readonly paths: readonly string[]
  /** Those that take a form with files. */
  readonly forms: readonly string[]
}

const word = fc.string({ unit: 'binary', maxLength: 12 })
const nasty = fc.constantFrom(
  ...['../../etc/passwd', '%2e%2e%2f', '%252e%252e%252f', '..%c0%af', '%00', '%u0000', '\u0000', 'a\r\nx: y'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '%',
    '%zz',
    '%ff',
    '\ufffd',
    '\ud800',
    '\ufeff',
    '\u2028',
    'a[b][c]',
    ';',
  ],
  ...['1e999', '-0', 'NaN', '99999999999999999999', '[object Object]', 'stream.end', 'id: 1\n\ndata: x', '{{7*7}}'],
  ...['1'.repeat(3_000), `${'1'.repeat(3_000)}x`, 'a'.repeat(9_000)],
)
const text = fc.oneof(word, nasty)

/** Most of them get past the parser of Node, which refuses the rest. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ arbitrary: usual, weight: 9 }, { arbitrary: odd, weight: 1 })
const encoded = mostly(
  text.map(one => encodeURIComponent(one.toWellFormed())),
  text,
)
const printable = mostly(
  text.map(one => one.replace(/[^\x20-\x7e]/g, '')),
  text,
)

/** Headers that the server or one of its plugins reads. */
const header = fc.oneof(
  fc.tuple(
    mostly(
      fc.constantFrom(
        ...['cookie', 'accept', 'x-trace', 'if-none-match', 'if-modified-since', 'range', 'if-range', 'origin'],
        ...['content-encoding', 'accept-encoding', 'access-control-request-method', 'x-forwarded-for', 'expect'],
      ),
      text,
    ),
    printable,
  ),
  fc.tuple(
    fc.constant('last-event-id'),
    fc.oneof(
      printable,
      fc.constantFrom(
        'a.1',
        `${'a'.repeat(16)}.9007199254740993`,
        'a.1,'.repeat(300),
        '1'.repeat(9_000),
        'a\0b',
        'stream.end',
      ),
    ),
  ),
  fc.tuple(
    fc.constant('authorization'),
    fc.oneof(
      printable.map(one => `Bearer ${one}`),
      fc.constantFrom(
        'Bearer',
        'Basic Og==',
        'Basic \u00ff',
        `Bearer ${'a.'.repeat(3_000)}`,
        'Bearer ..',
        'Bearer a.b.c',
      ),
      fc
        .tuple(fc.constantFrom('none', 'nOnE', 'HS256', 'RS256', '__proto__', ''), fc.anything({ maxDepth: 1 }))
        .map(([alg, sub]) => `Bearer ${forgery(alg, sub)}`),
    ),
  ),
)

function forgery(alg: string, sub: unknown): string {
  try {
    return forge({ alg }, { sub }, 'c2lnbmVk')
  } catch {
    return 'a.b.c'
  }
}

/** A body, and the media type that it has or claims. */
interface Content {
  readonly type: string
  readonly body: Buffer
}

const type = fc.constantFrom(
  ...['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'],
  ...[
    'multipart/form-data',
    'application/json; charset=klingon',
    ';',
    'text/event-stream',
    '',
    'text/plain; charset=utf-16le',
  ],
)
const order = '{"symbol":"x","count":1}'
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.record({ symbol: fc.anything({ maxDepth: 1 }), count: fc.anything({ maxDepth: 1 }) }).map(textOf),
  fc.constantFrom('{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{}}}', '[', '{"symbol":', 'null', '""'),
  fc.constantFrom(
    order,
    `\ufeff${order}`,
    '{"symbol":"a","symbol":"b","count":"c","count":1}',
    '{"symbol":"\\ud800","count":1}',
    '{"symbol":"\\u0000","count":1}',
    '{"symbol":"\0","count":1}',
    '{"symbol":"x","count":1e999}',
    `{"symbol":"x","count":${'9'.repeat(5_000)}}`,
    `{"symbol":"x","count":-0.${'0'.repeat(5_000)}1}`,
    `{"symbol":"x","count":1,"more":${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}}`,
    `{${Array.from({ length: 800 }, (_, n) => `"k${n}":1`).join()}}`,
  ),
  fc.nat(9_000).map(depth => '['.repeat(depth) + ']'.repeat(depth)),
)
const pair = fc.tuple(
  fc.oneof(fc.constantFrom('symbol', 'count', '__proto__', 'symbol[0]', 'a.b', ''), encoded),
  encoded,
)
const urlencoded = fc.oneof(
  fc.array(pair, { maxLength: 6 }).map(pairs => pairs.map(([name, value]) => `${name}=${value}`).join('&')),
  fc.constantFrom(
    'symbol=a&'.repeat(900),
    '&'.repeat(9_000),
    `symbol=a&count=${'1'.repeat(9_000)}x`,
    'symbol=a&count=1',
  ),
)
const bytes = fc.uint8Array({ maxLength: 40 }).map(one => Buffer.from(one))
const content: fc.Arbitrary<Content> = fc.oneof(
  json.map(body => ({ type: 'application/json', body: Buffer.from(body) })),
  urlencoded.map(body => ({ type: 'application/x-www-form-urlencoded', body: Buffer.from(body) })),
  fc.record({ type, body: fc.oneof(bytes, json.map(Buffer.from), urlencoded.map(Buffer.from), text.map(Buffer.from)) }),
)

/** A part of a form, or something like it. */
const part = fc
  .record({
    name: fc.oneof(fc.constantFrom('symbol', 'count', 'photo', 'photo', '__proto__', 'constructor', ''), text),
    filename: fc.oneof(
      fc.constant(undefined),
      fc.constantFrom(
        'a.txt',
        '../../evil',
        '..\\evil',
        '/etc/evil',
        'C:\\evil',
        'a\0b',
        'a\r\nx: y',
        '"; x="',
        '.',
        '茶'.repeat(200),
      ),
      text,
    ),
    extended: mostly(
      fc.constant(''),
      fc.constantFrom("utf-8''..%2f..%2fevil", "klingon''x", "utf-8''%zz%ff", "''", 'x'),
    ),
    more: fc.constantFrom(
      ...['', '', '', 'content-type: text/plain', 'content-type: application/json', 'content-type: ;;;'],
      ...['content-type: text/plain; charset=klingon', 'content-transfer-encoding: base64'],
      ...['content-transfer-encoding: quoted-printable', 'content-disposition: form-data; name="second"'],
      ...['content-type: multipart/mixed; boundary=inner', `x-long: ${'x'.repeat(9_000)}`, 'no header at all'],
    ),
    value: fc.oneof(
      fc.constantFrom('x', '5', '', '{"__proto__":{"admin":true}}', '\r\n--', '--b', '\r\n--b', 'x'.repeat(2_000)),
      fc.constant('--inner\r\ncontent-disposition: file; filename="../evil"\r\n\r\nx\r\n--inner--'),
      bytes.map(one => one.toString('latin1')),
    ),
    end: mostly(fc.constant('\r\n\r\n'), fc.constantFrom('\r\n', '', '\n\n', '\r\n \r\n')),
  })
  .map(({ name, filename, extended, more, value, end }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const star = extended === '' ? '' : `; filename*=${extended}`
    const second = more === '' ? '' : `\r\n${more}`
    return `content-disposition: form-data; name="${name}"${file}${star}${second}${end}${value}\r\n`
  })
const form: fc.Arbitrary<Content> = fc
  .record({
    parts: fc.array(part, { maxLength: 5 }),
    usual: fc.boolean(),
    close: mostly(fc.constant('--b--\r\n'), fc.constantFrom('', '--b', '--b--', '--b-- more', '--c--\r\n')),
    preamble: mostly(fc.constant(''), text),
    boundary: mostly(
      fc.constant('; boundary=b'),
      fc.constantFrom(
        ...[
          '',
          '; boundary=',
          '; boundary=c',
          '; boundary="b"',
          `; boundary=${'b'.repeat(71)}`,
          '; boundary=b; boundary=c',
        ],
        ...[
          '; x="; boundary=b',
          `; boundary=${'b'.repeat(3_000)}`,
          '; boundary=\u00ff',
          ';;; boundary=b',
          '; __proto__=1; boundary=b',
        ],
      ),
    ),
  })
  .map(({ parts, usual, close, preamble, boundary }) => {
    // Without them, hardly one would be taken.
    const own = usual
      ? ['symbol', 'count'].map(name => `content-disposition: form-data; name="${name}"\r\n\r\n1\r\n`)
      : []
    const body = preamble + [...own, ...parts].map(one => `--b\r\n${one}`).join('') + close
    return { type: `multipart/form-data${boundary}`, body: Buffer.from(body) }
  })

const lengths = mostly(
  fc.constantFrom('right' as const, 'right' as const, 'chunked' as const),
  fc.constantFrom(
    'short' as const,
    'long' as const,
    'none' as const,
    'broken' as const,
    'huge' as const,
    'both' as const,
  ),
)

/** The header that says how long a body is, and the body as it is sent. */
function framed(body: Buffer, length: string, size: number): [header: string, sent: Buffer] {
  switch (length) {
    case 'chunked':
      return ['transfer-encoding: chunked\r\n', chunked(body, size)]
    case 'broken':
      return ['transfer-encoding: chunked\r\n', body]
    case 'both':
      return [`content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n`, chunked(body, size)]
    case 'none':
      return ['', body]
    default: {
      const lengths: Record<string, number> = { short: body.length >> 1, long: body.length + 10, huge: 99_999_999_999 }
      return [`content-length: ${lengths[length] ?? body.length}\r\n`, body]
    }
  }
}

function chunked(body: Buffer, size: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size)
    pieces.push(Buffer.from(`${piece.length.toString(16)};a=b\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n__proto__: x\r\ncontent-type: text/html\r\n\r\n')])
}

function requestTo(
  path: fc.Arbitrary<string>,
  method: fc.Arbitrary<string>,
  content: fc.Arbitrary<Content>,
): fc.Arbitrary<Attack> {
  return fc
    .record({
      method,
      path,
      version: mostly(fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'), fc.constantFrom('HTTP/9.9', 'HTTP', '')),
      headers: fc.array(header, { maxLength: 3 }),
      content,
      length: lengths,
      size: fc.integer({ min: 1, max: 400 }),
      cut: mostly(fc.constant(null), fc.nat(600)),
      leaves: mostly(fc.constant(false), fc.constant(true)),
    })
    .map(({ method, path, version, headers, content, length, size, cut, leaves }) => {
      const [frame, body] = framed(content.body, length, Math.max(size, content.body.length >> 6))
      const more = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const head = `${method} ${path} ${version}\r\nhost: x\r\nconnection: close\r\ncontent-type: ${content.type}\r\n`
      const whole = Buffer.concat([Buffer.from(`${head}${frame}${more}\r\n`), body])
      const complete = cut === null && ['right', 'chunked'].includes(length)
      return {
        bytes: cut === null ? whole : whole.subarray(0, cut),
        finish: leaves ? 'cut' : complete ? 'wait' : 'end',
      }
    })
}

const method = mostly(
  fc.constantFrom('GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE'),
  fc.constantFrom('TRACE', 'get', 'BREW', 'G ET', '', 'CONNECT'),
)

/** Requests of all kinds to these paths: random ones, and some that others have thought of. */
export function hostileRequests({ paths, forms }: Targets): fc.Arbitrary<Attack> {
  const known = fc.constantFrom(...paths)
  const path = mostly(
    fc.oneof(
      known,
      fc.tuple(known, encoded).map(parts => parts.join('/')),
      fc.tuple(known, encoded, encoded).map(([path, name, value]) => `${path}?${name}=${value}&page=${value}`),
      fc.tuple(known, encoded).map(([path, value]) => `${path}?ticket=${value}&lastEventId=${value}&to=${value}`),
    ),
    fc
      .tuple(fc.constantFrom('http://evil.example', 'http://[', '//evil.example', '', '/..', '/\\'), known)
      .map(parts => parts.join('')),
  )
  return fc.oneof(
    { arbitrary: requestTo(path, method, content), weight: 3 },
    { arbitrary: requestTo(fc.constantFrom(...paths, ...forms), fc.constant('POST'), content), weight: 1 },
    { arbitrary: requestTo(fc.constantFrom(...forms), fc.constant('POST'), form), weight: 2 },
  )
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
