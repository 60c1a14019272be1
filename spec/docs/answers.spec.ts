import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { IsDefined, IsInt, IsString, Length } from 'class-validator'
import { type App, Controller, type ControllerClass, Get, Returns } from 'okapi'
import request from 'supertest'
import { ask } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { makeFolder, removeFolders } from '../support/folder.js'
import { codesIn, read, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'

const paper = 'docs/answers.md'

/** The options that the first table behind a heading names. */
function optionsOf(heading: string): unknown[] {
  return tableAfter(paper, heading).map(([name]) => codesIn(name)[0])
}

describe(paper, () => {
  const { load } = examplesOf(paper)
  const apps = new Set<App>()
  const start = async (name: string) => {
    const { app } = await load<{ app: App }>(name)
    apps.add(app)
    return app.server
  }
  const home = process.cwd()

  before(async () => {
    const folder = await makeFolder()
    await mkdir(join(folder, 'public/reports'), { recursive: true })
    await mkdir(join(folder, 'web/assets'), { recursive: true })
    await writeFile(join(folder, 'public/reports/2026.txt'), 'All is well')
    await writeFile(join(folder, 'web/index.html'), '<h1>App</h1>')
    await writeFile(join(folder, 'web/assets/app-1a2b.js'), 'app()')
    process.chdir(folder)
  })
  afterEach(closeAll)
  after(async () => {
    process.chdir(home)
    await Promise.all([...apps].map(app => app.close()))
    await removeFolders()
  })

  it('pages: escapes what is put into HTML', async () => {
    const { Hello } = await load<{ Hello: ControllerClass }>('pages')
    const { url } = await serve([Hello])

    expect(await ask(`${url}/hello?name=<you>`)).to.equal('200 <h1>Hello, &lt;you&gt;</h1>')
  })

  it('files: shows a report and gives it by name', async () => {
    const server = await start('files')
    const shown = await request(server).get('/reports/2026')
    const saved = await request(server).get('/reports/2026/download').set('range', 'bytes=0-2')

    expect([shown.status, shown.text, shown.headers['cache-control']]).to.deep.equal([
      200,
      'All is well',
      'public, max-age=60',
    ])
    expect([saved.status, saved.text]).to.deep.equal([206, 'All'])
    expect(saved.headers['content-disposition']).to.equal(
      `attachment; filename="_bersicht 2026.txt"; filename*=UTF-8''%C3%9Cbersicht%202026.txt`,
    )
    expect((await request(server).get('/reports/..%2F..%2Fsecret')).status).to.equal(404)
  })

  it('folders: serves files, the page, and the API as before', async () => {
    const server = await start('folders')
    const get = (path: string) => request(server).get(path).set('accept', 'text/html')

    expect((await get('/public/reports/2026.txt')).headers['cache-control']).to.equal('public, max-age=3600')
    expect((await get('/assets/app-1a2b.js')).headers['cache-control']).to.equal('public, max-age=31536000, immutable')
    expect((await get('/orders/12')).text).to.equal('<h1>App</h1>')
    expect((await get('/api/none')).status).to.equal(404)
    expect((await get('/api/time')).body).to.have.property('now')
  })

  it('returns: lets no password leave', async () => {
    const { Users } = await load<{ Users: ControllerClass }>('returns')
    const { url } = await serve([Users])
    const bob = { name: 'Bob', friends: [] }

    expect(await (await fetch(`${url}/users`)).json()).to.deep.equal([bob, { name: 'Ann', friends: [bob] }])
  })

  it('sends a Response as it is', async () => {
    @Controller('/made')
    class Made {
      @Get()
      made() {
        return new Response('made', { headers: { 'content-type': 'text/x-made' } })
      }
    }
    const answer = await fetch(`${(await serve([Made])).url}/made`)

    expect([answer.headers.get('content-type'), await answer.text()]).to.deep.equal(['text/x-made', 'made'])
  })

  it('tells every option of file() and download()', async () => {
    const declared = read('src/files.ts')
      .match(/^export interface (?:SendFileOptions|DownloadOptions)\b.*?^}/gms)
      ?.flatMap(body => body.match(/(?<=^ {2})\w+(?=\?:)/gm) ?? [])

    expect(optionsOf('## Files')).to.have.members(declared ?? [])
  })

  it('is right about what no rule of @Returns looks at, and about a class that nobody knows the properties of', async () => {
    class Address {
      @IsString()
      city!: string
    }

    class Person {
      @Length(20, 30)
      name!: string

      @IsInt()
      age!: number

      @IsDefined()
      address!: Address
    }

    @Controller('/person')
    class People {
      @Get()
      @Returns(Person)
      person() {
        return { name: 'Ann', address: { city: 'Bern', password: 'xyzzy' }, password: 'xyzzy' }
      }
    }
    const { url } = await serve([People])

    expect(await ask(`${url}/person`)).to.equal('200 {"name":"Ann","address":{"city":"Bern","password":"xyzzy"}}')
  })

  it('is right that Accept is not looked at', async () => {
    const { Users } = await load<{ Users: ControllerClass }>('returns')
    const { url } = await serve([Users])
    const typeOf = async (path: string) =>
      (await fetch(url + path, { headers: { accept: 'text/html' } })).headers.get('content-type')

    expect(await typeOf('/users')).to.equal('application/json; charset=utf-8')
    expect(await typeOf('/unknown')).to.equal('application/problem+json; charset=utf-8')
  })

  it('compressed: answers with a tag, and streams, both compressed', async () => {
    const server = await start('compressed')
    const numbers = await request(server).get('/numbers').set('accept-encoding', 'gzip')
    const live = await request(server).get('/numbers/live').set('accept-encoding', 'br;q=0.1, gzip')

    expect([numbers.headers['content-encoding'], numbers.headers.etag?.slice(0, 2)]).to.deep.equal(['gzip', 'W/'])
    expect(numbers.body).to.have.length(1_000)
    expect(live.headers['content-encoding']).to.equal('gzip')
    expect(live.text).to.match(/^data: \{"n":0\}\n\ndata: \{"n":1\}\n\ndata: \{"n":2\}\n\n/)
  })
})
