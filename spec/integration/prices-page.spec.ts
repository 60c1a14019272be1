import { once } from 'node:events'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { closePages, launch, newPage } from '../support/browser.js'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, type Sample, startSample } from '../support/sample.js'

/** A clock whose intervals stop after some: the market rests then, so that pages can be compared. */
class RestingClock extends FastClock {
  readonly #ticks: number

  constructor(ticks: number) {
    super(50)
    this.#ticks = ticks
  }

  override async *every(milliseconds: number, signal: AbortSignal): AsyncGenerator<Date> {
    for (let tick = 0; tick < this.#ticks; tick++) {
      await this.sleep(milliseconds, signal)
      yield this.now()
    }
    await once(signal, 'abort')
  }
}

describe('The page of prices in Chromium', function () {
  this.timeout(30_000)

  before(launch)

  afterEach(async () => {
    await closePages()
    await closeSamples()
  })

  async function open({ url }: Sample): Promise<Page> {
    const page = await newPage()
    await page.goto(`${url}/prices`)
    await shows(page, '#status', 'Connected')
    return page
  }

  async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
    await page.locator(selector, { hasText: text }).first().waitFor()
  }

  it('shows the market as it moves, draws the chosen symbol, and runs nothing but its own files', async () => {
    const sample = await startSample({ clock: new FastClock(50) })
    const page = await newPage()
    const errors: string[] = []
    page.on('console', message => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('request', request => {
      if (!request.url().startsWith(sample.url)) errors.push(request.url())
    })
    await page.goto(`${sample.url}/prices`)
    await shows(page, '#number', /^[1-9]\d\d/)

    await page.getByRole('button', { name: 'FOX', exact: true }).click()

    await shows(page, '#chart-title', 'FOX')
    await page.locator('#chart polyline[points*=" "]').waitFor({ state: 'attached' })
    expect(await page.locator('[data-symbol=FOX] button').getAttribute('aria-pressed')).to.equal('true')
    expect(await page.locator('#quotes > tr').count()).to.equal(20)
    expect(errors).to.deep.equal([])
  })

  it('shows the same in two tabs, and how many watch', async () => {
    const sample = await startSample({ clock: new RestingClock(40) })
    const one = await open(sample)
    const two = await open(sample)
    for (const page of [one, two]) await shows(page, '#number', /^160$/)

    expect(await two.locator('#quotes').innerText()).to.equal(await one.locator('#quotes').innerText())
    await shows(one, '#viewers', /^2$/)
    await shows(two, '#viewers', /^2$/)

    await two.close()
    await shows(one, '#viewers', /^1$/)
  })

  it('resumes without a hole when its connection is cut', async () => {
    const sample = await startSample({ clock: new FastClock(20) })
    // Somebody else keeps the market going.
    await open(sample)
    const page = await open(sample)
    await shows(page, '#number', /^[1-9]\d/)

    await page.getByRole('button', { name: 'Cut my connection' }).click()

    await shows(page, '#connections', /^2$/)
    await shows(page, '#since-cut', /^[1-9]\d+/)
    expect(await page.locator('#missing').textContent()).to.equal('0')
    await shows(page, '#status', 'Connected')
  })

  it('counts the quotes since the last cut, and not those since another loss of the connection', async () => {
    const sample = await startSample({ clock: new FastClock(20) })
    const page = await open(sample)
    const cut = page.getByRole('button', { name: 'Cut my connection' })
    await shows(page, '#number', /^[1-9]\d/)

    sample.app.server.closeAllConnections()
    await shows(page, '#connections', /^2$/)
    const number = await page.locator('#number').textContent()
    await shows(page, '#number', new RegExp(`^(?!${number}$)`))
    const uncut = await page.locator('#since-cut').textContent()
    await cut.click()
    await shows(page, '#connections', /^3$/)
    await shows(page, '#since-cut', /^[1-9]\d/)
    await cut.click()

    await shows(page, '#since-cut', /^0$/)
    await shows(page, '#connections', /^4$/)
    await shows(page, '#since-cut', /^[1-9]/)
    expect(uncut).to.equal('0')
  })

  it('counts what is missing where the server no longer keeps it', async () => {
    const sample = await startSample({ clock: new FastClock(20), options: { topics: { retention: { count: 10 } } } })
    await open(sample)
    const page = await newPage()
    await page.addInitScript(`
      window.seen = []
      const { EventSource } = window
      window.EventSource = class extends EventSource {
        constructor(url) {
          super(url)
          this.addEventListener('price', ({ data }) => seen.push(JSON.parse(data).number))
        }
      }`)
    await page.goto(`${sample.url}/prices`)
    await shows(page, '#number', /^[1-9]\d/)

    await page.getByRole('button', { name: 'Cut my connection' }).click()
    await shows(page, '#missing', /^[1-9]/)

    const [told, holes] = await page.evaluate<[string, number]>(
      "[document.querySelector('#missing').textContent, seen.at(-1) - seen[0] + 1 - seen.length]",
    )
    expect(told).to.equal(String(holes))
    expect(await page.locator('#missing-note').textContent()).to.equal('')
  })

  it('says that it cannot know what is missing when the server was started anew', async () => {
    const sample = await startSample({ clock: new FastClock(20) })
    const page = await open(sample)
    await shows(page, '#number', /^[1-9]\d/)
    const before = await page.locator('#missing').textContent()

    await closeSamples()
    await startSample({ port: sample.port, clock: new FastClock(20) })

    await shows(page, '#missing', /^unknown$/)
    await shows(page, '#missing-note', 'The log of the server began anew.')
    await shows(page, '#connections', /^2$/)
    expect(before).to.equal('0')
    expect(await page.locator('#missing-note').getAttribute('role')).to.equal('status')
  })

  it('says in plain words that there is no server to cut the connection', async () => {
    const sample = await startSample({ clock: new FastClock(20) })
    const page = await open(sample)
    const errors: string[] = []
    page.on('pageerror', error => errors.push(error.message))
    await closeSamples()

    await page.getByRole('button', { name: 'Cut my connection' }).click()
    await shows(page, '#cut-note', 'The server cannot be reached. Is it running?')
    await startSample({ port: sample.port, clock: new FastClock(20) })

    await page.locator('#cut-note:empty').waitFor({ state: 'attached' })
    expect(errors).to.deep.equal([])
  })

  it('gives no colour to a price that has not changed', async () => {
    const page = await open(await startSample({ clock: new RestingClock(0) }))
    const flat = page.locator('[data-symbol=OKP][data-trend=flat]')
    await flat.waitFor()
    const colorOf = (selector: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('[data-symbol=OKP] ${selector}')).color`)

    expect(await flat.locator('.change').textContent()).to.equal('0.00 %')
    expect(await colorOf('.change')).to.equal(await colorOf('.price'))
  })

  it('keeps the chart in sight on a phone, whichever symbol is chosen', async () => {
    const sample = await startSample({ clock: new RestingClock(20) })
    const page = await newPage({ viewport: { width: 390, height: 844 } })
    await page.goto(`${sample.url}/prices`)
    await shows(page, '#status', 'Connected')
    const edges = (selector: string) =>
      page.evaluate<[number, number]>(
        `(({ top, bottom }) => [top, bottom])(document.querySelector('${selector}').getBoundingClientRect())`,
      )

    for (const symbol of ['OKP', 'JAY', 'YAK', 'ANT']) {
      await page.getByRole('button', { name: symbol, exact: true }).focus()
      await page.keyboard.press('Enter')
      await shows(page, '#chart-title', symbol)
      const [top, bottom] = await edges('.chart')
      const [, button] = await edges(`[data-symbol=${symbol}] button`)
      expect(top, symbol).to.be.at.least(button)
      expect(bottom, symbol).to.be.at.most(844)
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390)
  })

  it('shows the prices as they are without JavaScript, and nothing dead', async () => {
    const sample = await startSample({ clock: new RestingClock(0) })
    const page = await newPage({ javaScriptEnabled: false })

    await page.goto(`${sample.url}/prices`)

    await shows(page, '.notice', /This page needs JavaScript\..* curl -N \S+\/prices\/live/s)
    expect(await page.locator('#quotes > tr:visible').count()).to.equal(20)
    expect(await page.locator('button:visible:enabled, .state:visible, .chart:visible').count()).to.equal(0)
  })
})
