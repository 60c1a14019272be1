import { mock } from 'node:test'
import { expect } from 'chai'
import { Deadlines } from '../../src/sse/deadline.js'
import { turns } from '../support/until.js'

interface Member {
  readonly name: string
}

describe('Deadlines', () => {
  const start = 1_000_000
  const [ann, bob] = [{ name: 'ann' }, { name: 'bob' }]
  let told: string[]
  let deadlines: Deadlines<Member>

  const beats = (count: number): void => {
    for (let beat = 0; beat < count; beat++) mock.timers.tick(100)
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval', 'Date'], now: start })
    told = []
    deadlines = new Deadlines<Member>(({ name }) => told.push(name))
  })

  afterEach(() => mock.reset())

  it('tell a member that its time is up, never early and at most a tenth of a second late', () => {
    deadlines.add(ann, start + 250)

    mock.timers.tick(200)
    expect(told).to.deep.equal([])

    mock.timers.tick(100)
    expect(told).to.deep.equal(['ann'])
  })

  it('tell each member once', () => {
    deadlines.add(ann, start + 100)

    mock.timers.tick(1_000)

    expect(told).to.deep.equal(['ann'])
  })

  it('tell members in the order of their times, whatever that of their coming', () => {
    deadlines.add(bob, start + 500)
    deadlines.add(ann, start + 100)

    beats(6)

    expect(told).to.deep.equal(['ann', 'bob'])
  })

  it('tell at the next beat whose time is up already', () => {
    deadlines.add(ann, start - 5_000)

    mock.timers.tick(100)

    expect(told).to.deep.equal(['ann'])
  })

  it('tell nobody who was forgotten', () => {
    const beat = deadlines.add(ann, start + 100)
    deadlines.add(bob, start + 100)

    deadlines.forget(ann, beat)
    mock.timers.tick(200)

    expect(told).to.deep.equal(['bob'])
  })

  it('forget a member that was told without harm', () => {
    const beat = deadlines.add(ann, start + 100)
    mock.timers.tick(100)

    deadlines.forget(ann, beat)

    expect(told).to.deep.equal(['ann'])
  })

  it('share one timer, which runs only while somebody waits', () => {
    const set = mock.method(globalThis, 'setInterval')
    const cleared = mock.method(globalThis, 'clearInterval')

    const beat = deadlines.add(ann, start + 100)
    deadlines.add(bob, start + 5_000)
    expect(set.mock.callCount()).to.equal(1)

    deadlines.forget(ann, beat)
    expect(cleared.mock.callCount()).to.equal(0)
    beats(50)
    expect(told).to.deep.equal(['bob'])
    expect(cleared.mock.callCount()).to.equal(1)

    deadlines.add(ann, start + 6_000)
    expect(set.mock.callCount()).to.equal(2)
    beats(10)
    expect(told).to.deep.equal(['bob', 'ann'])
  })

  it('rest as soon as the last of them is forgotten, however far its time', () => {
    const cleared = mock.method(globalThis, 'clearInterval')
    const [first, last] = [deadlines.add(ann, start + 86_400_000), deadlines.add(bob, start + 86_400_000)]

    deadlines.forget(ann, first)
    expect(cleared.mock.callCount()).to.equal(0)

    deadlines.forget(bob, last)
    expect(cleared.mock.callCount()).to.equal(1)
  })

  it('tell everybody after the machine has slept', () => {
    deadlines.add(ann, start + 300)
    deadlines.add(bob, start + 7_200_000)

    mock.timers.setTime(start + 3_600_000)
    beats(1)
    expect(told).to.deep.equal(['ann'])

    mock.timers.tick(3_600_000)
    expect(told).to.deep.equal(['ann', 'bob'])
  })

  it('tell everybody whose time has come meanwhile when a beat is late', () => {
    const cyd = { name: 'cyd' }
    for (const [n, member] of [ann, bob, cyd].entries()) deadlines.add(member, start + 200 + 100 * n)

    mock.timers.setTime(start + 200)
    beats(1)
    expect(told).to.deep.equal(['ann', 'bob'])

    beats(1)
    expect(told).to.deep.equal(['ann', 'bob', 'cyd'])
  })

  it('tell with the beat that ends a sleep whose time comes just then', () => {
    deadlines.add(ann, start + 3_600_100)

    mock.timers.setTime(start + 3_600_000)
    beats(1)

    expect(told).to.deep.equal(['ann'])
  })

  it('tell in slices, so that others get their turn', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => ({ name: `${index}` }))
    for (const member of many) deadlines.add(member, start + 100)

    mock.timers.tick(100)
    expect(told).to.have.length(500)

    await turns(3)
    expect(told).to.deep.equal(many.map(({ name }) => name))
  })
})
