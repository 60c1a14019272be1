import { mock } from 'node:test'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { GapError, HttpError, type SubscribeOptions, type Subscription, streamEvents } from 'okapi'
import { closeServers, listen } from '../support/listen.js'
import type { Fact } from '../support/model/history.js'
import type { Door, Plan } from '../support/model/visitor.js'
import { type Id, type Setting, type Step, TOPICS, World } from '../support/model/world.js'

const RUNS = process.env.CI ? 10_000 : 1_000
const SOCKET_RUNS = 200
/** The same everywhere in CI, where a change is judged; elsewhere, other ones each time are looked for. */
const seeded = process.env.CI ? { seed: 20_261_125 } : {}

type Given<Name extends keyof SubscribeOptions> = NonNullable<SubscribeOptions[Name]>

/** Left out, an option has its default. */
const options = fc.record(
  {
    from: fc.constantFrom<Given<'from'>>('now', 'start', 0, 1, 3),
    onGap: fc.constantFrom<Given<'onGap'>>('earliest', 'latest', 'refuse'),
    onLag: fc.constantFrom<Given<'onLag'>>('gap', 'gap', 'disconnect', 'block', 'conflate'),
  },
  { requiredKeys: [] },
)

function plan(ways: fc.Arbitrary<Plan['way']>): fc.Arbitrary<Plan> {
  return fc
    .record({
      names: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...TOPICS.map(name => [name])) },
        { weight: 1, arbitrary: fc.shuffledSubarray([...TOPICS], { minLength: 2 }) },
      ),
      way: ways,
      options,
      hides: fc.constantFrom(0, 0, 0, 2, 3),
      snapshots: fc.constantFrom<Plan['snapshots']>(undefined, undefined, undefined, 'value', 'promise', 'list'),
    })
    .map(drawn => {
      const all: SubscribeOptions<Fact> = { ...drawn.options }
      if (all.onLag === 'conflate') all.key = ({ data }) => data.key
      if (drawn.hides > 0) all.filter = ({ data }) => data.n % drawn.hides !== 0
      return { ...drawn, options: all }
    })
}

function setting(ways: Plan['way'][]): fc.Arbitrary<Setting> {
  return fc.record({
    journal: fc.constantFrom<Setting['journal']>('memory', 'lasting', 'asynchronous', 'asynchronous'),
    retention: fc.record({
      count: fc.constantFrom(1, 2, 3, 5, 10, 1_000),
      bytes: fc.constantFrom(50, 200, 100_000, 1e9),
      age: fc.constantFrom(5_000, 1e9),
    }),
    plans: fc.array(plan(fc.constantFrom(...ways)), { minLength: 1, maxLength: 4 }),
  })
}

const id: fc.Arbitrary<Id> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant('its own' as const) }) },
  fc.record({ is: fc.constantFrom('none' as const, 'empty' as const) }),
  fc.record({ is: fc.constant('moved' as const), by: fc.integer({ min: -12, max: 6 }) }),
  fc.record({
    is: fc.constant('text' as const),
    text: fc.constantFrom(
      ...['nonsense', 'foreign.3', 'foreign.0', 'foreign.3,other.2', 'a', '.', '1.', '.1', 'a.01', 'a.-1', 'a.1e3'],
      ...['x.99999999999999999', 'é.1', 'a.1,', ',', `${'a'.repeat(17)}.1`, `${'a.1,'.repeat(300)}a.1`],
    ),
  }),
)

const client = fc.nat({ max: 3 })
const topic = fc.constantFrom(0, 0, 1, 2)

const does = <Name extends Step['does']>(...names: Name[]): fc.Arbitrary<Name> => fc.constantFrom(...names)
const often = (weight: number, arbitrary: fc.Arbitrary<Step>): fc.WeightedArbitrary<Step> => ({ weight, arbitrary })

