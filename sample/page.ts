import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Controller, Doc, Get, NotFoundError, Param, Returns, SetHeader, View, view } from 'okapi'
import { streams } from './streams.js'

// Beside the source: the compiler, whose output this is, copies no styles and no templates.
const files = new URL('../../sample/page/', import.meta.url)
const scripts = ['page.js', 'stream-row.js', 'event-log.js', 'chat.js', 'read-events.js']

/** Where the templates are. */
export const root = fileURLToPath(files)

/** The page that shows every stream at work, and the files it is made of. */
@Controller()
export class Page {
  @Doc({ summary: 'The page' })
  @Get('/')
  @SetHeader(
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  index(): View {
    return view('page', { title: 'Okapi SSE Demo', message: 'Every stream, at work.', eventUrl: '/events', streams })
  }

  @Doc({ summary: 'The styles of the page' })
  @Get('/page.css')
  @Returns(String)
  @SetHeader('content-type', 'text/css; charset=utf-8')
  css() {
    return readFile(new URL('page.css', files))
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
