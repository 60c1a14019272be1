import { expect } from 'chai'
import { Channel, type ObservableLike, OverflowError } from 'okapi/sse'
import { concat, from, of, range, Subject, throwError } from 'rxjs'
import { fromObservable, observableOf } from '../../src/sse/observable.js'

/** The Observable in the value, which must be one. */
function inside(value: object): ObservableLike {
  const observable = observableOf(value)
  if (observable === undefined) throw new Error('No Observable')
  return observable
}

/** All values, and what comes last: the end, or the error. */
async function read(source: AsyncIterator<unknown>): Promise<unknown[]> {
  const values: unknown[] = []
  try {
    for (;;) {
      const { done, value } = await source.next()
      if (done) return [...values, 'end']
      values.push(value)
    }
  } catch (error) {
    return [...values, error]
  }
}

describe('observableOf', () => {
  const observable: ObservableLike = { subscribe: () => ({ unsubscribe() {} }) }

  it('finds the Observable of rxjs', () => {
    expect(inside(of(1)).subscribe).to.be.a('function')
    expect(inside(new Subject()).subscribe).to.be.a('function')
  })

  it('finds one by the string that stands in for the symbol', () => {
    expect(observableOf({ '@@observable': () => observable })).to.equal(observable)
  })

  it('asks the value for it as a method', () => {
    const self = {
      ...observable,
      '@@observable'() {
        return this
      },
    }

    expect(observableOf(self)).to.equal(self)
  })

  it('finds nothing in anything else', () => {
    for (const value of [{}, [], new Channel(), observable, { '@@observable': observable }]) {
      expect(observableOf(value)).to.equal(undefined)
    }
  })

  describe('With Symbol.observable, though a library defines it late', () => {
    const symbol = Symbol('observable')

    beforeEach(() => {
      Object.defineProperty(Symbol, 'observable', { value: symbol, configurable: true })
    })

    afterEach(() => {
      Reflect.deleteProperty(Symbol, 'observable')
    })

    it('finds an Observable by the symbol', () => {
      expect(observableOf({ [symbol]: () => observable })).to.equal(observable)
    })

    it('still finds one by the string', () => {
      expect(observableOf({ '@@observable': () => observable })).to.equal(observable)
      expect(observableOf({})).to.equal(undefined)
    })
  })
})

describe('fromObservable', () => {
  it('gives the values of an Observable, and ends with it', async () => {
    const source = fromObservable(inside(from(['a', 'b'])))

    expect(await read(source)).to.deep.equal(['a', 'b', 'end'])
  })

  it('gives the error of an Observable behind its values', async () => {
    const error = new Error('broken')
    const failing = concat(
      of(1),
      throwError(() => error),
    )

    expect(await read(fromObservable(inside(failing)))).to.deep.equal([1, error])
  })

  it('waits for an Observable that comes with nothing yet', async () => {
    const subject = new Subject<number>()
    const source = fromObservable(inside(subject))
    const next = source.next()

    subject.next(7)

    expect(await next).to.deep.equal({ done: false, value: 7 })
  })

  it('unsubscribes when its reader leaves', async () => {
    const subject = new Subject<number>()
    const source = fromObservable(inside(subject))
    expect(subject.observed).to.equal(true)

    await source.return?.()

    expect(subject.observed).to.equal(false)
  })

  it('unsubscribes from an Observable that was over before it had a subscription to give', () => {
    let unsubscribed = 0
    const instant: ObservableLike = {
      subscribe(observer) {
        observer.complete()
        return { unsubscribe: () => unsubscribed++ }
      },
    }

    fromObservable(instant)

    expect(unsubscribed).to.equal(1)
  })

  it('ends with an OverflowError behind 1024 values that nobody has read, and unsubscribes', async () => {
    const subject = new Subject<number>()
    const source = fromObservable(inside(subject))

    for (let n = 0; n < 1_024; n++) subject.next(n)
    expect(subject.observed).to.equal(true)
    subject.next(1_024)

    expect(subject.observed).to.equal(false)
    const values = await read(source)
    const error = values.pop()
    expect(values).to.have.length(1_024)
    expect(error).to.be.instanceOf(OverflowError)
    expect((error as OverflowError).message).to.equal(
      '1024 values of an Observable wait for a slow client: await each call, or send less',
    )
  })

  it('overflows once, though the Observable goes on', async () => {
    const values = await read(fromObservable(inside(range(0, 2_000))))

    expect(values).to.have.length(1_025)
    expect(values[1_024]).to.be.instanceOf(OverflowError)
  })

  it('takes any number of values as long as they are read', async () => {
    const subject = new Subject<number>()
    const source = fromObservable(inside(subject))

    for (let n = 0; n < 3_000; n++) {
      subject.next(n)
      expect((await source.next()).value).to.equal(n)
    }
  })
})