function steps(lengths: number[]): fc.Arbitrary<Step[]> {
  const counts = fc.constantFrom(1, 1, 1, 2, 5, 20, 150)
  const texts = fc.constantFrom(0, 0, 0, 0, 0, 0, ...lengths)
  const kinds = fc.constantFrom('promise' as const, 'tick' as const, 'immediate' as const, 'immediate' as const)
  const step = fc.oneof(
    often(6, fc.record({ does: does('publish'), topic, count: counts, length: texts })),
    often(6, fc.record({ does: does('turn'), kind: kinds })),
    often(6, fc.record({ does: does('journal'), which: fc.nat({ max: 9 }), times: fc.integer({ min: 1, max: 6 }) })),
    often(4, fc.record({ does: does('pause', 'pause', 'resume', 'ping'), client })),
    often(2, fc.record({ does: does('cut'), client, part: fc.constantFrom(0, 0.3, 0.7, 1) })),
    often(4, fc.record({ does: does('connect'), client, id })),
    often(1, fc.record({ does: does('wait'), milliseconds: fc.constantFrom(700, 3_000, 11_000) })),
    often(1, fc.record({ does: does('spoil') })),
    often(1, fc.record({ does: does('close'), topic })),
    often(1, fc.record({ does: does('restart'), crash: fc.boolean() })),
  )
  return fc.array(step, { maxLength: 40, size: 'max' })
}

/** A client comes back while a topic closes, and its request arrives when the log is gone: another one begins. */
const returnsWhileItCloses: [Setting, Step[]] = [
  {
    journal: 'memory',
    retention: { count: 1, bytes: 50, age: 5_000 },
    plans: [
      { names: ['a'], way: 'socket', options: {}, hides: 0 },
      { names: ['a', 'c'], way: 'socket', options: {}, hides: 0 },
    ],
  },
  [
    { does: 'publish', topic: 0, count: 1, length: 0 },
    { does: 'cut', client: 0, part: 0 },
    { does: 'close', topic: 0 },
  ],
]

describe('What a client saw, and what it was told it lost, is the log', function () {
  this.timeout(300_000)

  describe('whatever happens, and in whichever order', () => {
    const { now } = performance
    let looks = 0

    before(() => {
      mock.timers.enable({ apis: ['setInterval', 'setTimeout', 'Date'], now: Date.now() })
      // Each look at the clock takes time, so that rounds and turns come to their end in the midst of things.
      performance.now = () => Date.now() + looks++ / 2
    })

    after(() => {
      mock.timers.reset()
      performance.now = now
    })

    it(`${RUNS} times`, () => {
      const surroundings = {
        pass: (milliseconds: number) => mock.timers.tick(milliseconds),
        turn: () => turn(),
        rest: 10,
      }
      const property = fc.asyncProperty(
        setting(['relay', 'relay', 'pull', 'loop']),
        steps([10, 20_000]),
        (setting, steps) => new World(setting, surroundings).play(steps),
      )
      return fc.assert(property, { numRuns: RUNS, ...seeded })
    })
  })

  describe('over sockets', () => {
    const gives = new Map<string, () => Subscription<Fact>>()
    let visits = 0
    let port = 0

    const door: Door = {
      open: give => {
        const path = `/${++visits}`
        gives.set(path, give)
        return `http://127.0.0.1:${port}${path}`
      },
    }

    before(async () => {
      port = await listen((request, response) => {
        // Too late, when its world is gone.
        const give = gives.get(request.url as string)
        if (give === undefined) {
          request.destroy()
          return
        }
        const stream = async (): Promise<void> => streamEvents(request, response, give())
        stream().catch(error => {
          response.writeHead(error instanceof HttpError ? error.statusCode : 500)
          response.end(error instanceof GapError ? JSON.stringify(error.gap) : String(error))
        })
      })
    })
    after(closeServers)

    it(`${SOCKET_RUNS} times`, () => {
      const surroundings = { pass: () => {}, turn: () => wait(1), rest: 4, door }
      const property = fc.asyncProperty(setting(['socket']), steps([10, 300_000]), (setting, steps) => {
        gives.clear()
        return new World(setting, surroundings).play(steps)
      })
      return fc.assert(property, { numRuns: SOCKET_RUNS, examples: [returnsWhileItCloses], ...seeded })
    })
  })
})
