import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ControllerClass } from 'okapi'
import { resolveUploads } from '../../src/bodies/uploads.js'
import { examplesOf, isController } from '../support/examples.js'
import { formHeaders, formOf, type Part } from '../support/multipart.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'

const paper = 'docs/requests.md'

describe(paper, () => {
  const { load } = examplesOf('docs/requests.md')

  /** Posts to the controller of an example. */
  const poster = async (name: string) => {
    const controllers = Object.values(await load<Record<string, ControllerClass>>(name)).filter(isController)
    const { url } = await serve(controllers)
    return async (path: string, body: string | Buffer, headers: Record<string, string>): Promise<unknown[]> => {
      const response = await fetch(url + path, {
        method: 'POST',
        body: new Uint8Array(Buffer.from(body as string)),
        headers,
      })
      return [response.status, await response.json()]
    }
  }
  const type = (text: string): Record<string, string> => ({ 'content-type': text })
  const photo = (value: string, filename = 'tea.png'): Part => ({ name: 'photo', value, filename, type: 'image/png' })

  afterEach(closeAll)

  it('notes: takes forms, text and bytes', async () => {
    const post = await poster('notes')
    const form = 'application/x-www-form-urlencoded'
    const bytes = '{"a": 1}'
    const signature = createHmac('sha256', 'secret').update(bytes).digest('hex')

    expect(await post('/notes/form', 'title=Tea&stars=5', type(form))).to.deep.equal([200, { title: 'Tea', stars: 5 }])
    expect((await post('/notes/form', '{"title":"Tea","stars":"5"}', type('application/json')))[0]).to.equal(400)
    expect((await post('/notes/form', 'Tea', type('text/plain')))[0]).to.equal(415)
    expect(await post('/notes/text', Buffer.from('Grüße', 'latin1'), type('text/plain; charset=latin1'))).to.deep.equal(
      [...[200, { length: 5 }]],
    )
    expect(await post('/notes/hook', bytes, { ...type('application/json'), 'x-signature': signature })).to.deep.equal([
      ...[200, { taken: true }],
    ])
    expect(
      (await post('/notes/hook', '{"a":1}', { ...type('application/json'), 'x-signature': signature }))[0],
    ).to.equal(401)
    expect((await post('/notes/hook', bytes, { ...type('application/json'), 'x-signature': 'no hex' }))[0]).to.equal(
      401,
    )
    expect((await post('/notes/hook', bytes, type('application/json')))[0]).to.equal(400)
    expect((await post('/notes/text', '', {}))[0]).to.equal(400)
    expect((await post('/notes/hook', '', { 'x-signature': signature }))[0]).to.equal(400)
  })

  it('photos: keeps a file, and refuses what is missing or too large', async () => {
    const { album } = await load<{ album: { folder: string } }>('photos')
    album.folder = mkdtempSync(join(tmpdir(), 'okapi-album-'))
    const post = await poster('photos')
    const caption = { name: 'caption', value: 'A cup' }

    expect(await post('/photos', formOf(caption, photo('pixels')), formHeaders)).to.deep.equal([
      ...[200, { caption: 'A cup', filename: 'tea.png', mimetype: 'image/png', size: 6 }],
    ])
    expect(readFileSync(join(album.folder, 'tea.png'), 'utf8')).to.equal('pixels')
    expect((await post('/photos', formOf(caption), formHeaders))[0]).to.equal(400)
    expect(await post('/photos/many', formOf(photo('a'), photo('b', 'b.png')), formHeaders)).to.deep.equal([
      ...[200, ['tea.png', 'b.png']],
    ])
    expect((await post('/photos/many', formOf(photo('x'.repeat(1_001))), formHeaders))[0]).to.equal(413)
    rmSync(album.folder, { recursive: true })
  })

  it('sizes: reads files while they arrive', async () => {
    const post = await poster('sizes')

    expect(await post('/sizes', formOf(photo('x'.repeat(100_000)), photo('y', 'b.png')), formHeaders)).to.deep.equal([
      ...[200, { 'tea.png': 100_000, 'b.png': 1 }],
    ])
  })

  it('tells every option of uploads with its default', () => {
    const told = tableAfter(paper, '<!-- check: upload options -->').map(([name, value]) => [codesIn(name)[0], value])
    const { directory: _, to, ...numbers } = resolveUploads()

    expect(told).to.have.deep.members([
      ['to', `\`'${to}'\``],
      ['directory', 'that of the system'],
      ...Object.entries(numbers).map(([name, value]) => [name, value.toLocaleString('en')]),
    ])
  })
})
