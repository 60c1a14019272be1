import { expect } from 'chai'
import { Roster } from '../../src/sse/roster.js'

describe('Roster', () => {
  const KEY = Symbol('key')
  const [ann, bob, cyd, dan] = ['ann', 'bob', 'cyd', 'dan'].map(name => ({ name })) as [Named, Named, Named, Named]
  let roster: Roster<Named>

  interface Named {
    readonly name: string
  }

  beforeEach(() => {
    roster = new Roster(KEY)
    for (const member of [ann, bob, cyd]) roster.add(member)
  })

  const names = (): string[] => Array.from(roster, ({ name }) => name)

  it('has those that came, in their order, each once', () => {
    roster.add(bob)

    expect(names()).to.deep.equal(['ann', 'bob', 'cyd'])
    expect(roster.size).to.equal(3)
    expect([roster.has(bob), roster.has(dan)]).to.deep.equal([true, false])
    expect([roster.at(1), roster.at(3)]).to.deep.equal([bob, undefined])
  })

  it('gives the place of one that leaves to the last', () => {
    expect(roster.delete(ann)).to.equal(true)

    expect(names()).to.deep.equal(['cyd', 'bob'])
    expect(roster.delete(cyd)).to.equal(true)
    expect(names()).to.deep.equal(['bob'])
    expect(roster.has(ann)).to.equal(false)
  })

  it('says that it does not have one that has left, or never came', () => {
    roster.delete(cyd)

    expect([roster.delete(cyd), roster.delete(dan)]).to.deep.equal([false, false])
    expect(names()).to.deep.equal(['ann', 'bob'])
  })

  it('takes one in again', () => {
    roster.delete(ann)
    roster.add(ann)

    expect(names()).to.deep.equal(['cyd', 'bob', 'ann'])
  })

  it('does not take a member of another roster with the same key for its own', () => {
    const other = new Roster<Named>(KEY)
    other.add(dan)

    expect([roster.has(dan), roster.delete(dan)]).to.deep.equal([false, false])
    expect([...other]).to.deep.equal([dan])
  })

  it('leaves its members their places in a roster with another key', () => {
    const other = new Roster<Named>(Symbol('other'))
    for (const member of [cyd, ann]) other.add(member)

    expect([roster, other].map(one => [one.has(ann), one.has(cyd)])).to.deep.equal(Array(2).fill([true, true]))
    expect(other.delete(ann)).to.equal(true)
    expect(roster.delete(ann)).to.equal(true)
    expect(names()).to.deep.equal(['cyd', 'bob'])
  })

  it('is walked as it was, whoever leaves meanwhile', () => {
    const walked: string[] = []

    for (const member of roster) {
      walked.push(member.name)
      roster.delete(member)
    }

    expect(walked).to.deep.equal(['ann', 'bob', 'cyd'])
    expect(roster.size).to.equal(0)
  })

  for (const leaver of [ann, bob, cyd]) {
    it(`is walked by its places downward past ${leaver.name}, who leaves, without missing anybody`, () => {
      const walked = new Set<string>()

      for (let place = roster.size; place > 0; ) {
        const member = roster.at(--place)
        if (member) walked.add(member.name)
        if (member === bob) roster.delete(leaver)
      }

      const staying = ['ann', 'bob', 'cyd'].filter(name => name !== leaver.name)
      expect([...walked]).to.include.members(staying)
    })
  }

  it('keeps nothing of who has left', async () => {
    const gone = new WeakRef({ name: 'gone' })
    const add = (): void => roster.add(gone.deref() as Named)
    const leave = (): boolean => roster.delete(gone.deref() as Named)
    add()
    leave()

    await new Promise(resolve => setImmediate(resolve))
    globalThis.gc?.()

    expect(gone.deref()).to.equal(undefined)
  })
})
