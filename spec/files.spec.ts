import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { Controller, DefinitionError, download, FileAnswer, file, Get, Param, Query, SetHeader } from 'okapi'
import { dispositionOf, kindOf } from '../src/files.js'
import { Connection, get, leaveAll } from './support/connection.js'
import { makeFolder, removeFolders } from './support/folder.js'
import { closeAll, serve } from './support/serve.js'

@Controller()
class Reports {
  @Get('/show')
  show(@Query('path') path: string) {
    return file(path)
  }

  @Get('/save')
  async save(@Query('path') path: string, @Query('as') as?: string) {
    return download(path, as === undefined ? {} : { as })
  }

  @Get('/typed')
  @SetHeader('cache-control', 'private')
  typed() {
    return file('a.bin', { type: 'image/x-own' })
  }

  @Get('/kept')
  kept() {
    return file('a.bin', { maxAge: 60_000, immutable: true })
  }

  @Get('/node')
  node() {
    return Readable.from(['one', 'two'])
  }

  @Get('/web')
  web() {
    return new Blob(['one', 'two']).stream()
  }

  @Get('/bytes')
  bytes() {
    return Buffer.from([0, 255])
  }
}

describe('file', () => {
  let root = ''
  const start = async (): Promise<string> => (await serve([Reports], { files: pathToFileURL(`${root}/public/`) })).url

  beforeEach(async () => {
    root = await makeFolder()
    await mkdir(join(root, 'public/sub'), { recursive: true })
    await writeFile(join(root, 'secret.txt'), 'secret')
    await writeFile(join(root, 'public/a.txt'), '0123456789')
    await writeFile(join(root, 'public/a.bin'), 'bytes')
    await writeFile(join(root, 'public/.env'), 'secret')
    await writeFile(join(root, 'public/100% #1?.txt'), 'odd')
    await writeFile(join(root, 'public/sub/b.txt'), 'b')
    await symlink(join(root, 'secret.txt'), join(root, 'public/link.txt'))
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
    await removeFolders()
  })

  it('is an answer with a path', () => {
    expect(file('a.txt')).to.be.instanceOf(FileAnswer).and.deep.include({ path: 'a.txt', options: {}, as: undefined })
    expect(download('a/b.txt').as).to.equal('b.txt')
  })

  it('refuses an option that nobody reads', () => {
    expect(() => file('a', { dotfile: true } as object)).to.throw(
      DefinitionError,
      'file(): knows no dotfile: is it dotfiles?',
    )
    expect(() => download('a', { ass: 'b' } as object)).to.throw(DefinitionError, 'download(): knows no ass: is it as?')
  })

  it('sends the file, with what a cache needs to know', async () => {
    const answer = await fetch(`${await start()}/show?path=a.txt`)

    expect(await answer.text()).to.equal('0123456789')
    expect(answer.headers.get('content-type')).to.equal('text/plain; charset=utf-8')
    expect(answer.headers.get('content-length')).to.equal('10')
    expect(answer.headers.get('cache-control')).to.equal('public, max-age=0')
    expect(answer.headers.get('accept-ranges')).to.equal('bytes')
    expect(answer.headers.get('etag')).to.match(/^W\/"/)
    expect(answer.headers.get('last-modified')).to.match(/ GMT$/)
    expect(answer.headers.get('content-disposition')).to.equal(null)
  })

  it('sends the head alone to HEAD', async () => {
    const answer = await fetch(`${await start()}/show?path=a.txt`, { method: 'HEAD' })

    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).to.deep.equal([200, '10', ''])
  })

  it('sends the part that is asked for, and all of it if it has changed since', async () => {
    const url = `${await start()}/show?path=a.txt`
    const part = await fetch(url, { headers: { range: 'bytes=2-4' } })
    const since = part.headers.get('last-modified') as string

    expect([part.status, part.headers.get('content-range'), await part.text()]).to.deep.equal([
      206,
      'bytes 2-4/10',
      '234',
    ])
    expect((await fetch(url, { headers: { range: 'bytes=2-4', 'if-range': since } })).status).to.equal(206)
    const changed = await fetch(url, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } })
    expect([changed.status, await changed.text()]).to.deep.equal([200, '0123456789'])
  })

  it('answers a part that there is not as problem details, with the size', async () => {
    const answer = await fetch(`${await start()}/show?path=a.txt`, { headers: { range: 'bytes=99-' } })

    expect([answer.status, answer.headers.get('content-range')]).to.deep.equal([416, 'bytes */10'])
    expect(answer.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
  })

  it('answers 304 to who has it already', async () => {
    const url = `${await start()}/show?path=a.txt`
    const etag = (await fetch(url)).headers.get('etag') as string
    const connection = await Connection.open(url, get('/show?path=a.txt', { 'if-none-match': etag }))

    await connection.has('\r\n\r\n')
    expect(connection.text).to.match(/^HTTP\/1\.1 304 /)
    expect(connection.body).to.equal('')
    const since = (await fetch(url)).headers.get('last-modified') as string
    const dated = await Connection.open(url, get('/show?path=a.txt', { 'if-modified-since': since }))
    await dated.has('\r\n\r\n')
    expect(dated.text).to.match(/^HTTP\/1\.1 304 /)
  })

  for (const path of [
    'none.txt',
    '',
    'sub',
    'a.txt/',
    '../secret.txt',
    'sub/../../secret.txt',
    'sub/../a.txt',
    './a.txt',
    'sub//b.txt',
    '/a.txt',
    '/etc/passwd',
    '..\\secret.txt',
    'a.txt\0.png',
    '%2e%2e/secret.txt',
    '..%2fsecret.txt',
    '.env',
    'link.txt',
    'x'.repeat(5_000),
  ]) {
    it(`answers ${JSON.stringify(path.slice(0, 30))} 404, and tells nothing`, async () => {
      const answer = await fetch(`${await start()}/show?path=${encodeURIComponent(path)}`)

      expect(answer.status).to.equal(404)
      expect(await answer.json()).to.deep.equal({ type: 'about:blank', title: 'Not Found', status: 404 })
    })
  }

  it('answers what has signs in its name that a URL has too', async () => {
    const answer = await fetch(`${await start()}/show?path=${encodeURIComponent('100% #1?.txt')}`)

    expect([answer.status, await answer.text()]).to.deep.equal([200, 'odd'])
  })

  it('leaves to the method what it says itself', async () => {
    const { headers } = await fetch(`${await start()}/typed`)

    expect(headers.get('cache-control')).to.equal('private')
    expect(headers.get('content-type')).to.equal('image/x-own')
  })

  it('may be kept as long as it says', async () => {
    const { headers } = await fetch(`${await start()}/kept`)

    expect(headers.get('cache-control')).to.equal('public, max-age=60, immutable')
  })

  it('is of a folder of its own where it names one, with its dotfiles where it says so', async () => {
    @Controller('/own')
    class Own {
      @Get('/:path')
      own(@Param('path') path: string) {
        return file(path, { root: pathToFileURL(`${root}/public/`), dotfiles: true })
      }

      @Get('/without/:path')
      without(@Param('path') path: string) {
        return file(path)
      }
    }
    const { url } = await serve([Own], { files: true })

    expect(await (await fetch(`${url}/own/.env`)).text()).to.equal('secret')
    expect((await fetch(`${url}/own/link.txt`)).status).to.equal(404)
    expect((await fetch(`${url}/own/without/a.txt`)).status).to.equal(500)
  })

  it('says in the log what is missing in an app without the option', async () => {
    const { url } = await serve([Reports])

    expect((await fetch(`${url}/show?path=a.txt`)).status).to.equal(500)
  })

  it('shows dotfiles to who asks for them', async () => {
    expect(await kindOf(join(root, 'public'), '.env', true)).to.equal('file')
    expect(await kindOf(root, 'public')).to.equal('folder')
  })

  describe('for saving', () => {
    it('is named as the file', async () => {
      const { headers } = await fetch(`${await start()}/save?path=sub/b.txt`)

      expect(headers.get('content-disposition')).to.equal('attachment; filename="b.txt"')
    })

    it('cannot bring a header of its own', async () => {
      const as = encodeURIComponent('a"\r\nset-cookie: b=1\r\n\r\n<p>')
      const { status, headers } = await fetch(`${await start()}/save?path=a.txt&as=${as}`)

      expect(status).to.equal(200)
      expect(headers.get('set-cookie')).to.equal(null)
      expect(headers.get('content-disposition')).to.equal(
        `attachment; filename="a___set-cookie: b=1____<p>"; filename*=UTF-8''a%22%0D%0Aset-cookie%3A%20b%3D1%0D%0A%0D%0A%3Cp%3E`,
      )
    })
  })
})

