import { expect } from 'chai'
import { DefinitionError, StreamLimitError } from 'okapi'
import { type Admission, Admissions, type AppAdmissionOptions } from '../src/admission.js'

class Prices {}
class Orders {}

describe('Admission', () => {
  const way = (app: AppAdmissionOptions): Admission => new Admissions(app).of('Prices.watch', Prices) as Admission
  const refusal = (admission: Admission, principal?: string, ip = '10.0.0.1'): StreamLimitError => {
    try {
      admission.admit(principal, ip)
    } catch (error) {
      if (error instanceof StreamLimitError) return error
    }
    throw new Error('It was admitted')
  }

  it('admits up to the limit, and again when somebody has left', () => {
    const admission = way({ total: 2 })
    const place = admission.admit(undefined, '10.0.0.1')
    admission.admit(undefined, '10.0.0.2')

    expect(refusal(admission)).to.include({ statusCode: 503, code: 'ERR_STREAM_LIMIT', limit: 'total' })

    place.release()
    admission.admit(undefined, '10.0.0.3')
    expect(refusal(admission).limit).to.equal('total')
  })

  it('gives a place back once, however often it is released', () => {
    const admission = way({ total: 2, perPrincipal: 2, perAddress: 2 })
    const place = admission.admit('ann', '10.0.0.1')
    admission.admit('ann', '10.0.0.1')

    place.release()
    place.release()
    admission.admit('ann', '10.0.0.1')

    expect(refusal(admission, 'ann').limit).to.equal('perPrincipal')
  })

  it('counts each principal by itself, and none that is not known', () => {
    const admission = way({ perPrincipal: 1 })
    admission.admit('ann', '10.0.0.1')
    admission.admit('bob', '10.0.0.1')
    for (let n = 0; n < 5; n++) admission.admit(undefined, '10.0.0.1')

    expect(refusal(admission, 'ann')).to.include({ statusCode: 429, limit: 'perPrincipal' })
  })

  it('counts each address by itself, whoever comes from there', () => {
    const admission = way({ perAddress: 1 })
    admission.admit('ann', '10.0.0.1')
    admission.admit('ann', '10.0.0.2')

    expect(refusal(admission, 'bob', '10.0.0.1')).to.include({ statusCode: 429, limit: 'perAddress' })
  })

  for (const [one, other] of [
    ['2001:db8:0:7::1', '2001:0DB8:0000:0007:ffff:ffff:ffff:ffff'],
    ['2001:db8::1', '2001:db8:0:0:5:6:7:8'],
    ['fe80::1', 'fe80:0:0:0::2'],
    ['::1', '::2'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
  ] as const) {
    it(`counts ${one} and ${other} as one address`, () => {
      const admission = way({ perAddress: 1 })
      admission.admit(undefined, one)

      expect(refusal(admission, undefined, other).limit).to.equal('perAddress')
    })
  }

  for (const [one, other] of [
    ['2001:db8:0:7::1', '2001:db8:0:8::1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.2'],
    ['1::', '2::'],
    ['2001::4:5:6:7:8', '2001::5:5:6:7:8'],
  ] as const) {
    it(`counts ${one} and ${other} as two addresses`, () => {
      const admission = way({ perAddress: 1 })
      admission.admit(undefined, one)
      admission.admit(undefined, other)
    })
  }

  it('takes no place anywhere for whom it refuses', () => {
    const admissions = new Admissions({ total: 2 })
    const prices = admissions.of('Prices.watch', Prices, undefined, { total: 1 }) as Admission
    const orders = admissions.of('Orders.watch', Orders) as Admission
    const place = prices.admit(undefined, '10.0.0.1')

    for (let n = 0; n < 5; n++) expect(refusal(prices).limit).to.equal('total')
    orders.admit(undefined, '10.0.0.1')
    expect(refusal(orders).limit).to.equal('total')

    place.release()
    orders.admit(undefined, '10.0.0.1')
  })

  it('counts the app over all routes, a controller over its own, and a route by itself', () => {
    const admissions = new Admissions({ total: 5, perRoute: 3 })
    const one = admissions.of('Prices.one', Prices, { total: 4 }) as Admission
    const two = admissions.of('Prices.two', Prices, { total: 4 }, { total: 2 }) as Admission
    const far = admissions.of('Orders.watch', Orders) as Admission
    const fill = (admission: Admission): number => {
      for (let count = 0; ; count++) {
        try {
          admission.admit(undefined, '10.0.0.1')
        } catch {
          return count
        }
      }
    }

    expect(fill(two), 'the route itself').to.equal(2)
    expect(fill(one), 'the controller').to.equal(2)
    expect(fill(far), 'the app').to.equal(1)
    expect(fill(new Admissions({ perRoute: 3 }).of('Prices.one', Prices) as Admission), 'each route').to.equal(3)
  })

  it('says when to come back, in whole seconds', () => {
    const told = (retryAfter?: number): unknown => {
      const admission = way({ total: 1, ...(retryAfter && { retryAfter }) })
      admission.admit(undefined, '10.0.0.1')
      return refusal(admission).headers['retry-after']
    }

    expect([told(), told(1), told(1_000), told(61_500)]).to.deep.equal(['5', '1', '1', '62'])
  })

  it('is not there where nothing limits the streams', () => {
    expect(new Admissions().of('Prices.watch', Prices)).to.equal(undefined)
    expect(new Admissions({ retryAfter: 1_000 }).of('Prices.watch', Prices, {}, {})).to.equal(undefined)
  })

  it('remembers nobody who has left', () => {
    const admission = way({ perPrincipal: 1, perAddress: 1 })
    for (let n = 0; n < 10; n++) {
      admission.admit('ann', '10.0.0.1').release()
      admission.admit('ann', `10.0.0.${n}`).release()
    }
  })

  for (const [options, message] of [
    [{ total: 0 }, 'createApp(), option admission: total is a whole number from 1, not 0'],
    [{ perRoute: 1.5 }, 'createApp(), option admission: perRoute is a whole number from 1, not 1.5'],
    [{ perAddress: '5' }, 'createApp(), option admission: perAddress is a whole number from 1, not 5'],
    [
      { perIp: 5 },
      'createApp(), option admission: knows no perIp, but perPrincipal, perAddress, total, perRoute, retryAfter',
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(options)} at boot`, () => {
      expect(() => new Admissions(options as AppAdmissionOptions)).to.throw(DefinitionError, message)
    })
  }

  it('refuses a limit of a route or controller at boot, by its place', () => {
    const admissions = new Admissions()

    expect(() => admissions.of('Prices.watch', Prices, { total: -1 })).to.throw(
      'Prices.watch, option admission: total is a whole number from 1, not -1',
    )
    expect(() => admissions.of('Orders.watch', Orders, {}, { perRoute: 1 } as object)).to.throw(
      'Orders.watch, option admission: knows no perRoute, but perPrincipal, perAddress, total',
    )
  })
})
