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
    await page.waitForFunction("document.querySelector('#chart polyline').getAttribute('points').split(' ').length > 3")
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
})
