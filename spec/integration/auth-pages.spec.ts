import { expect } from 'chai'
import { type AppOptions, Topics } from 'okapi'
import type { Page, Request } from 'playwright-core'
import { container } from 'tsyringe'
import { createCookieSample } from '../../sample/auth/cookie.js'
import { bySecret, claims } from '../../sample/auth/jwt.js'
import { People } from '../../sample/auth/people.js'
import { createTicketSample } from '../../sample/auth/tickets.js'
import { closePages, launch, newPage } from '../support/browser.js'
import { closeServers, listen } from '../support/listen.js'
import { closeAll, type Served, start } from '../support/serve.js'
import { sign } from '../support/tokens.js'
import { until } from '../support/until.js'

const secret = 'a secret of 32 characters, or more'
const key = new TextEncoder().encode(secret)

describe('A reader who has signed in, in Chromium,', function () {
  this.timeout(30_000)

  let topics = new Topics()
  const options = (): Omit<AppOptions, 'controllers' | 'setup'> => ({
    fastify: { logger: false },
    streamOptions: { retry: 20 },
    topics,
  })
  const shows = (page: Page, selector: string, text: string) =>
    page.locator(selector, { hasText: text }).first().waitFor()
  /** Waits until a page reads, and has read the first quote. */
  const readsOne = async (page: Page) => {
    await shows(page, '[role=status]', 'Reading')
    await topics.publish('quotes', 'one')
    await shows(page, 'li', 'one')
  }
  const quotesOn = (page: Page) => page.locator('li').allInnerTexts()
  /** A page that waits for a second where it would wait for up to five. */
  const impatientPage = async (): Promise<Page> => {
    const page = await newPage()
    await page.addInitScript('Math.random = () => 0')
    return page
  }

  before(launch)
  beforeEach(() => {
    topics = new Topics()
  })
  afterEach(async () => {
    await closePages()
    await closeAll()
    await closeServers()
    await topics.close()
  })

  describe('by tickets', () => {
    const tokenFor = (seconds: number) =>
      sign(key, { alg: 'HS256' }, { aud: claims.allowedAud, exp: Math.floor(Date.now() / 1_000) + seconds })
    const begin = async () => start(await createTicketSample(bySecret(secret), options()))
    const open = async ({ url }: Served, token: string, onRequest: (request: Request) => unknown = () => {}) => {
      const page = await impatientPage()
      page.on('request', onRequest)
      await page.goto(`${url}/tickets.html`)
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button').click()
      return page
    }

    it('comes back after a break with another ticket, and misses nothing', async () => {
      const served = await begin()
      const tickets: string[] = []
      const told: string[] = []
      const page = await open(served, await tokenFor(60), async request => {
        const ticket = new URL(request.url()).searchParams.get('ticket')
        if (ticket !== null) tickets.push(ticket)
        told.push((await request.allHeaders()).referer ?? '')
      })
      await readsOne(page)

      served.app.streams.cut()
      await topics.publish('quotes', 'two')
      await shows(page, 'li', 'two')
      served.app.streams.cut()
      await topics.publish('quotes', 'three')
      await shows(page, 'li', 'three')

      expect(await quotesOn(page)).to.deep.equal(['one', 'two', 'three'])
      expect(new Set(tickets).size).to.equal(3)
      expect(tickets).to.have.length(3)
      expect(told.filter(referer => referer.includes('ticket='))).to.deep.equal([])
    })

    it('is asked to sign in again when the token has ended, and goes on where it left off', async () => {
      const served = await begin()
      const page = await open(served, await tokenFor(4))
      await readsOne(page)

      await shows(page, '[role=status]', 'Sign in again')
      expect(served.app.streams.size).to.equal(0)
      await topics.publish('quotes', 'two')
      await page.getByLabel('Token').fill(await tokenFor(60))
      await page.getByRole('button').click()

      await shows(page, 'li', 'two')
      expect(await quotesOn(page)).to.deep.equal(['one', 'two'])
    })
  })

  describe('by a cookie', () => {
    const people = new People()
    const begin = async (lasts: number, given: Partial<AppOptions> = {}) => {
      const child = container.createChildContainer().registerInstance(People, people)
      return start(await createCookieSample({ secret, lasts }, { ...options(), container: child, ...given }))
    }
    const open = async ({ url }: Served) => {
      const page = await impatientPage()
      await page.goto(`${url}/cookie.html`)
      await signIn(page)
      return page
    }
    const signIn = async (page: Page) => {
      await page.getByLabel('Name').fill('ada')
      await page.getByLabel('Password').fill('analytical engine')
      await page.getByRole('button').click()
    }

    before(() => people.add('ada', 'analytical engine'))

    it('comes back by itself after a break, with a cookie that no script reads', async () => {
      const served = await begin(60)
      const page = await open(served)
      await readsOne(page)

      served.app.streams.cut()
      await topics.publish('quotes', 'two')

      await shows(page, 'li', 'two')
      expect(await quotesOn(page)).to.deep.equal(['one', 'two'])
      expect(await page.evaluate('document.cookie')).to.equal('')
      const [cookie] = await page.context().cookies()
      expect(cookie).to.include({ name: '__Host-token', httpOnly: true, secure: true, sameSite: 'Strict', expires: -1 })
    })

    it('is asked to sign in again when the token has ended, and goes on where it left off', async () => {
      const served = await begin(4)
      const page = await open(served)
      await readsOne(page)

      await shows(page, '[role=status]', 'Sign in again')
      await topics.publish('quotes', 'two')
      await signIn(page)

      await shows(page, 'li', 'two')
      expect(await quotesOn(page)).to.deep.equal(['one', 'two'])
    })

    it('is known on a page of another origin that the app allows, with its credentials, and on no other', async () => {
      const blank = (_request: object, response: { end(text: string): void }) => response.end('<!doctype html>')
      const [ours, other] = [await listen(blank), await listen(blank)]
      const served = await begin(60, { cors: { origin: [`http://127.0.0.1:${ours}`], credentials: true } })
      const page = await open(served)
      await shows(page, '[role=status]', 'Reading')
      const listening = async (origin: string, withCredentials: boolean) => {
        await page.goto(origin)
        return page.evaluate(
          ({ url, withCredentials }) =>
            new Promise(resolve => {
              const { EventSource } = globalThis as unknown as { EventSource: new (...args: unknown[]) => EventTarget }
              const source = new EventSource(url, { withCredentials })
              source.addEventListener('open', () => resolve('open'))
              source.addEventListener('error', () => resolve('error'))
            }),
          { url: `${served.url}/quotes/live`, withCredentials },
        )
      }

      expect(await listening(`http://127.0.0.1:${ours}`, true)).to.equal('open')
      expect(await listening(`http://127.0.0.1:${ours}`, false)).to.equal('error')
      expect(await listening(`http://127.0.0.1:${other}`, true)).to.equal('error')
      expect(await listening(`http://localhost:${ours}`, true)).to.equal('error')
      await until(() => served.app.streams.size <= 1)
    })
  })
})
