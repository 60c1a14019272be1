import { mock } from 'node:test'
import { expect } from 'chai'
import { Pulse, Pulses } from '../../src/sse/pulse.js'

interface Member {
  readonly name: string
}

describe('Pulse', () => {
  const [ann, bob] = [{ name: 'ann' }, { name: 'bob' }]
  let silent: string[]
  let spoken: Set<Member>
  let pulse: Pulse<Member>

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval'] })
    silent = []
    spoken = new Set()
    pulse = new Pulse<Member>(
      800,
      ({ name }) => silent.push(name),
      member => spoken.delete(member),
    )
  })

  afterEach(() => mock.reset())

  it('tells of a member that was silent for the duration, at most an eighth late', () => {
    pulse.join(ann)

    mock.timers.tick(800)
    expect(silent).to.deep.equal([])

    mock.timers.tick(100)
    expect(silent).to.deep.equal(['ann'])
  })

  it('tells again after each further duration', () => {
    pulse.join(ann)
    mock.timers.tick(900)

    mock.timers.tick(700)
    expect(silent).to.deep.equal(['ann'])
    mock.timers.tick(100)
    expect(silent).to.deep.equal(['ann', 'ann'])
    mock.timers.tick(1_600)
    expect(silent).to.have.length(4)
  })

  it('counts from when it has spoken last', () => {
    pulse.join(ann)
    mock.timers.tick(700)
    spoken.add(ann)

    mock.timers.tick(800)
    expect(silent).to.deep.equal([])

    mock.timers.tick(100)
    expect(silent).to.deep.equal(['ann'])
  })

  it('counts for each member by itself', () => {
    pulse.join(ann)
    mock.timers.tick(400)
    pulse.join(bob)

    mock.timers.tick(500)
    expect(silent).to.deep.equal(['ann'])
    mock.timers.tick(400)
    expect(silent).to.deep.equal(['ann', 'bob'])
  })

  it('forgets a member', () => {
    const place = pulse.join(ann)
    pulse.join(bob)
    expect(pulse.size).to.equal(2)

    place.leave()

    expect(pulse.size).to.equal(1)
    mock.timers.tick(900)
    expect(silent).to.deep.equal(['bob'])
  })

  it('does not mind a member that leaves twice', () => {
    const place = pulse.join(bob)
    pulse.join(ann)

    place.leave()
    place.leave()

    mock.timers.tick(900)
    expect(silent).to.deep.equal(['ann'])
  })

  it('has a timer only while it has members', () => {
    const set = mock.method(globalThis, 'setInterval')
    const clear = mock.method(globalThis, 'clearInterval')
    const counts = () => [set.mock.callCount(), clear.mock.callCount()]

    const places = [ann, bob].map(member => pulse.join(member))
    expect(counts()).to.deep.equal([1, 0])

    places[0]?.leave()
    expect(counts()).to.deep.equal([1, 0])
    places[1]?.leave()
    expect(counts()).to.deep.equal([1, 1])

    pulse.join(ann)
    expect(counts()).to.deep.equal([2, 1])
    mock.timers.tick(900)
    expect(silent).to.deep.equal(['ann'])
  })

  it('lets members leave while one is told, and does not tell them', () => {
    const leaving = new Pulse<Member>(800, member => {
      silent.push(member.name)
      for (const place of places) place.leave()
    })
    const places = [ann, bob].map(member => leaving.join(member))

    mock.timers.tick(2_000)

    expect(silent).to.deep.equal(['ann'])
    expect(leaving.size).to.equal(0)
  })

  it('tells many members over several turns of the event loop, each of them once', async () => {
    const names = Array.from({ length: 1_200 }, (_, n) => `${n}`)
    for (const name of names) pulse.join({ name })

    mock.timers.tick(900)
    const early = silent.length
    for (let n = 0; n < 5; n++) await new Promise(resolve => setImmediate(resolve))

    expect(early).to.be.within(1, 1_199)
    expect(silent).to.deep.equal(names)
  })

  it('beats no faster than once a millisecond', () => {
    const quick = new Pulse<Member>(1, ({ name }) => silent.push(name))
    quick.join(ann)

    mock.timers.tick(8)
    expect(silent).to.deep.equal([])
    mock.timers.tick(1)
    expect(silent).to.deep.equal(['ann'])
  })
})

describe('Pulses', () => {
  it('are one for each duration, which share what they do', () => {
    const pulses = new Pulses<Member>(() => {})

    expect(pulses.of(100)).to.equal(pulses.of(100)).and.not.equal(pulses.of(200))
  })

  it('tell of a silent member', () => {
    mock.timers.enable({ apis: ['setInterval'] })
    const silent: Member[] = []
    const pulses = new Pulses<Member>(member => silent.push(member))
    const ann = { name: 'ann' }

    pulses.of(80).join(ann)
    mock.timers.tick(90)
    mock.timers.reset()

    expect(silent).to.deep.equal([ann])
  })
})
