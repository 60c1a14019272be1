import { expect } from 'chai'
import { InvalidRequestError } from 'okapi'
import { checkList, type ItemCheck, scalarItems } from '../../src/validation/list.js'

describe('checkList', () => {
  const check = (value: unknown, type: unknown, isText = false): unknown =>
    checkList('body', scalarItems('body', type) as ItemCheck, value, 'ids', isText)

  it('makes each item', () => {
    expect(check(['1', 2], Number)).to.deep.equal([1, 2])
    expect(check([], Number)).to.deep.equal([])
  })

  it('takes a text for an array of one, where all is text', () => {
    expect(check('1', Number, true)).to.deep.equal([1])
    expect(() => check('1', Number)).to.throw(InvalidRequestError)
  })

  it('tells what is wrong with which item', async () => {
    const { issues } = await refused(check(['1', 'x', null], Number))

    expect(issues).to.deep.equal([
      {
        in: 'body',
        property: 'ids.1',
        constraint: 'number',
        detail: 'The property "ids.1" of the body is not a number',
      },
      {
        in: 'body',
        property: 'ids.2',
        constraint: 'number',
        detail: 'The property "ids.2" of the body is not a number',
      },
    ])
  })

  it('gives up on items after twenty issues', async () => {
    const { issues } = await refused(check(Array(100_000).fill('x'), Number))

    expect(issues).to.have.length(20)
  })

  it('refuses what is no array', () => {
    expect(() => check({}, Number))
      .to.throw(InvalidRequestError)
      .with.nested.property('issues[0].detail')
      .that.contains('is not an array')
    expect(() => check(undefined, Number))
      .to.throw(InvalidRequestError)
      .with.nested.property('issues[0].detail')
      .that.contains('is missing')
  })

  it('passes on errors that are nobody’s fault', async () => {
    const failing = { take: () => Symbol.for('never'), judge: () => Promise.reject(new Error('broken')) }
    const { unsure } = await import('../../src/validation/plain.js')
    const list = checkList('body', { ...failing, take: () => unsure }, [1], '', false) as Promise<unknown>

    expect(await list.catch((error: Error) => error.message)).to.equal('broken')
  })
})

describe('scalarItems', () => {
  it('knows the types that text is converted to, and no other', () => {
    for (const type of [String, Number, Boolean, BigInt, Date]) expect(scalarItems('body', type)).to.be.an('object')
    for (const type of [Object, Array, Map, undefined]) expect(scalarItems('body', type)).to.equal(undefined)
  })
})

async function refused(list: unknown): Promise<InvalidRequestError> {
  return (await (list as Promise<unknown>).catch((error: unknown) => error)) as InvalidRequestError
}
