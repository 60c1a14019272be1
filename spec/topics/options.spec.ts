import { expect } from 'chai'
import { resolveSubscribeOptions } from '../../src/topics/options.js'

const list = (): unknown[] => []

/** What is said of every option by who gives none. */
const none: object = {
  from: undefined,
  onGap: undefined,
  snapshot: undefined,
  onLag: undefined,
  key: undefined,
  filter: undefined,
  lastEventId: undefined,
  signal: undefined,
  decode: undefined,
}

describe('The options of a subscription', () => {
  it('have defaults', () => {
    const defaults = { ...none, from: 'now', onGap: 'earliest', onLag: 'gap' }

    expect(resolveSubscribeOptions({})).to.deep.equal(defaults)
    expect(resolveSubscribeOptions({ ...none })).to.deep.equal(defaults)
  })

  it('begin with the snapshot where there is one, and go on with it behind a gap', () => {
    const { from, onGap } = resolveSubscribeOptions({ snapshot: list })
    expect({ from, onGap }).to.deep.equal({ from: 'snapshot', onGap: 'snapshot' })

    const chosen = resolveSubscribeOptions({ snapshot: list, from: 'start', onGap: 'latest' })
    expect({ from: chosen.from, onGap: chosen.onGap }).to.deep.equal({ from: 'start', onGap: 'latest' })
  })

  it('take what makes sense as it is', () => {
    const options = {
      from: 10,
      onGap: 'refuse',
      onLag: 'conflate',
      key: list,
      filter: () => true,
      decode: list,
    } as const
    const more = { lastEventId: 'a.1', signal: new AbortController().signal }

    expect(resolveSubscribeOptions({ ...options, ...more })).to.deep.equal({ ...none, ...options, ...more })
    for (const from of ['now', 'start', 0, 1] as const) expect(resolveSubscribeOptions({ from }).from).to.equal(from)
    for (const onGap of ['earliest', 'latest'] as const)
      expect(resolveSubscribeOptions({ onGap }).onGap).to.equal(onGap)
    for (const onLag of ['disconnect', 'block'] as const)
      expect(resolveSubscribeOptions({ onLag }).onLag).to.equal(onLag)
  })

  for (const [options, message] of [
    [{ from: -1 }, "subscribe(): from is 'now', 'start', 'snapshot' or a number of events, not -1"],
    [{ from: 1.5 }, "subscribe(): from is 'now', 'start', 'snapshot' or a number of events, not 1.5"],
    [{ from: Number.NaN }, "subscribe(): from is 'now', 'start', 'snapshot' or a number of events, not NaN"],
    [{ from: 'end' }, "subscribe(): from is 'now', 'start', 'snapshot' or a number of events, not end"],
    [{ onGap: 'skip' }, 'subscribe(): onGap is one of earliest, latest, snapshot, refuse, not skip'],
    [{ onLag: 'drop' }, 'subscribe(): onLag is one of gap, disconnect, block, conflate, not drop'],
    [{ from: 'snapshot' }, "subscribe(): 'snapshot' needs the option snapshot, a function that gives one"],
    [{ onGap: 'snapshot' }, "subscribe(): 'snapshot' needs the option snapshot, a function that gives one"],
    [{ onLag: 'conflate' }, "subscribe(): onLag 'conflate' and key belong together"],
    [{ key: list }, "subscribe(): onLag 'conflate' and key belong together"],
    [{ filter: 'a' }, 'subscribe(): filter is a function'],
    [{ key: 1, onLag: 'conflate' }, 'subscribe(): key is a function'],
    [{ snapshot: [] }, 'subscribe(): snapshot is a function'],
    [{ decode: {} }, 'subscribe(): decode is a function'],
    [{ form: 'start' }, 'subscribe(): there is no form: is it from?'],
    [{ lastEventId: 5 }, 'subscribe(): lastEventId is a string, not number'],
  ] as const) {
    it(`refuse ${Object.keys(options)}: ${message}`, () => {
      expect(() => resolveSubscribeOptions(options as object)).to.throw(TypeError, message)
    })
  }
})
