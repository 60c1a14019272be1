import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Controller, Doc, Get, NotFoundError, Param, Returns, SetHeader, View, view } from 'okapi'
import { POLICY } from './policy.js'
import { streams } from './streams.js'

// Beside the source: the compiler, whose output this is, copies no styles and no templates.
const files = new URL('../../sample/page/', import.meta.url)
const scripts = 'page stream-row event-log chat post read-events prices chart missing'
  .split(' ')
  .map(name => `${name}.js`)
const styles = ['page', 'prices']

/** Where the templates are. */
export const root = fileURLToPath(files)

/** The page that shows every stream at work, and the files that the pages are made of. */
@Controller()
export class Page {
  @Doc({ summary: 'The page' })
  @Get('/')
  @SetHeader('content-security-policy', POLICY)
  index(): View {
    return view('page', { title: 'Okapi SSE Demo', message: 'Every stream, at work.', eventUrl: '/events', streams })
  }

  @Doc({ summary: 'The styles of the pages' })
  @Get('/:name.css')
  @Returns(String)
  @SetHeader('content-type', 'text/css; charset=utf-8')
  css(@Param('name') name: string) {
    if (!styles.includes(name)) throw new NotFoundError()
    return readFile(new URL(`${name}.css`, files))
  }

  @Doc({ summary: 'The icon of the page' })
  @Get('/icon.svg')
  @Returns(String)
  @SetHeader('content-type', 'image/svg+xml')
  icon() {
    return readFile(new URL('icon.svg', files))
  }

  @Doc({ summary: 'A script of the page' })
  @Get('/scripts/:name')
  @Returns(String)
  @SetHeader('content-type', 'text/javascript; charset=utf-8')
  script(@Param('name') name: string) {
    if (!scripts.includes(name)) throw new NotFoundError()
    return readFile(new URL(name, files))
  }
}
