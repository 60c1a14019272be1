import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import request from 'supertest'
import { root } from '../../sample/page.js'
import { streams } from '../../sample/streams.js'
import { closeSamples, startSample } from '../support/sample.js'

describe('Page', () => {
  afterEach(closeSamples)

  it('lists every stream, and lets nothing but its own files run', async () => {
    const { app } = await startSample()

    const { text, headers } = await request(app.server).get('/').expect(200)

    const urls = [...text.matchAll(/<li data-url="(.*?)" data-types="(.*?)">/g)].map(([, url, types]) => [url, types])
    expect(urls).to.deep.equal(streams.map(({ url, types }) => [url, types.join(' ')]))
    expect(headers['content-security-policy']).to.contain("default-src 'none'; script-src 'self'")
    expect(text).to.not.match(/<script(?! type="module" src="\/)/)
    expect(text).to.not.match(/\s(on\w+|style)=|https?:/)
  })

  it('serves every file that it is made of', async () => {
    const { app } = await startSample()
    const files = await readdir(root)
    const scripts = files.filter(name => name.endsWith('.js'))
    const paths = [...scripts.map(name => `/scripts/${name}`), '/page.css', '/prices.css', '/icon.svg']

    const answers = await Promise.all(paths.map(path => request(app.server).get(path)))

    expect(paths).to.have.length(files.filter(name => !name.endsWith('.eta')).length)
    expect(answers.map(({ status }) => status)).to.deep.equal(paths.map(() => 200))
    expect(answers.map(({ type }) => type)).to.deep.equal([
      ...scripts.map(() => 'text/javascript'),
      'text/css',
      'text/css',
      'image/svg+xml',
    ])
  })

  it('serves no other styles', async () => {
    const { app } = await startSample()

    await request(app.server).get('/nothing.css').expect(404)
  })

  for (const name of ['nothing.js', 'page.eta', '..%2Fmain.js', '..%2F..%2Fpackage.json']) {
    it(`serves no other file: ${name}`, async () => {
      const { app } = await startSample()

      await request(app.server).get(`/scripts/${name}`).expect(404)
    })
  }
})
