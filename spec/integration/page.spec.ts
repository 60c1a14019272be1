import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { XmlSerializer } from '../../sample/xml-serializer.js'
import { closePages, launch, newPage } from '../support/browser.js'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, type Sample, type SampleSetting, startSample } from '../support/sample.js'
import { until } from '../support/until.js'

const HOSTILE = '<img src="x" onerror="document.title = \'taken\'"><b>bold</b>'

describe('The page in Chromium', function () {
  this.timeout(30_000)

  before(launch)

  afterEach(async () => {
    await closePages()
    await closeSamples()
  })

  /** Opens the page of a sample that runs a hundred times as fast, and waits until it is connected. */
  async function visit(setting: SampleSetting = {}): Promise<{ page: Page; sample: Sample }> {
    const sample = await startSample({
      clock: new FastClock(100),
      options: { streamOptions: { retry: 20 } },
      ...setting,
    })
    const page = await newPage()
    await page.goto(sample.url)
    await shows(page, '#status', 'Connected')
    return { page, sample }
  }

  async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
    await page.locator(selector, { hasText: text }).first().waitFor()
  }

  function row(url: string): string {
    return `#streams > li[data-url="${url}"]`
  }

  async function press(page: Page, name: string): Promise<void> {
    await page.getByRole('button', { name, exact: true }).click()
  }

  async function ask(page: Page, message: string): Promise<void> {
    await page.getByLabel('Your message').fill(message)
    await press(page, 'Send')
  }

  it('connects by itself, and says so where assistive technology hears it', async () => {
    const { page, sample } = await visit()

    const status = page.getByRole('status').first()

    expect(await status.textContent()).to.equal('Connected')
    expect(await status.getAttribute('aria-live')).to.equal('polite')
    expect(sample.app.streams.size).to.equal(1)
  })

  it('lists updates and notifications, the newest first, and counts them by type', async () => {
    const { page } = await visit()
    await page.locator('#events > li[data-type=notification]').first().waitFor()
    await press(page, 'Close /events')

    const data = await page.locator('#events > li .data').allTextContents()
    const counts = await page.locator('#types > button').allTextContents()

    const numbers = data.map(text => (JSON.parse(text) as { count: number }).count)
    const notifications = numbers.filter(number => number % 5 === 0).length
    expect(numbers).to.deep.equal(Array.from(numbers, (_, index) => numbers.length - index))
    expect(counts).to.deep.equal([`update ${numbers.length - notifications}`, `notification ${notifications}`])
  })

  it('shows the chosen types of events only', async () => {
    const { page } = await visit()
    await page.locator('#events > li[data-type=notification]').first().waitFor()

    await page.locator('#types > button[data-type=update]').click()
    await press(page, 'Close /events')

    expect(await page.locator('#types > button[data-type=update]').getAttribute('aria-pressed')).to.equal('false')
    expect(await page.locator('#events > li[data-type=update]:visible').count()).to.equal(0)
    expect(await page.locator('#events > li[data-type=notification]:visible').count()).to.be.at.least(1)
  })

  it('says that all types are hidden, where they are', async () => {
    const { page } = await visit()
    await page.locator('#events > li[data-type=notification]').first().waitFor()
    await press(page, 'Close /events')
    const pills = page.locator('#types > button')

    for (const pill of await pills.all()) await pill.click()
    await shows(page, '#empty', 'All types are hidden.')
    await pills.first().click()

    await page.locator('#empty').waitFor({ state: 'hidden' })
    expect(await page.locator('#empty').getAttribute('aria-live')).to.equal('polite')
  })

  it('keeps the last 200 events, and forgets all of them on Clear', async () => {
    const { page } = await visit({ clock: new FastClock(2_000) })
    await shows(page, '#types > button[data-type=notification] .count', /^([5-9]\d|\d{3,})$/)

    const kept = await page.locator('#events > li').count()
    await press(page, 'Close /events')
    await press(page, 'Clear')

    expect(kept).to.equal(200)
    expect(await page.locator('#events > li, #types > button').count()).to.equal(0)
    await shows(page, '#empty', 'Nothing has arrived yet.')
  })

  it('shows Reconnecting when the server goes, and Connected when it is back on the same port', async () => {
    const { page, sample } = await visit()
    const firstOnes = page.locator('#events > li', { hasText: '"count":1,' })
    await firstOnes.first().waitFor()

    sample.app.server.close()
    sample.app.server.closeAllConnections()
    await shows(page, '#status', 'Reconnecting…')
    await closeSamples()
    await startSample({ port: sample.port, clock: new FastClock(100) })

    await shows(page, '#status', 'Connected')
    await firstOnes.nth(1).waitFor()
  })

  it('comes back by itself from an answer that makes EventSource give up', async () => {
    let refuse = true
    const sample = await startSample({
      clock: new FastClock(100),
      options: {
        setup: app => {
          app.addHook('onRequest', async ({ url }, reply) => {
            if (url === '/events' && refuse) await reply.code(503).send()
          })
        },
      },
    })
    const page = await newPage()
    await page.clock.install()
    await page.goto(sample.url)
    await shows(page, '#status', 'Reconnecting…')

    refuse = false
    await page.clock.fastForward(3_000)

    await shows(page, '#status', 'Connected')
  })

  it('shows HTML in the data as text', async () => {
    class Hostile extends XmlSerializer {
      override serialize(): string {
        return HOSTILE
      }
    }
    const { page } = await visit({ fakes: container => container.register(XmlSerializer, { useClass: Hostile }) })

    await press(page, 'Open /xml-events')
    await shows(page, row('/xml-events'), 'Finished')
    await ask(page, HOSTILE)
    await shows(page, '#talk > .okapi', 'for nobody.')

    expect(await page.locator('#events > li[data-type=message] .data').textContent()).to.equal(HOSTILE)
    expect(await page.locator('#talk > .you').textContent()).to.equal(HOSTILE)
    expect(await page.locator('#talk > .okapi').textContent()).to.contain(`You said: ${HOSTILE}`)
    expect(await page.locator('#events, #talk').locator('img, b').count()).to.equal(0)
    expect(await page.title()).to.equal('Okapi SSE Demo')
  })

  it('opens every stream by its button, and closes those that do not finish by themselves', async () => {
    const { page, sample } = await visit()
    const endless = ['/events', '/time', '/stocks', '/live-data']
    const urls = await page.locator('#streams h3').allTextContents()
    await press(page, 'Close /events')
    await shows(page, `${row('/events')} .state`, 'Closed')

    for (const url of urls) {
      await press(page, `Open ${url}`)
      await shows(page, `${row(url)} .count`, /^[1-9]/)
      if (endless.includes(url)) await press(page, `Close ${url}`)
      await shows(page, `${row(url)} .state`, endless.includes(url) ? 'Closed' : 'Finished')
      await until(() => sample.app.streams.size === 0 && sample.clock.waiting === 0)
    }

    expect(urls).to.have.length(10)
  })

  for (const width of [1280, 390]) {
    it(`keeps the height of each row when a stream is opened, ${width} pixels wide`, async () => {
      const { page } = await visit({ clock: new FastClock(10) })
      await page.setViewportSize({ width, height: 800 })
      const heights = () =>
        page.evaluate<number[]>("[...document.querySelectorAll('#streams > li')].map(row => row.offsetHeight)")

      const before = await heights()
      await press(page, 'Open /messages')
      await shows(page, `${row('/messages')} .count`, /^[1-9]/)
      const during = await heights()
      await shows(page, `${row('/messages')} .state`, 'Finished')

      expect(during).to.deep.equal(before)
      expect(await heights()).to.deep.equal(before)
    })
  }

  it('tells the state of the main stream when it is closed and opened again', async () => {
    const { page } = await visit()

    await press(page, 'Close /events')
    await shows(page, '#status', 'Closed')
    await press(page, 'Open /events')

    await shows(page, '#status', 'Connected')
  })

  it('shows a finished stream as finished, and the browser does not come back a second time', async () => {
    const seen: unknown[] = []
    const { page } = await visit({
      options: {
        streamOptions: { retry: 20 },
        setup: app => {
          app.addHook('onResponse', async ({ url, headers }, { statusCode }) => {
            if (url === '/counter') seen.push([headers['last-event-id'], statusCode])
          })
        },
      },
    })

    await press(page, 'Open /counter')
    await shows(page, `${row('/counter')} .state`, 'Finished')
    await until(() => seen.length === 2)

    expect(await page.locator(`${row('/counter')} .count`).textContent()).to.equal('11 events')
    expect(await page.locator(`${row('/counter')} .state`).textContent()).to.equal('Finished')
    expect(seen).to.deep.equal([
      [undefined, 200],
      ['stream.end', 204],
    ])
  })

  it('shows the error of a stream that failed, and the browser opens it again', async () => {
    class BrokenClock extends FastClock {
      override async *every(milliseconds: number, signal: AbortSignal): AsyncGenerator<Date> {
        for await (const now of super.every(milliseconds, signal)) {
          yield now
          if (milliseconds === 1_000) throw new Error('This clock has stopped')
        }
      }
    }
    const { page } = await visit({ clock: new BrokenClock(100) })

    await press(page, 'Open /time')
    await page.locator('#events > li[data-type="stream:error"]').nth(1).waitFor()

    const errors = await page.locator('#events > li[data-type="stream:error"] .data').allTextContents()
    expect(errors[0]).to.equal('{"type":"about:blank","title":"Internal Server Error","status":500}')
  })

  it('opens five streams at most, so that the chat finds a connection', async () => {
    const { page } = await visit({ clock: new FastClock(4) })

    for (const url of ['/time', '/stocks', '/live-data']) await press(page, `Open ${url}`)
    const free = await page.locator('#streams button:disabled').count()
    await press(page, 'Open /channel')
    const full = await page.locator('#streams button:disabled').count()
    await shows(page, '#limit', 'Five are open')
    await ask(page, 'Is there room for me?')
    await shows(page, '#talk > .okapi', 'You said')

    expect([free, full]).to.deep.equal([0, 5])
  })

  it('streams the answer of the chat', async () => {
    const { page, sample } = await visit({ clock: new FastClock(3) })

    await ask(page, 'Hello')
    await shows(page, '#talk > .okapi', 'You said: Hello')
    const busy = await page.locator('#talk').getAttribute('aria-busy')
    await page.getByRole('button', { name: 'Send' }).waitFor()

    expect(busy).to.equal('true')
    expect(await page.locator('#talk').getAttribute('aria-busy')).to.equal('false')
    expect(await page.locator('#talk > .okapi').textContent()).to.match(/^You said: Hello\n\nI am .* for nobody\.$/)
    expect(sample.app.streams.size).to.equal(1)
  })

  it('stops the answer of the chat, and the server with it', async () => {
    const clock = new FastClock(1)
    const { page, sample } = await visit({ clock })
    await ask(page, 'Hello')
    await shows(page, '#talk > .okapi', 'You said')

    await press(page, 'Stop')

    await shows(page, '#talk > .okapi em', 'Stopped.')
    await until(() => sample.app.streams.size === 1 && clock.waiting <= 1)
    expect(await page.locator('#talk > .okapi').textContent()).to.not.contain('for nobody.')
    expect(await page.evaluate('document.activeElement.id')).to.equal('message')
  })

  it('sends no empty message, and none that is too long', async () => {
    const { page } = await visit({ clock: new FastClock(100) })
    const asked: string[] = []
    page.on('request', request => {
      if (request.method() === 'POST') asked.push(request.postData() ?? '')
    })

    await page.getByLabel('Your message').press('Enter')
    const missing = await page.evaluate<boolean>("document.querySelector('#message').validity.valueMissing")
    await ask(page, 'x'.repeat(501))
    await shows(page, '#talk > .okapi', 'for nobody.')

    expect(missing).to.equal(true)
    expect(await page.locator('#talk > li').count()).to.equal(2)
    expect(asked).to.deep.equal([JSON.stringify({ message: 'x'.repeat(500) })])
  })

  it('says why the server refuses a message, and gives the text back', async () => {
    const { page } = await visit()
    await page.evaluate("document.querySelector('#message').removeAttribute('maxlength')")

    await ask(page, 'x'.repeat(501))

    await shows(page, '#talk > .okapi em', 'message must be shorter than or equal to 500 characters')
    await page.getByRole('button', { name: 'Send' }).waitFor()
    expect(await page.getByLabel('Your message').inputValue()).to.equal('x'.repeat(501))
  })

  it('says in plain words that the server is not there, and gives the text back', async () => {
    const { page } = await visit()
    await closeSamples()

    await ask(page, 'Is anybody there?')

    await shows(page, '#talk > .okapi em', 'The server cannot be reached. Is it running?')
    await page.getByRole('button', { name: 'Send' }).waitFor()
    expect(await page.getByLabel('Your message').inputValue()).to.equal('Is anybody there?')
  })

  it('says so when an answer is cut off', async () => {
    const { page, sample } = await visit({ clock: new FastClock(1) })
    await ask(page, 'Hello')
    await shows(page, '#talk > .okapi', 'You said')

    await sample.app.close()

    await shows(page, '#talk > .okapi em', 'The answer was cut off.')
  })

  it('says the same of an answer whose connection breaks', async () => {
    const { page, sample } = await visit({ clock: new FastClock(1) })
    await ask(page, 'Hello')
    await shows(page, '#talk > .okapi', 'You said')

    sample.app.server.closeAllConnections()

    await shows(page, '#talk > .okapi em', 'The answer was cut off.')
  })

  it('is used by the keyboard alone', async () => {
    const { page, sample } = await visit({ clock: new FastClock(1) })

    await page.getByRole('button', { name: 'Open /time' }).focus()
    await page.keyboard.press('Enter')
    await until(() => sample.app.streams.size === 2)
    await page.keyboard.press('Space')
    await until(() => sample.app.streams.size === 1)
    await page.getByLabel('Your message').focus()
    await page.keyboard.type('Hello')
    await page.keyboard.press('Enter')
    await shows(page, '#talk > .okapi', 'You said')
    await page.keyboard.press('Enter')

    await shows(page, '#talk > .okapi em', 'Stopped.')
  })

  it('fits a phone, and keeps to the colours that the reader prefers', async () => {
    const sample = await startSample({ clock: new FastClock(100) })
    const page = await newPage({ viewport: { width: 320, height: 640 }, colorScheme: 'light' })
    await page.goto(sample.url)
    await page.locator('#events > li').first().waitFor()
    const ground = 'getComputedStyle(document.body).backgroundColor'

    const light = await page.evaluate(ground)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await page.evaluate(ground)

    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(320)
    expect([light, dark]).to.deep.equal(['rgb(247, 242, 234)', 'rgb(22, 17, 14)'])
  })

  it('links what else the sample serves', async () => {
    const { page, sample } = await visit()

    const links = await page.getByRole('navigation').getByRole('link').all()
    const urls = await Promise.all(links.map(link => link.getAttribute('href')))
    const answers = await Promise.all(urls.map(url => fetch(`${sample.url}${url}`)))

    expect(urls).to.deep.equal(['/prices', '/docs', '/openapi.json'])
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200])
  })

  it('says without JavaScript that it needs it and how the streams are read, and shows nothing dead', async () => {
    const sample = await startSample({ clock: new FastClock(100) })
    const page = await newPage({ javaScriptEnabled: false })

    await page.goto(sample.url)

    await shows(page, '.notice', /This page needs JavaScript\..* curl -N \S+\/events/s)
    expect(await page.locator('#streams > li:visible').count()).to.equal(10)
    expect(await page.locator('button:visible, input:visible, .state:visible, #open-count:visible').count()).to.equal(0)
  })
})
