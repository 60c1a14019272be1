import { expect } from 'chai'
import { tellInSlices } from '../../src/sse/slices.js'
import { turns } from '../support/until.js'

/** The numbers below `count`. */
const numbers = (count: number): number[] => [...Array(count).keys()]

describe('Members that are told in slices', () => {
  let told: number[]
  const tell = (member: number): boolean => told.push(member) > 0

  beforeEach(() => {
    told = []
  })

  it('are told at once where they are few', () => {
    tellInSlices(numbers(499).values(), tell)

    expect(told).to.deep.equal(numbers(499))
  })

  it('are told over several turns of the event loop where they are many, in order and each of them once', async () => {
    const members = numbers(1_200)
    const counts: number[] = []

    tellInSlices(members.values(), tell)
    for (let turn = 0; turn < 4; turn++) {
      counts.push(told.length)
      await turns(1)
    }

    expect(counts).to.deep.equal([500, 1_000, 1_200, 1_200])
    expect(told).to.deep.equal(members)
  })

  it('take no turn where they are passed over', () => {
    tellInSlices(numbers(100_000).values(), member => member > 99_990 && tell(member))

    expect(told).to.deep.equal(numbers(100_000).slice(99_991))
  })

  it('may leave and come while they are told', async () => {
    const members = new Set(numbers(600))

    tellInSlices(members.values(), member => {
      if (member === 0) members.delete(1)
      return tell(member)
    })
    members.delete(599)
    members.add(600)
    await turns(2)

    expect(told).to.deep.equal([0, ...numbers(601).slice(2, 599), 600])
  })
})
