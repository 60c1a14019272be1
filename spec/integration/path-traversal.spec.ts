import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Controller, download, Files, file, Get, Multipart, Param, Post, Query, Topics, type UploadedFile } from 'okapi'
import { LmdbJournal } from 'okapi/journal-lmdb'
import { makeFolder, removeFolders } from '../support/folder.js'
import { formHeaders, formOf } from '../support/multipart.js'
import { closeAll, serve } from '../support/serve.js'
import { attack, harmless } from '../support/stranger.js'

const album = { folder: '' }

@Controller()
class Paths {
  @Get('/files/*')
  shown(@Param('*') path: string) {
    return file(path)
  }

  @Get('/downloads/*')
  saved(@Param('*') path: string) {
    return download(path)
  }

  @Get('/one/:name')
  one(@Param('name') name: string) {
    return file(name)
  }

  @Get('/query')
  query(@Query('path') path: string) {
    return file(path)
  }

  @Post('/photos')
  @Multipart()
  async photos(@Files() files: UploadedFile[]) {
    for (const { path, filename } of files) await copyFile(path, join(album.folder, filename))
    return files.map(({ filename }) => filename)
  }
}

/** Ways to write the path of one folder up. */
const ups = [
  ...[
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '..%00',
    '%00..',
    '..;',
    '..%20',
    '%20..',
    '.../.',
    '..%09',
    '..%0d%0a',
  ],
  ...['%c0%ae%c0%ae', '%u002e%u002e', '\uff0e\uff0e', '..%ff'],
]
/** Ways to write what stands between two names. */
const slashes = ['/', '%2f', '%2F', '%5c', '\\', '%252f', '//', '/./', '%c0%af', '%u2215', '\u2215', '%00/', '/%00']
const SECRET = 'the secret'

describe('Path traversal', () => {
  let root: string

  beforeEach(async () => {
    root = await makeFolder()
    album.folder = join(root, 'a/album')
    await mkdir(join(root, 'a/web/b'), { recursive: true })
    await mkdir(album.folder)
    await mkdir(join(root, 'a/webs'))
    for (const path of ['secret.txt', 'a/secret.txt', 'a/webs/secret.txt', 'a/web/.secret.txt'])
      await writeFile(join(root, path), SECRET)
    await writeFile(join(root, 'a/web/index.html'), 'public')
    await writeFile(join(root, 'a/web/b/c.txt'), 'public')
    await symlink(root, join(root, 'a/web/link'))
  })
  afterEach(async () => {
    await closeAll()
    await removeFolders()
  })

  const start = async (of: string) => {
    const folder = join(root, of)
    const served = await serve([Paths], {
      files: folder,
      static: { root: folder },
      spa: { root: folder, exclude: ['/files'] },
    })
    return async (path: string): Promise<string> => {
      const bytes = `GET ${path} HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\n\r\n`
      const answer = await attack(served.url, { bytes, finish: 'wait' })
      harmless(answer)
      return answer
    }
  }

  it('would be seen: what lies in a folder that is served is sent', async () => {
    const ask = await start('.')

    for (const path of [
      '/secret.txt',
      '/files/secret.txt',
      '/downloads/secret.txt',
      '/one/secret.txt',
      '/query?path=secret.txt',
    ]) {
      expect(await ask(path), path).to.contain(SECRET)
    }
  })

  for (const entrance of [
    '/',
    '/b/',
    '/files/',
    '/files/b/',
    '/downloads/',
    '/one/',
    '/query?path=',
    '/query?path=b/',
  ]) {
    it(`leads nowhere from ${entrance}, however it is written`, async () => {
      const ask = await start('a/web')
      const targets = ['secret.txt', 'webs/secret.txt', '.secret.txt']
      const paths = ups.flatMap(up =>
        slashes.flatMap(slash =>
          [1, 2, 3].flatMap(depth => targets.map(target => `${entrance}${(up + slash).repeat(depth)}${target}`)),
        ),
      )
      const whole = [
        join(root, 'secret.txt'),
        `/${root}/secret.txt`,
        `file://${root}/secret.txt`,
        'link/secret.txt',
        '.secret.txt',
        '%2esecret.txt',
      ]

      for (const path of [...paths, ...whole.map(path => entrance + path)]) {
        expect(await ask(path), path).to.not.contain(SECRET)
      }
    }).timeout(60_000)
  }

  it('leads nowhere by the names of uploaded files, though a method uses them', async () => {
    const { url } = await serve([Paths])
    const before = await readdir(root, { recursive: true })
    const names = [
      ...[
        '../evil',
        '..\\evil',
        '../../evil',
        '/tmp/evil',
        'C:\\evil',
        '..',
        '.',
        '',
        '../',
        'a/../../evil',
        '..\0/evil',
        '\0../evil',
      ],
      ...[
        '\uff0e\uff0e/evil',
        '..\u2215evil',
        '%2e%2e%2fevil',
        'evil\0.png',
        'x'.repeat(5_000),
        '\u8336'.repeat(500),
        '....//evil',
        '~/evil',
      ],
    ]

    for (const filename of names) {
      const form = formOf({ name: 'photo', value: 'evil', filename })
      const response = await fetch(`${url}/photos`, { method: 'POST', headers: formHeaders, body: form })
      expect(response.status, `${filename}: ${await response.text()}`).to.be.oneOf([200, 400])
      const extended = `--b\r\ncontent-disposition: form-data; name="photo"; filename="a"; filename*=utf-8''${encodeURIComponent(filename)}\r\n\r\nevil\r\n--b--\r\n`
      const again = await fetch(`${url}/photos`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: extended,
      })
      expect(again.status, filename).to.be.oneOf([200, 400])
    }

    const made = (await readdir(root, { recursive: true })).filter(
      path => !before.includes(path) && !path.includes('/link/'),
    )
    expect(made).to.include.members(['a/album/evil', 'a/album/file'])
    expect(made.filter(path => !/^a\/album\/[^/]+$/.test(path))).to.deep.equal([])
  })

  it('leads nowhere by the name of a topic that is kept in a file', async () => {
    const before = await readdir(root)
    const topics = new Topics({ journal: new LmdbJournal(join(root, 'topics')) })

    for (const name of ['../evil', '/tmp/evil', '..', '%2e%2e/evil', 'C:\\evil', '../../'.repeat(30)])
      await topics.publish(name, 'x')
    await topics.close()

    expect(await readdir(root)).to.have.members([...before, 'topics'])
  })
})
