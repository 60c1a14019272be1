import { expect } from 'chai'
import { InvalidRequestError } from 'okapi'
import { checkList, type ItemCheck, scalarItems } from '../../src/validation/list.js'
import { DEEPEST, unsure } from '../../src/validation/plain.js'

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

  it('refuses items that have too many properties together, before it looks into any', async () => {
    const wide = (properties: number): object =>
      Object.fromEntries(Array.from({ length: properties }, (_, n) => [`k${n}`, n]))
    const items: ItemCheck = { take: value => (value === 1 ? 1 : unsure), judge: value => value }
    const list = (value: unknown): unknown => checkList('body', items, value, 'ids', false)

    expect(await list([1, wide(7_000), wide(7_000)])).to.have.length(3)
    const { issues } = await refused(list([1, wide(7_100), wide(7_100)]))

    expect(issues).to.deep.equal([
      {
        in: 'body',
        property: 'ids',
        constraint: 'properties',
        detail: 'The property "ids" of the body has too many properties',
      },
    ])
  })

  it('lets each item be as deep as one that stands alone', async () => {
    const items: ItemCheck = { take: () => unsure, judge: value => value }
    let deepest: unknown = 1
    for (let n = 0; n < DEEPEST; n++) deepest = [deepest]

    expect(await checkList('body', items, [deepest], 'ids', false)).to.deep.equal([deepest])
    const { issues } = await refused(checkList('body', items, [[deepest]], 'ids', false))

    expect(issues).to.have.nested.property('[0].constraint', 'depth')
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
