import { expect } from 'chai'
import type { FastifyRequest } from 'fastify'
import { Catch, Controller, DefinitionError, type ErrorFilter, filter, Get, HttpError, type Injected } from 'okapi'
import request from 'supertest'
import { injectable, container as rootContainer } from 'tsyringe'
import { Instances } from '../src/container.js'
import { translator } from '../src/filters.js'
import type { FilterRecord } from '../src/metadata.js'
import { type LogLine, logger } from './support/logged.js'
import { refusal } from './support/refusal.js'
import { closeAll, serve } from './support/serve.js'

class StockError extends Error {}
class OutOfStock extends StockError {}
class Unrelated extends Error {}

/** A filter that answers with a status. */
const to = (type: Injected, status: number): FilterRecord => ({ type, answer: () => new HttpError(status) })

describe('translator', () => {
  let logged: object[] = []
  const log = { error: (details: object) => void logged.push(details), warn: () => {} }
  const given = { id: 'req-1' } as FastifyRequest
  const translate = (layers: FilterRecord[][], error: unknown) =>
    translator(layers, new Instances(rootContainer.createChildContainer()), log, 'Shop.buy')?.(error, given)
  const status = (layers: FilterRecord[][], error: unknown) => (translate(layers, error) as HttpError).statusCode

  beforeEach(() => {
    logged = []
  })

  it('is nothing where there are no filters', () => {
    expect(translator([[], []], new Instances(rootContainer), log, 'Shop.buy')).to.equal(undefined)
  })

  it('gives the answer of the filter of a class, and of those that it extends', () => {
    expect(status([[to(StockError, 409)]], new StockError())).to.equal(409)
    expect(status([[to(StockError, 409)]], new OutOfStock())).to.equal(409)
  })

  it('leaves other errors as they are', () => {
    const errors = [new Unrelated(), 'a text', undefined, null]

    for (const error of errors) expect(translate([[to(StockError, 409)]], error)).to.equal(error)
  })

  it('asks the nearest layer first', () => {
    expect(status([[to(Error, 410)], [to(OutOfStock, 409)]], new OutOfStock())).to.equal(410)
    expect(status([[to(Unrelated, 410)], [to(OutOfStock, 409)]], new OutOfStock())).to.equal(409)
  })

  it('asks, in a layer, for the nearest class of errors first, in whatever order they stand', () => {
    const filters = [to(Error, 400), to(Unrelated, 410), to(StockError, 402), to(OutOfStock, 409)]

    expect(status([filters], new OutOfStock())).to.equal(409)
    expect(status([filters.reverse()], new OutOfStock())).to.equal(409)
    expect(status([filters], new StockError())).to.equal(402)
    expect(status([filters], new TypeError())).to.equal(400)
  })

  it('asks the next filter if one returns nothing', () => {
    const silent = { type: OutOfStock, answer: () => undefined }

    expect(status([[silent, to(StockError, 402)]], new OutOfStock())).to.equal(402)
    expect(status([[silent], [to(StockError, 402)]], new OutOfStock())).to.equal(402)
    expect(translate([[silent]], new OutOfStock())).to.be.instanceOf(OutOfStock)
  })

  it('takes an answer that is thrown for one that is returned', () => {
    const throwing = {
      type: StockError,
      answer: () => {
        throw new HttpError(409)
      },
    }

    expect(status([[throwing]], new StockError())).to.equal(409)
    expect(logged).to.deep.equal([])
  })

  it('gives what a filter itself fails with, and logs it', () => {
    const own = new Error('The filter is broken')
    const broken = {
      type: StockError,
      answer: () => {
        throw own
      },
    }

    expect(translate([[broken]], new StockError())).to.equal(own)
    expect(logged).to.deep.equal([{ err: own, reqId: 'req-1' }])
  })

  it('takes nothing but an HttpError for an answer', () => {
    for (const answer of [{ statusCode: 200 }, 'fine', null, Promise.resolve(new HttpError(409))]) {
      const failure = translate([[{ type: StockError, answer: () => answer }]], new StockError())

      expect(failure).to.be.instanceOf(TypeError)
      expect((failure as Error).message).to.equal('The filter of StockError returned what is no HttpError')
    }
  })

  it('gives a filter the error and the request', () => {
    const error = new StockError()
    let told: unknown[] = []
    const watching = {
      type: StockError,
      answer: (...args: unknown[]) => {
        told = args
      },
    }

    translate([[watching]], error)

    expect(told).to.deep.equal([error, given])
  })

  it('takes a class of errors that is a function, as older libraries have them', () => {
    function OldError(this: object) {}
    const error = new (OldError as unknown as new () => object)()

    expect(status([[to(OldError as unknown as Injected, 410)]], error)).to.equal(410)
  })

  const wrong: [what: string, filter: FilterRecord, message: string][] = [
    [
      'a class of errors that is undefined',
      to(undefined as never, 409),
      'Shop.buy, filter of undefined: is for no class of errors. Is the class imported around in a circle?',
    ],
    [
      'a class of errors that is a function without a prototype',
      to((() => {}) as never, 409),
      'Shop.buy, filter of : is for no class of errors. Is the class imported around in a circle?',
    ],
    [
      'an answer that is a text',
      { type: StockError, answer: 'sold out' },
      'Shop.buy, filter of StockError: takes a class, not a string',
    ],
    [
      'a class without catch()',
      { type: StockError, answer: class Empty {} },
      'Shop.buy, filter of StockError: has no method catch(error, request)',
    ],
  ]
  for (const [what, record, message] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => translate([[record]], undefined)).to.throw(DefinitionError, message)
    })
  }
})

