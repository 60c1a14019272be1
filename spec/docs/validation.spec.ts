import { expect } from 'chai'
import { Allow, IsOptional } from 'class-validator'
import { Body, Controller, type ControllerClass, Post } from 'okapi'
import { ask, posting } from '../support/ask.js'
import { examplesOf, isController } from '../support/examples.js'
import { closeAll, serve } from '../support/serve.js'

describe('docs/validation.md', () => {
  const { load } = examplesOf('docs/validation.md')

  /** Asks the controller of an example. */
  const asker = async (name: string) => {
    const { url } = await serve(Object.values(await load<Record<string, ControllerClass>>(name)).filter(isController))
    return async (method: string, path: string, body?: unknown): Promise<unknown[]> => {
      const sent =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const response = await fetch(url + path, { method, ...sent })
      return [response.status, await response.json()]
    }
  }
  const issues = ([, body]: unknown[]): string[] =>
    (body as { errors: { property: string; constraint: string }[] }).errors.map(
      one => `${one.property} ${one.constraint}`,
    )

  afterEach(closeAll)

  it('bookings: has default values, nested DTOs, enums and dates', async () => {
    const ask = await asker('bookings')
    const booking = { from: '2026-07-01', guests: [{ name: 'Ada', admin: true }] }

    expect(await ask('POST', '/bookings', booking)).to.deep.equal([
      200,
      { from: Date.UTC(2026, 6, 1), nights: 1, board: 'half', guests: [{ name: 'Ada' }], made: true },
    ])
    expect(
      issues(
        await ask('POST', '/bookings', {
          from: 'soon',
          nights: '2',
          board: 'none',
          guests: [{ name: 'A', email: 'B' }],
        }),
      ),
    ).to.have.members([
      'from isDate',
      'nights isInt',
      'nights min',
      'nights max',
      'board isEnum',
      'guests.0.email isEmail',
    ])
    let deep: unknown = []
    for (let n = 0; n < 100; n++) deep = [deep]
    expect(issues(await ask('POST', '/bookings', { ...booking, board: deep }))).to.deep.equal([' depth'])
  })

  it('is right about @Allow and about what has no rule', async () => {
    class Note {
      @Allow()
      kept!: unknown

      @IsOptional()
      optional?: unknown

      removed?: unknown
    }

    @Controller('/notes')
    class Notes {
      @Post()
      add(@Body() note: Note) {
        return { ...note }
      }
    }
    const { url } = await serve([Notes])

    expect(await ask(`${url}/notes`, posting({ kept: '1', optional: '2', removed: '3', unknown: '4' }))).to.equal(
      '200 {"kept":"1","optional":"2"}',
    )
  })

  it('search: converts the text of a query', async () => {
    const ask = await asker('search')

    expect(await ask('GET', '/search?q=tea&limit=5&exact=true&sort=price')).to.deep.equal([
      200,
      { q: 'tea', limit: 5, exact: true, sort: ['price'] },
    ])
    expect(await ask('GET', '/search?q=tea')).to.deep.equal([200, { q: 'tea', limit: 20, exact: false }])
    expect(issues(await ask('GET', '/search?q=tea&limit=500'))).to.deep.equal(['limit max'])
    expect(await ask('GET', '/search/ids?id=7')).to.deep.equal([200, [7]])
    expect(await ask('GET', '/search/ids?id=7&id=8')).to.deep.equal([200, [7, 8]])
    expect(issues(await ask('GET', '/search/ids?id=7&id=x'))).to.deep.equal(['id.1 number'])
    expect(await ask('GET', '/search/ids')).to.deep.equal([200, []])
  })

  it('readings: checks each item of an array', async () => {
    const ask = await asker('readings')

    expect(await ask('PUT', '/readings', [{ sensor: 'a', celsius: 21 }])).to.deep.equal([200, { count: 1 }])
    expect(issues(await ask('PUT', '/readings', [{ sensor: 'a', celsius: 21 }, { sensor: 'b' }]))).to.deep.equal([
      '1.celsius isNumber',
    ])
    expect(issues(await ask('PUT', '/readings', {}))).to.deep.equal([' array'])
    expect(issues(await ask('PUT', '/readings', Array(50).fill(0)))).to.have.length(20)
  })

  it('settings: is stricter for one parameter, and looks away for another', async () => {
    const ask = await asker('settings')

    expect(await ask('POST', '/settings', { size: 1 })).to.deep.equal([200, { size: 1 }])
    expect(issues(await ask('POST', '/settings', { size: 1, more: 2 }))).to.deep.equal(['more whitelistValidation'])
    expect(await ask('PATCH', '/settings', { size: 'x', more: 2 })).to.deep.equal([
      200,
      { as: 'sent', settings: { size: 'x', more: 2 } },
    ])
  })
})
