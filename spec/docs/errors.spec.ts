import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import * as okapi from 'okapi'
import * as sse from 'okapi/sse'
import { ask, posting } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, proseOf, read, tableAfter } from '../support/papers.js'
import { project } from '../support/run.js'
import { closeAll } from '../support/serve.js'

const paper = 'docs/errors.md'
const sources = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => read(join('src', name)))
const classes = Object.values<unknown>(okapi).filter(isErrorClass)

/** One of each class that the paper tells of. */
const gap = { requested: 'a.1', earliest: null, latest: null, lost: null, reason: 'expired' } as const
const made = [
  new okapi.DefinitionError('Prices', 'is wrong'),
  new okapi.InvalidRequestError([]),
  new okapi.EventFieldError('id', '\n', 'is wrong'),
  new okapi.EventMismatchError('Prices.watch', 'is wrong'),
  new okapi.SerializationError('wrong'),
  new okapi.StreamClosedError(),
  new okapi.OverflowError('too much'),
  new okapi.BadRequestError(),
  new okapi.UnauthorizedError(),
  new okapi.ForbiddenError(),
  new okapi.NotFoundError(),
  new okapi.ConflictError(),
  new okapi.StreamLimitError('perPrincipal', 5),
  new okapi.TicketLimitError(429, 5),
  new okapi.ClosingError(5),
  new okapi.RateLimitError(429, '1 minute'),
  new okapi.TopicNameError(''),
  new okapi.TopicLimitError(1),
  new okapi.TopicBusyError('a'),
  new okapi.TopicClosedError('a'),
  new okapi.GapError(gap),
  new okapi.LagError('a'),
  new okapi.JournalError('broken'),
  new okapi.TopicEventError('1'),
]

describe(paper, () => {
  const { find, serve } = examplesOf(paper)

  afterEach(closeAll)

  it('symbols: answers as it is shown, with the headers and members of an error, and nothing of one that nobody knows', async () => {
    const { url } = await serve('symbols')
    const exists = await fetch(`${url}/symbols/OKP`, posting({ name: 'Okapi' }))
    const soldOut = await fetch(`${url}/symbols/OKP`, posting({}, 'PUT'))

    expect(exists.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
    expect(await exists.json()).to.deep.equal(JSON.parse(find('symbols', 'answer').code))
    expect(soldOut.headers.get('retry-after')).to.equal('60')
    expect(await soldOut.json()).to.include({ detail: 'Sold out', left: 0 })
    expect(await ask(`${url}/symbols`, posting({}))).to.match(/^500 (?!.*swordfish)/)
  })

  it('names every code of src, and no other', () => {
    // What is compared with a code speaks of somebody else's.
    const found = new Set(sources.flatMap(source => source.match(/(?<![!=]== ')(?<=')ERR_\w+(?=')/g) ?? []))

    expect(tableAfter(paper, '## Codes').map(([code]) => codesIn(code)[0])).to.have.members([...found])
  })

  it('gives each code its class', () => {
    const told = tableAfter(paper, '## Codes').map(([code, name]) => [codesIn(code)[0], codesIn(name)[0]])

    expect(told).to.have.deep.members(made.filter(({ code }) => code).map(({ code, name }) => [code, name]))
  })

  it('gives each class its status', () => {
    const told = tableAfter(paper, '## Errors that are answers')
      .slice(1)
      .flatMap(([names, status]) => codesIn(names).map(name => [name, status]))
    const answers = made.filter(error => error instanceof okapi.HttpError)

    const statusOf = ({ name, statusCode }: okapi.HttpError): string =>
      /^(Stream|Ticket)LimitError$/.test(name) ? '429 or 503' : `${statusCode}`
    expect(told).to.have.deep.members(answers.map(error => [error.name, statusOf(error)]))
  })

  it('leaves out no class of error', () => {
    const named = codesIn(proseOf(paper).join('\n'))

    expect(named).to.include.members(classes.map(({ name }) => name))
  })

  it('is right that okapi/sse exports the errors of event streams', () => {
    const { StreamError } = okapi
    const ofStreams = classes.filter(
      ({ name, prototype }) => name === StreamError.name || prototype instanceof StreamError,
    )

    expect(Object.values(sse)).to.include.members(ofStreams)
  })

  it('names every phase', () => {
    const declared = read('src/sse/options.ts')
      .match(/readonly phase: (.*)/)?.[1]
      ?.match(/\w+/g)

    expect(tableAfter(paper, '| phase |').map(([phase]) => codesIn(phase)[0])).to.have.members(declared ?? [])
  })
})

function isErrorClass(value: unknown): value is typeof Error {
  return typeof value === 'function' && value.prototype instanceof Error
}
