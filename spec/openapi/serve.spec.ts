import { expect } from 'chai'
import { Controller, Event, Get, openapiOf, SSE } from 'okapi'
import { parse } from 'yaml'
import { closePages, launch, newPage } from '../support/browser.js'
import { refusal } from '../support/refusal.js'
import { closeSamples, startSample } from '../support/sample.js'
import { closeAll, serve } from '../support/serve.js'

const info = { title: 'Prices </title><script>document.title = "taken"</script>', version: '1' }

@Controller('/prices')
class Prices {
  @Get()
  all() {}

  @Event('price', Number)
  @SSE('/live')
  *live() {
    yield 1
  }
}

describe('The option openapi', function () {
  this.timeout(30_000)

  afterEach(closeAll)

  it('serves the document as JSON and as YAML', async () => {
    const { app, url } = await serve([Prices], { openapi: { info, page: false } })
    const json = await fetch(`${url}/openapi.json`)
    const yaml = await fetch(`${url}/openapi.yaml`)
    const text = await yaml.text()

    expect(json.headers.get('content-type')).to.equal('application/json; charset=utf-8')
    expect(yaml.headers.get('content-type')).to.equal('application/yaml; charset=utf-8')
    expect(await json.json()).to.deep.equal(openapiOf(app))
    expect(parse(text)).to.deep.equal(openapiOf(app))
    expect(text)
      .to.match(/^openapi: 3\.2\.0\n/)
      .and.not.match(/: [&*]a\d/)
  })

  it('serves it as OpenAPI 3.1 for those who ask, and in no other version', async () => {
    const { url } = await serve([Prices], { openapi: { info, page: false } })
    const versionOf = async (query: string) => {
      const { openapi } = (await (await fetch(`${url}/openapi.json${query}`)).json()) as { openapi?: string }
      return openapi
    }

    expect(await versionOf('?version=3.1')).to.equal('3.1.1')
    expect(await versionOf('?version=3.2')).to.equal('3.2.0')
    expect(await versionOf('')).to.equal('3.2.0')
    expect(await (await fetch(`${url}/openapi.yaml?version=3.1`)).text()).to.match(/^openapi: 3\.1\.1\n/)
    for (const query of ['version=2', 'version=3.1&version=3.2', 'version=__proto__']) {
      const response = await fetch(`${url}/openapi.json?${query}`)
      expect([response.status, response.headers.get('content-type')]).to.deep.equal([
        400,
        'application/problem+json; charset=utf-8',
      ])
    }
  })

  it('serves each where it is wanted, or not at all', async () => {
    const { url } = await serve([Prices], { openapi: { info, json: '/api.json', yaml: false, page: false } })
    const statusOf = async (path: string) => (await fetch(url + path)).status

    expect(
      await Promise.all(['/api.json', '/openapi.json', '/openapi.yaml', '/docs', '/docs/json'].map(statusOf)),
    ).to.deep.equal([200, 404, 404, 404, 404])
  })

  it('serves nothing unless it is asked for', async () => {
    const { url } = await serve([Prices])

    expect((await fetch(`${url}/openapi.json`)).status).to.equal(404)
    expect((await fetch(`${url}/docs`)).status).to.equal(404)
  })

  it('lets the hooks of the app decide who may read', async () => {
    const { url } = await serve([Prices], {
      openapi: { info },
      setup: app => {
        app.addHook('onRequest', async (_request, reply) => reply.code(401).send())
      },
    })

    for (const path of ['/openapi.json', '/openapi.yaml', '/docs', '/docs/json', '/docs/static/swagger-ui.css'])
      expect((await fetch(url + path)).status, path).to.equal(401)
  })

  it('sends the page with a policy that lets it load from here, and speak to the servers of the API', async () => {
    const servers = [{ url: 'https://api.example/v1' }, { url: '/relative' }]
    const { url } = await serve([Prices], { openapi: { info, servers } })
    const page = await fetch(`${url}/docs`)

    expect(page.headers.get('content-security-policy')).to.equal(
      "default-src 'self'; connect-src 'self' https://api.example; img-src 'self' data:; " +
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none';",
    )
    expect(await page.text()).to.contain('<title>Prices &lt;/title&gt;&lt;script&gt;')
  })

  it('stands beside @fastify/swagger, whatever that says', async () => {
    const { url } = await serve([Prices], {
      openapi: { info },
      setup: app => {
        app.decorate('swagger', () => ({ openapi: 'another' }))
      },
    })

    expect(await (await fetch(`${url}/docs/json`)).json()).to.have.nested.property('info.version', '1')
  })

  it('stops the boot for what is declared wrongly', async () => {
    expect(await refusal([Prices], { openapi: { info, security: 'nobody' } })).to.match(/security scheme nobody/)
  })
})

describe('The page in Chromium', function () {
  this.timeout(60_000)

  before(launch)

  afterEach(async () => {
    await closePages()
    await closeSamples()
  })

  it('shows every operation and the events of a stream, and asks nobody but its own server', async () => {
    const { url } = await startSample()
    const page = await newPage()
    const asked: string[] = []
    const errors: string[] = []
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', error => errors.push(error.message))

    await page.goto(`${url}/docs`)
    await page.locator('.opblock').first().waitFor()
    const paths = await page.locator('.opblock-summary-path').allTextContents()
    await page.locator('.opblock-summary-path', { hasText: 'live-data' }).click()
    const example = await page.locator('.opblock.is-open .highlight-code').first().textContent()

    expect(await page.title()).to.equal('The Okapi sample')
    expect(paths.map(path => path.replaceAll('\u200b', ''))).to.include.members(['/events', '/chat', '/scripts/{name}'])
    expect(example).to.contain('temperature').and.to.contain('stream:end')
    expect(asked.filter(one => !one.startsWith(`${url}/docs`) && !one.startsWith('data:'))).to.deep.equal([])
    expect(errors).to.deep.equal([])
  })
})
