import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Eta } from 'eta'
import { Controller, createApp, Get, Html, HttpCode, html, NotFoundError, raw, View, view } from 'okapi'
import request from 'supertest'
import { overhear } from './support/console.js'
import { closeAll, serve } from './support/serve.js'

describe('html', () => {
  it('escapes the values in it, and not what stands around them', () => {
    const name = `<b title="a" class='b'>&amp;</b>`

    const { text } = html`<p title="${name}">${name}</p>`

    const escaped = '&lt;b title=&quot;a&quot; class=&#39;b&#39;&gt;&amp;amp;&lt;/b&gt;'
    expect(text).to.equal(`<p title="${escaped}">${escaped}</p>`)
  })

  it('takes another html as it is', () => {
    expect(html`<ul>${html`<li>${'<'}</li>`}</ul>`.text).to.equal('<ul><li>&lt;</li></ul>')
  })

  it('takes an array item by item, nested ones too', () => {
    const rows = [html`<li>1</li>`, '<', [2, null]]

    expect(html`<ul>${rows}</ul>`.text).to.equal('<ul><li>1</li>&lt;2</ul>')
  })

  it('has nothing for null, undefined and false, and text for all else', () => {
    expect(html`[${null}${undefined}${false}]`.text).to.equal('[]')
    expect(html`[${0} ${true} ${1n} ${''}]`.text).to.equal('[0 true 1 ]')
  })

  it('is text as it stands without values', () => {
    expect(String(html`<hr>`)).to.equal('<hr>')
    expect(html``.text).to.equal('')
  })
})

describe('raw', () => {
  it('stands in html as it is', () => {
    expect(html`<p>${raw('<b>bold</b>')}</p>`.text).to.equal('<p><b>bold</b></p>')
  })

  it('is an Html', () => {
    expect(raw('<b>')).to.be.instanceOf(Html).and.have.property('text', '<b>')
  })
})

describe('view', () => {
  it('is a template with its data', () => {
    expect(view('page', { a: 1 }))
      .to.be.instanceOf(View)
      .and.deep.include({ template: 'page', data: { a: 1 } })
    expect(view('page').data).to.deep.equal({})
  })
})

describe('an answer', () => {
  @Controller()
  class Pages {
    @Get('/html')
    html() {
      return html`<h1>${'<script>'}</h1>`
    }

    @Get('/raw')
    async raw() {
      return raw('<h1>Straße</h1>')
    }

    @Get('/view')
    @HttpCode(203)
    view() {
      return view('page', { title: '<script>' })
    }

    @Get('/lost')
    lost() {
      return view('lost')
    }

    @Get('/broken')
    broken() {
      return view('page')
    }

    @Get('/refused')
    refused() {
      throw new NotFoundError('No such page')
    }
  }

  let root = ''

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'views-'))
    await writeFile(join(root, 'page.eta'), '<h1><%= it.title.trim() %></h1>')
  })
  after(() => rm(root, { recursive: true }))
  afterEach(closeAll)

  const start = async () => {
    const views = { engine: { eta: new Eta({ views: root }) }, root, viewExt: 'eta' }
    return (await serve([Pages], { views })).app.server
  }

  it('of html is a page', async () => {
    const { status, headers, text } = await request(await start()).get('/html')

    expect(status).to.equal(200)
    expect(headers['content-type']).to.equal('text/html; charset=utf-8')
    expect(text).to.equal('<h1>&lt;script&gt;</h1>')
  })

  it('of raw is the text as it is', async () => {
    const { headers, text } = await request(await start()).get('/raw')

    expect(headers['content-type']).to.equal('text/html; charset=utf-8')
    expect(text).to.equal('<h1>Straße</h1>')
  })

  it('of view is rendered by the engine, which escapes', async () => {
    const { status, headers, text } = await request(await start()).get('/view')

    expect(status).to.equal(203)
    expect(headers['content-type']).to.equal('text/html; charset=utf-8')
    expect(text).to.equal('<h1>&lt;script&gt;</h1>')
  })

  it('of an error is no page', async () => {
    const { headers, body } = await request(await start()).get('/refused')

    expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
    expect(body).to.include({ status: 404, detail: 'No such page' })
  })

  for (const path of ['/lost', '/broken']) {
    it(`of a view that cannot be rendered (${path}) is 500 and says nothing of it`, async () => {
      const { status, headers, body } = await request(await start()).get(path)

      expect(status).to.equal(500)
      expect(headers['content-type']).to.equal('application/problem+json; charset=utf-8')
      expect(body).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })
  }

  it('of a view without an engine is 500, and the log tells the cure', async () => {
    const app = await createApp({ controllers: [Pages] })

    const { errors } = await overhear(async () => {
      const { status, text } = await request(app.server).get('/view')

      expect(status).to.equal(500)
      expect(text).not.to.contain('engine')
    })

    expect(errors[0]?.[1]).to.have.nested.property(
      'err.message',
      'There is no engine for the view page: give createApp the option views',
    )
    await app.close()
  })
})
