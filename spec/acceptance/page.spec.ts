import { expect } from 'chai'
import { closePages, launch, newPage } from '../support/browser.js'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, startSample } from '../support/sample.js'

describe('The page of the guide', function () {
  this.timeout(30_000)

  before(launch)

  afterEach(async () => {
    await closePages()
    await closeSamples()
  })

  it('A10: / is a page, rendered with its title and the URL of its events', async () => {
    const { url } = await startSample()

    const response = await fetch(url)
    const html = await response.text()

    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    expect(html).to.contain('<title>Okapi SSE Demo</title>').and.contain('<h1>Okapi SSE Demo</h1>')
    expect(html).to.contain('data-event-url="/events"')
  })

  it('A11: the page shows Connected, lists updates and each fifth a notification, and shows Reconnecting on an error', async () => {
    const clock = new FastClock(100)
    const { app, url } = await startSample({ clock, options: { streamOptions: { retry: 50 } } })
    const page = await newPage()

    await page.goto(url)
    await page.locator('#status', { hasText: 'Connected' }).waitFor()
    await page.locator('#events > li[data-type=notification]').first().waitFor()
    const data = await page.locator('#events > li .data').allTextContents()
    const types = await page.locator('#events > li .type').allTextContents()
    app.server.close()
    app.server.closeAllConnections()
    await page.locator('#status', { hasText: 'Reconnecting' }).waitFor()

    expect(data.at(-1)).to.equal('{"count":1,"timestamp":"2026-01-31T12:00:02.000Z","message":"Event #1"}')
    expect(types.reverse().slice(0, 5)).to.deep.equal(['update', 'update', 'update', 'update', 'notification'])
    expect(new Set(clock.waits)).to.deep.equal(new Set([2_000]))
  })

  it('A18: the page is rendered with name, message and URL, and loads nothing from elsewhere', async () => {
    const { url } = await startSample()
    const page = await newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', request => asked.push(request.url()))
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))

    await page.goto(url)
    await page.locator('#events > li').first().waitFor()

    expect(await page.locator('h1').textContent()).to.equal('Okapi SSE Demo')
    expect(await page.locator('header').textContent()).to.contain('Every stream, at work.')
    expect(await page.locator('#event-url').textContent()).to.equal('/events')
    expect(asked.filter(address => !address.startsWith(`${url}/`))).to.deep.equal([])
    expect(complaints).to.deep.equal([])
  })

  it('A20: the page reconnects by itself when the server is back, also after it was told that the server closes', async () => {
    const { random } = Math
    const { app, url, port } = await startSample()
    const page = await newPage()
    await page.goto(url)
    await page.locator('#status', { hasText: 'Connected' }).waitFor()

    Math.random = () => 0
    await app.close().finally(() => {
      Math.random = random
    })
    await page.locator('#status', { hasText: 'Reconnecting' }).waitFor()
    await startSample({ port })

    await page.locator('#status', { hasText: 'Connected' }).waitFor()
  })
})