describe('filter', () => {
  @injectable()
  class Names {
    readonly shop = 'the corner shop'
  }

  @injectable()
  class StockFilter implements ErrorFilter<OutOfStock> {
    constructor(private readonly names: Names) {}

    catch({ message }: OutOfStock, { url }: FastifyRequest) {
      return new HttpError(409, `${message} at ${this.names.shop}, ${url}`)
    }
  }

  @Controller('/shop')
  class Shop {
    @Get('/sold-out')
    soldOut() {
      throw new OutOfStock('No more tea')
    }

    @Get('/closed')
    @Catch(OutOfStock, () => new HttpError(503))
    closed() {
      throw new OutOfStock('No more tea')
    }

    @Get('/broken')
    broken() {
      throw new Unrelated('password=hunter2')
    }
  }

  const start = async (lines: LogLine[] = []) => {
    const filters = [
      filter(OutOfStock, StockFilter),
      filter(Unrelated, ({ message }) => new HttpError(502, `Broken: ${message.length}`)),
    ]
    return (await serve([Shop], { filters, fastify: { logger: logger(lines) } })).app.server
  }

  afterEach(closeAll)

  it('answers errors in the whole app, by a class that the container makes', async () => {
    const { status, body } = await request(await start()).get('/shop/sold-out')

    expect(status).to.equal(409)
    expect(body.detail).to.equal('No more tea at the corner shop, /shop/sold-out')
  })

  it('gives way to a nearer one', async () => {
    expect((await request(await start()).get('/shop/closed')).status).to.equal(503)
  })

  it('does not keep the error itself from the log, where the answer is the fault of the server', async () => {
    const lines: LogLine[] = []

    const { status, body } = await request(await start(lines)).get('/shop/broken')

    expect({ status, detail: body.detail }).to.deep.equal({ status: 502, detail: 'Broken: 16' })
    expect(lines.map(({ err }) => (err as Error).message)).to.deep.equal(['password=hunter2'])
  })

  it('stops the boot if it cannot be made', async () => {
    expect(await refusal([Shop], { filters: [filter(Unrelated, class {} as never)] })).to.equal(
      'filters, filter of Unrelated: has no method catch(error, request)',
    )
  })
})
