import { expect } from 'chai'
import { JsonSerializer, type Serializer, type StreamOptions, TextSerializer } from 'okapi/sse'
import { resolveOptions } from '../../src/sse/options.js'
import { defaultSerializer } from '../../src/sse/serializer.js'

describe('resolveOptions', () => {
  it('fills in what nobody chose', () => {
    expect(resolveOptions('GET')).to.deep.equal({
      serializer: defaultSerializer,
      pingInterval: 15_000,
      onError: undefined,
      retry: undefined,
      end: 'event',
      compress: false,
      ids: false,
      headDelay: 100,
      highWaterMark: 50_000,
      stallTimeout: 60_000,
      maxDuration: 0,
      orphanTimeout: 5_000,
    })
  })

  it('says goodbye only to the clients of GET, which are the ones that come back', () => {
    for (const method of ['POST', 'PUT', 'HEAD']) expect(resolveOptions(method).end).to.equal(false)

    expect(resolveOptions('POST', { end: 'id' }).end).to.equal('id')
    expect(resolveOptions('GET', { end: false }).end).to.equal(false)
  })

  it('takes each option from the nearest layer that has it', () => {
    const [route, controller, app] = [new JsonSerializer(), new TextSerializer(), new TextSerializer()]

    const options = resolveOptions(
      'GET',
      { serializer: route, retry: 1 },
      undefined,
      { serializer: controller, pingInterval: 2, retry: 2 },
      { serializer: app, pingInterval: 3, headDelay: 3 },
    )

    expect(options).to.include({ serializer: route, retry: 1, pingInterval: 2, headDelay: 3 })
  })

  it('lets an option that is undefined be decided further off', () => {
    const unset = { pingInterval: undefined, onError: undefined } as unknown as StreamOptions
    const onError = () => 'skip' as const

    expect(resolveOptions('GET', unset, { pingInterval: 5, onError })).to.include({ pingInterval: 5, onError })
    expect(resolveOptions('GET', unset).pingInterval).to.equal(15_000)
  })

  it('leaves the layers as they were', () => {
    const [near, far] = [{ retry: 1 }, { retry: 2, headDelay: 0 }]

    resolveOptions('GET', near, far)

    expect([near, far]).to.deep.equal([{ retry: 1 }, { retry: 2, headDelay: 0 }])
  })

  it('takes 0 to turn a time off, and to come back at once', () => {
    const none = { pingInterval: 0, headDelay: 0, stallTimeout: 0, maxDuration: 0, orphanTimeout: 0, retry: 0 }

    expect(resolveOptions('GET', none)).to.include(none)
  })

  for (const name of ['pingInterval', 'headDelay', 'stallTimeout', 'maxDuration', 'orphanTimeout', 'retry'] as const) {
    it(`refuses a ${name} that is no whole number of milliseconds, by its name`, () => {
      for (const value of [-1, 0.5, Number.NaN, 2 ** 31, '5' as unknown as number]) {
        expect(() => resolveOptions('GET', { [name]: value })).to.throw(
          TypeError,
          `The stream option ${name} is a whole number from 0 to 2147483647, not ${value}`,
        )
      }
    })
  }

  it('takes codings that this Node.js has, and no others', () => {
    expect(resolveOptions('GET', { compress: ['br', 'gzip'] }).compress).to.deep.equal(['br', 'gzip'])
    expect(() => resolveOptions('GET', { compress: ['gzip', 'deflate'] } as unknown as StreamOptions)).to.throw(
      TypeError,
      /^The stream option compress names deflate; this Node\.js has br, gzip/,
    )
  })

  for (const [options, message] of [
    [{ compress: 'gzip' }, "The stream option compress is true, false or an array such as ['gzip'], not gzip"],
    [{ onError: 'log' }, 'The stream option onError is a function, not a string'],
    [{ end: true }, "The stream option end is 'event', 'id' or false, not true"],
    [{ ids: true }, "The stream option ids is 'uuid' or false, not true"],
    [{ pingIntervall: 5 }, 'The stream options know no pingIntervall: is it pingInterval?'],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => resolveOptions('GET', options as unknown as StreamOptions)).to.throw(TypeError, message)
    })
  }

  it('refuses a highWaterMark of nothing', () => {
    expect(() => resolveOptions('GET', { highWaterMark: 0 })).to.throw(
      TypeError,
      'The stream option highWaterMark is a whole number from 1 to 2147483647, not 0',
    )
    expect(resolveOptions('GET', { highWaterMark: 1 }).highWaterMark).to.equal(1)
  })

  it('refuses a serializer that cannot serialize', () => {
    for (const serializer of [{}, null, { serialize: 'json' }, JsonSerializer]) {
      expect(() => resolveOptions('GET', { serializer: serializer as unknown as Serializer })).to.throw(
        TypeError,
        'The stream option serializer is an object with a method serialize(data)',
      )
    }
  })
})
