import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
]

let browser: Promise<Browser> | undefined

/** Starts Chromium, once for all specs: for `before`. Fails where there is none; the env CHROMIUM says where it is. */
export function launch(this: Mocha.Context): Promise<Browser> {
  this.timeout(60_000)
  browser ??= chromium.launch({ executablePath, args })
  return browser
}

/** A page in a context of its own, empty still. */
export async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await (browser as Promise<Browser>).then(ready =>
    ready.newContext({ reducedMotion: 'reduce', ...options }),
  )
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  return page
}

/** Closes every page: for `afterEach`. */
export async function closePages(): Promise<void> {
  const contexts = (await browser)?.contexts() ?? []
  await Promise.all(contexts.map(context => context.close()))
}

after(async () => {
  await (await browser)?.close()
})