describe('dispositionOf', () => {
  for (const [name, header] of [
    ['a b.txt', 'attachment; filename="a b.txt"'],
    ['Übersicht €.pdf', `attachment; filename="_bersicht _.pdf"; filename*=UTF-8''%C3%9Cbersicht%20%E2%82%AC.pdf`],
    [
      "it's(1)*.txt\u{1F600}",
      `attachment; filename="it's(1)*.txt_"; filename*=UTF-8''it%27s%281%29%2A.txt%F0%9F%98%80`,
    ],
    ['100%.txt', `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`],
    ['../../etc/passwd', 'attachment; filename="passwd"'],
    ['..\\boot.ini', 'attachment; filename="boot.ini"'],
    ['\uD800', `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
  ] as const) {
    it(`names ${JSON.stringify(name)}`, () => {
      expect(dispositionOf(name)).to.equal(header)
    })
  }
})

describe('an answer that is a body', () => {
  afterEach(closeAll)

  for (const [path, body] of [
    ['node', 'onetwo'],
    ['web', 'onetwo'],
  ]) {
    it(`of a stream (${path}) is sent as it is, without a type`, async () => {
      const answer = await fetch(`${(await serve([Reports])).url}/${path}`)

      expect(answer.headers.get('content-type')).to.equal(null)

      expect([answer.status, await answer.text()]).to.deep.equal([200, body])
    })
  }

  it('of bytes is sent as it is', async () => {
    const answer = await fetch(`${(await serve([Reports])).url}/bytes`)

    expect(answer.headers.get('content-type')).to.equal('application/octet-stream')
    expect([...new Uint8Array(await answer.arrayBuffer())]).to.deep.equal([0, 255])
  })
})
