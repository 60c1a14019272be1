import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { read, tableAfter } from '../support/papers.js'
import { project } from '../support/run.js'

/** The features of Okapi for Go v0.8.0, as its own documentation and source divide them. */
const features = [
  ...['Routing verbs', '`Any`', 'HEAD on GET routes', 'Path syntax', 'Groups, nesting', 'Declarative routes'],
  ...['`Group.Register`', 'Dynamic enable/disable', 'Typed handlers', 'Binding', 'Validation', 'Defaults'],
  ...['Responses', 'Output struct', 'Errors', 'Problem details', 'Validation error list', '404/405 hooks'],
  ...['OpenAPI', 'Docs UIs', 'Doc helpers', 'JWT', 'Claims expressions', 'Basic auth', 'CORS', 'Body limit'],
  ...['Rate limit', 'Compression', 'Panic recovery', 'CSRF, security headers, sessions', 'Request id', 'Access log'],
  ...['Real IP', 'Middleware chain', 'net/http interop', 'Templates', 'Static files', 'SPA', 'SSE', 'WebSocket'],
  ...['HTTP client', 'CLI', 'Testing', 'TLS', 'HTTP/2', 'Graceful shutdown', 'Timeouts', 'Context store'],
  ...['Dependency injection', 'Decorators/annotations', 'Environment'],
]

const rows = tableAfter('README.md', '<!-- check: features -->')
const nonGoals = read('README.md').match(/^## Non goals\n.*?(?=^## )/ms)?.[0] ?? ''

describe('The features of Okapi for Go, in the README', () => {
  it('are all there, and each once', () => {
    expect(rows.map(([name]) => name)).to.deep.equal(features)
  })

  for (const [name = '', here = '', shown = ''] of rows) {
    const [, title, file] = shown.match(/^\[(.+)\]\((.+)\)$/) ?? []

    if (title === undefined || file === undefined) {
      it(`${name}: is a non goal, and the reason is given`, () => {
        expect(here).to.equal('[not here](#non-goals)')
        expect(shown).to.equal('')
        expect(nonGoals).to.match(new RegExp(`^- \\*\\*${name}\\*\\*: \\w.+\\.$`, 'm'))
      })
      continue
    }

    it(`${name}: is shown by a spec of that name`, () => {
      expect(file).to.match(/^spec\/.+\.spec\.ts$/)
      expect(existsSync(join(project, file)), file).to.equal(true)
      const titles = [...read(file).matchAll(/\b(?:it|describe)\(\s*(['"`])(.*?)\1,/g)].map(match => match[2])
      expect(titles).to.include(title)
    })
  }
})
