import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Controller, Get, Post } from 'okapi'
import { Connection, get, leaveAll } from './support/connection.js'
import { makeFolder, removeFolders } from './support/folder.js'
import { type LogLine, logger } from './support/logged.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

@Controller('/api')
class Api {
  @Get('/one')
  one() {
    return { one: 1 }
  }

  @Post('/login')
  login() {}
}

const page = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('foldersOf', () => {
  let root = ''
  const statusOf = async (url: string, path: string, headers: Record<string, string> = {}) =>
    (await fetch(url + path, { headers, redirect: 'manual' })).status

  beforeEach(async () => {
    root = await makeFolder()
    await mkdir(join(root, 'web/assets'), { recursive: true })
    await mkdir(join(root, 'web/manual'))
    await mkdir(join(root, 'web/api'))
    await writeFile(join(root, 'secret.txt'), 'secret')
    await writeFile(join(root, 'web/index.html'), '<h1>Home</h1>')
    await writeFile(join(root, 'web/manual/index.html'), '<h1>Manual</h1>')
    await writeFile(join(root, 'web/api/one'), 'not the route')
    await writeFile(join(root, 'web/über uns.txt'), 'us')
    await writeFile(join(root, 'web/.env'), 'secret')
    await writeFile(join(root, 'web/assets/app-1a2b3c4d.js'), 'app()')
    await symlink(root, join(root, 'web/up'))
  })
  afterEach(async () => {
    leaveAll()
    await closeAll()
    await removeFolders()
  })

  it('tells the log of folders that are not there', async () => {
    const lines: LogLine[] = []
    const options = {
      static: [{ root: join(root, 'web') }, { root: join(root, 'wbe') }],
      spa: { root: join(root, 'app') },
      files: join(root, 'files'),
    }

    await serve([Api], { ...options, fastify: { logger: logger(lines) } })

    expect(lines.map(({ msg, option, folder }) => [msg, option, folder])).to.deep.equal(
      [
        ['static', 'wbe'],
        ['spa', 'app'],
        ['files', 'files'],
      ].map(([option, folder]) => [
        'A folder of files does not exist, and nothing in it is found',
        option,
        join(root, folder as string),
      ]),
    )
  })

  describe('with static', () => {
    const start = async (more: object = {}) =>
      (await serve([Api], { static: { root: join(root, 'web'), immutable: ['/assets/'], ...more } })).url

    it('serves files, and what a route serves before them', async () => {
      const url = await start()

      expect(await (await fetch(`${url}/%C3%BCber%20uns.txt?v=1`)).text()).to.equal('us')
      expect(await (await fetch(`${url}/api/one`)).json()).to.deep.equal({ one: 1 })
    })

    it('serves the page of a folder, with a slash behind its name', async () => {
      const url = await start()
      const bare = await fetch(`${url}/manual?v=1`, { redirect: 'manual' })

      expect([bare.status, bare.headers.get('location')]).to.deep.equal([301, '/manual/?v=1'])
      expect(await (await fetch(`${url}/manual/`)).text()).to.equal('<h1>Manual</h1>')
      expect(await (await fetch(`${url}/`)).text()).to.equal('<h1>Home</h1>')
      expect(await statusOf(url, '/assets/')).to.equal(404)
    })

    it('lets files with a hash be kept, and no page', async () => {
      const url = await start({ maxAge: 60_000 })
      const cached = async (path: string) => (await fetch(url + path)).headers.get('cache-control')

      expect(await cached('/assets/app-1a2b3c4d.js')).to.equal('public, max-age=31536000, immutable')
      expect(await cached('/%C3%BCber%20uns.txt')).to.equal('public, max-age=60')
      expect(await cached('/')).to.equal('no-cache')
    })

    it('serves below its prefix alone', async () => {
      const url = await start({ prefix: '/web' })

      expect(await statusOf(url, '/web/manual/')).to.equal(200)
      expect(await statusOf(url, '/web')).to.equal(301)
      expect(await statusOf(url, '/manual/')).to.equal(404)
      expect(await statusOf(url, '/website')).to.equal(404)
    })

    it('answers HEAD and ranges', async () => {
      const url = await start()
      const part = await fetch(`${url}/assets/app-1a2b3c4d.js`, { headers: { range: 'bytes=0-2' } })

      expect([part.status, await part.text()]).to.deep.equal([206, 'app'])
      expect((await fetch(`${url}/assets/app-1a2b3c4d.js`, { method: 'HEAD' })).status).to.equal(200)
    })

    it('leaves unknown paths and wrong methods as they were', async () => {
      const url = await start()
      const wrong = await fetch(`${url}/api/login`, { headers: page })

      expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'POST'])
      expect((await fetch(`${url}/index.html`, { method: 'POST' })).status).to.equal(404)
      const unknown = await fetch(`${url}/none`)
      expect([unknown.status, unknown.headers.get('content-type')]).to.deep.equal([
        404,
        'application/problem+json; charset=utf-8',
      ])
    })

    for (const path of [
      '/../secret.txt',
      '/manual/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/%252e%252e%252fsecret.txt',
      '/..%5csecret.txt',
      '/..\\secret.txt',
      '/index.html%00.txt',
      '/up/secret.txt',
      '/.env',
      '//index.html',
      '//manual',
      '/index.html/',
    ]) {
      it(`answers ${path} 404`, async () => {
        const connection = await Connection.open(await start(), get(path))
        await connection.has('\r\n\r\n')

        expect(connection.text).to.match(/^HTTP\/1\.1 404 /)
        expect(connection.text).not.to.contain('secret\n')
      })
    }
  })

  describe('with spa', () => {
    const start = async () =>
      (await serve([Api], { spa: { root: join(root, 'web'), exclude: ['/api', '/files/'] } })).url

    it('gives its page to a browser that goes to a path that nothing serves', async () => {
      const answer = await fetch(`${await start()}/orders/12`, { headers: page })

      expect(await answer.text()).to.equal('<h1>Home</h1>')
      expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8')
      expect(answer.headers.get('cache-control')).to.equal('no-cache')
      expect(answer.headers.get('vary')).to.equal('accept')
    })

    it('tells caches also what else its answer varies by', async () => {
      const cors = { origin: ['https://a.example', 'https://b.example'] }
      const { url } = await serve([Api], { spa: { root: join(root, 'web') }, cors })

      const { headers } = await fetch(`${url}/orders/12`, { headers: { ...page, origin: 'https://a.example' } })

      expect(headers.get('access-control-allow-origin')).to.equal('https://a.example')
      expect(headers.get('vary')).to.equal('Origin, accept')
    })

    it('gives it to nobody else: scripts, images, fetch, other methods', async () => {
      const url = await start()

      expect(await statusOf(url, '/orders/12', { accept: '*/*' })).to.equal(404)
      expect(await statusOf(url, '/assets/gone.js', { accept: 'image/avif,*/*' })).to.equal(404)
      expect(await statusOf(url, '/orders/12', { accept: 'application/json, text/html;q=0' })).to.equal(404)
      expect((await fetch(`${url}/orders/12`, { method: 'POST', headers: page })).status).to.equal(404)
    })

    it('keeps 404 and 405 where it is told to, in JSON', async () => {
      const url = await start()
      const unknown = await fetch(`${url}/api/none`, { headers: page })

      expect([unknown.status, unknown.headers.get('content-type')]).to.deep.equal([
        404,
        'application/problem+json; charset=utf-8',
      ])
      expect(await statusOf(url, '/files/none', page)).to.equal(404)
      expect(await statusOf(url, '/apiary', page)).to.equal(200)
      expect(await statusOf(url, '/api/login', page)).to.equal(405)
    })

    it('answers 404 without a page', async () => {
      const { url } = await serve([Api], { spa: { root: join(root, 'web/assets') } })

      expect(await statusOf(url, '/orders', page)).to.equal(404)
    })
  })

  it('refuses a not-found handler beside folders: one of the two would never be asked', async () => {
    const setup = (app: { setNotFoundHandler(handler: () => string): unknown }) => {
      app.setNotFoundHandler(() => 'nothing')
    }

    expect(await refusal([Api], { static: { root }, setup })).to.match(
      /^createApp\(\), options static and spa: serve what/,
    )
  })
})
