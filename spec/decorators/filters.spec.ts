import { expect } from 'chai'
import { Catch, Controller, Get, HttpError } from 'okapi'
import request from 'supertest'
import { protest } from '../support/refusal.js'
import { closeAll, serve } from '../support/serve.js'

class StockError extends Error {}
class OutOfStock extends StockError {}
class Unrelated extends Error {}

/** A filter that answers with a status. */
const to = (status: number) => () => new HttpError(status)

@Catch(StockError, to(409))
@Catch(Unrelated, to(410))
abstract class Base {
  @Get('/class')
  ofClass() {
    throw new OutOfStock()
  }

  @Get('/method')
  @Catch(Error, to(422))
  ofMethod() {
    throw new OutOfStock()
  }

  @Get('/unrelated')
  unrelated() {
    throw new Unrelated()
  }
}

@Controller('/shop')
@Catch(OutOfStock, to(423))
class Shop extends Base {
  @Get('/again')
  @Catch(OutOfStock, to(424))
  override ofMethod() {
    return super.ofMethod()
  }
}

describe('@Catch', () => {
  const ask = async (path: string) => {
    const { app } = await serve([Shop])
    return (await request(app.server).get(`/shop${path}`)).status
  }

  afterEach(closeAll)

  it('on a class answers the errors of its methods, before one on its base', async () => {
    expect(await ask('/class')).to.equal(423)
  })

  it('on a base holds for what extends it', async () => {
    expect(await ask('/unrelated')).to.equal(410)
  })

  it('on a method is nearer than one on its class, also for a wider class of errors', async () => {
    expect(await ask('/again')).to.equal(424)
  })

  it('is refused twice for one class of errors at one place', () => {
    const said = protest(() => {
      class Prices {
        @Catch(StockError, to(409))
        @Catch(OutOfStock, to(409))
        @Catch(StockError, to(410))
        list() {}
      }
      return Prices
    })

    expect(said).to.equal('Prices.list: @Catch(StockError) stands here twice; keep one')
  })

  it('is refused on a field', () => {
    const said = protest(() => {
      class Prices {
        @(Catch(StockError, to(409)) as PropertyDecorator)
        list = []
      }
      return Prices
    })

    expect(said).to.equal('Prices.list: @Catch stands on a field or accessor; make it a method: list() { … }')
  })
})
