import { expect } from 'chai'
import {
  Controller,
  type ControllerClass,
  event,
  LagError,
  Signal,
  SSE,
  type SubscribeOptions,
  TopicClosedError,
  TopicLimitError,
  Topics,
  type TopicsOptions,
} from 'okapi'
import { GAP_REASONS } from '../../src/topics/gap.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'
import { turns, until } from '../support/until.js'

type Loaded = Record<string, ControllerClass>

interface LedgerLike {
  readonly total: number
  readonly lost: number
  readonly position: string | undefined
  follow(topics: Topics, signal: AbortSignal): Promise<void>
}

/** What a promise gives, or what it rejects with. */
function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(error => error)
}

describe('docs/topics.md', () => {
  const { find, load } = examplesOf('docs/topics.md')

  const opened: Topics[] = []

  afterEach(async () => {
    await closeAll()
    await Promise.all(opened.splice(0).map(topics => topics.close()))
  })

  function make(options?: TopicsOptions): Topics {
    const topics = new Topics(options)
    opened.push(topics)
    return topics
  }

  async function start(
    name: string,
    exported: string,
    options?: TopicsOptions,
  ): Promise<{ url: string; topics: Topics }> {
    const loaded = await load<Loaded>(name)
    const topics = make(options)
    const { url } = await serve([loaded[exported] as ControllerClass], { topics })
    return { url, topics }
  }

  /** What has come, with the name of the log in place of its epoch. */
  async function told(stream: Subscription, events: number, epoch: string): Promise<string> {
    await stream.take(events)
    stream.leave()
    return stream.text().replaceAll(epoch, 'EPOCH')
  }

  it('prices: tells a newcomer where it is, and what is published', async () => {
    const { url } = await start('prices', 'Prices')
    const stream = await subscribe(`${url}/prices/OKP`)
    const put = async (price: number): Promise<string> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ price }) }
      const answer = (await (await fetch(`${url}/prices/OKP`, init)).json()) as { id?: string; status?: number }
      return answer.id ?? `${answer.status}`
    }

    const id = await put(12.5)

    expect(await told(stream, 1, id.split('.')[0] as string)).to.equal(find('prices', 'answer').code)
    expect(await put(-1)).to.equal('400')

    const second = await put(13)
    const again = await subscribe(`${url}/prices/OKP`, { headers: { 'last-event-id': id } })
    expect(await again.take(1)).to.deep.equal([{ id: second, event: 'price', data: '{"price":13}' }])
    again.leave()
  })

  it('gap: tells a client that comes from another log', async () => {
    const { url, topics } = await start('prices', 'Prices')
    let id = ''
    for (const price of [1, 2, 3]) id = await topics.publish('prices/OKP', event('price', { price }))

    const stream = await subscribe(`${url}/prices/OKP`, { headers: { 'last-event-id': 'otherlife.7' } })

    expect(await told(stream, 1, id.split('.')[0] as string)).to.contain(find('gap', 'answer').code)
  })

  it('orders: refuses a client whose position is gone, and begins anew for one without', async () => {
    const { url, topics } = await start('orders', 'Orders')
    await topics.publish('orders', 'first')

    const refused = await fetch(`${url}/orders`, { headers: { 'last-event-id': 'otherlife.7' } })
    expect(refused.status).to.equal(410)
    await refused.body?.cancel()

    const anew = await subscribe(`${url}/orders`)
    expect((await anew.take(1)).map(({ data }) => data)).to.deep.equal(['first'])
    anew.leave()
  })

  /** What a client is told that has seen the first of five events, of which two are kept, and the next it gets. */
  async function afterGap(options: SubscribeOptions): Promise<unknown[]> {
    const topics = make({ retention: { count: 2 } })
    const ids: string[] = []
    for (const value of ['one', 'two', 'three', 'four', 'five']) ids.push(await topics.publish('kept', value))
    const lastEventId = ids[0]
    const loop = topics.subscribe('kept', { ...options, lastEventId })[Symbol.asyncIterator]()
    const gap = (await loop.next()).value
    topics.publish('kept', 'six')
    const next = (await loop.next()).value
    await loop.return?.()
    return [gap?.event, gap?.data.lost, gap?.data.reason, next?.data]
  }

  it('goes on behind a gap as the table of onGap says', async () => {
    const choices = tableAfter('docs/topics.md', '| `onGap` |').map(([choice]) => codesIn(choice)[0])

    expect(choices).to.deep.equal(["'earliest'", "'latest'", "'snapshot'", "'refuse'"])
    expect(await afterGap({ onGap: 'earliest' })).to.deep.equal(['stream:gap', 2, 'expired', 'four'])
    expect(await afterGap({ onGap: 'latest' })).to.deep.equal(['stream:gap', 4, 'expired', 'six'])
    expect(await afterGap({ snapshot: () => 'all' })).to.deep.equal(['stream:gap', 4, 'expired', 'all'])
  })

  it('board: begins with the state as a whole', async () => {
    const { url, topics } = await start('board', 'Board')
    const stream = await subscribe(`${url}/board`)
    expect(await stream.take(1)).to.deep.equal([{ id: undefined, event: 'board', data: '{"OKP":12.5}' }])

    const id = await topics.publish('board', event('price', 13))
    expect((await stream.take(1))[0]?.event).to.equal('price')
    stream.leave()

    const text = stream.text().replaceAll(id.split('.')[0] as string, 'EPOCH')
    expect(text).to.equal(`${find('board', 'answer').code}id: EPOCH.1\nevent: price\ndata: 13\n\n`)
  })

  it('quotes: gives only the newest event of each key to a client that is behind', async () => {
    const { url, topics } = await start('quotes', 'Quotes')
    const stream = await subscribe(`${url}/quotes`)
    const quote = (symbol: string, price: number) => topics.publish('quotes', { symbol, price })
    quote('OKP', 1)
    quote('ZEB', 5)
    quote('OKP', 2)

    expect((await stream.take(2)).map(({ data }) => data)).to.deep.equal([
      '{"symbol":"ZEB","price":5}',
      '{"symbol":"OKP","price":2}',
    ])
    stream.leave()
  })

  it('rooms: gives several topics as one stream, which resumes', async () => {
    const { url, topics } = await start('rooms', 'Rooms')
    const path = `${url}/rooms?room=a&room=b&not=me`
    const stream = await subscribe(path)
    const say = (room: string, from: string, text: string) => topics.publish(`rooms/${room}`, { from, text })
    say('a', 'you', 'one')
    say('a', 'me', 'two')
    say('b', 'you', 'three')

    const seen = await stream.take(2)
    stream.leave()
    expect(seen.map(({ data }) => JSON.parse(data).text)).to.have.members(['one', 'three'])

    await say('b', 'you', 'four')
    const again = await subscribe(path, { headers: { 'last-event-id': seen[1]?.id as string } })
    expect((await again.take(1)).map(({ data }) => JSON.parse(data).text)).to.deep.equal(['four'])
    again.leave()
  })

  it('rooms: refuses who names no room', async () => {
    const { url } = await start('rooms', 'Rooms')

    expect((await fetch(`${url}/rooms`)).status).to.equal(400)
  })

  it('rooms: tells its position to a client that is shown nothing', async () => {
    const { url, topics } = await start('rooms', 'Rooms')
    const stream = await subscribe(`${url}/rooms?room=a&not=me`)
    let id = ''
    for (let sent = 0; sent < 100; sent++) id = await topics.publish('rooms/a', { from: 'me', text: 'hidden' })
    // It may read what was published all at once: an event that is shown would tell the position itself.
    await until(() => topics.get('rooms/a').stats()?.lag === 0)
    topics.publish('rooms/a', { from: 'you', text: 'shown' })

    expect(await told(stream, 1, id.split('.')[0] as string)).to.contain(`\n\n${find('checkpoint', 'answer').code}`)
  })

  it('refuses a filter that answers later', async () => {
    const filter = (async () => true) as unknown as () => boolean
    const topics = make()
    const loop = topics.subscribe('filtered', { filter })[Symbol.asyncIterator]()
    topics.publish('filtered', 1)

    expect(await outcomeOf(loop.next())).to.be.instanceOf(TypeError)
  })

  it('loop: reads decoded events, and leaves', async () => {
    const { topics, nextAbove } = await load<{ topics: Topics; nextAbove(limit: number): Promise<number> }>('loop')
    const found = nextAbove(10)

    for (const reading of [7, 10, 11, 12]) topics.publish('readings', reading)

    expect(await found).to.equal(11)
    expect(topics.stats()[0]?.subscribers).to.equal(0)
    await topics.close()
  })

  it('ledger: counts what is told as lost, and continues where it was', async () => {
    const { Ledger } = await load<{ Ledger: new () => LedgerLike }>('ledger')
    const topics = make({ retention: { count: 2 } })
    const ledger = new Ledger()
    const followed = async (latest: string): Promise<void> => {
      const leaving = new AbortController()
      const ended = ledger.follow(topics, leaving.signal)
      await until(() => ledger.position === latest)
      leaving.abort()
      await ended
    }
    await topics.publish('payments', 1)
    await followed(await topics.publish('payments', 2))
    expect([ledger.total, ledger.lost]).to.deep.equal([3, 0])

    for (const payment of [4, 8, 16]) await topics.publish('payments', payment)
    await followed(await topics.publish('payments', 32))
    expect([ledger.total, ledger.lost]).to.deep.equal([3 + 16 + 32, 2])
  })

  it('keeps a loop of a generator subscribed when its client has left, until the next event, unless it has the signal', async () => {
    @Controller()
    class Loops {
      constructor(private readonly topics: Topics) {}

      @SSE('/without', { orphanTimeout: 20 })
      async *without() {
        for await (const { data } of this.topics.subscribe('loops')) yield data
      }

      @SSE('/with', { orphanTimeout: 20 })
      async *with(@Signal() signal: AbortSignal) {
        for await (const { data } of this.topics.subscribe('loops', { signal })) yield data
      }
    }
    const topics = make()
    const { app, url } = await serve([Loops], { topics })
    const subscribers = () => topics.get('loops').stats()?.subscribers ?? 0
    const leaveOf = async (path: string) => {
      const stream = await subscribe(`${url}/${path}`)
      await until(() => subscribers() === 1)
      await topics.publish('loops', 'one')
      await stream.take(1)
      stream.leave()
      await until(() => app.streams.size === 0)
    }

    await leaveOf('with')
    await until(() => subscribers() === 0)
    expect(app.streams.orphans).to.equal(0)

    await leaveOf('without')
    await until(() => app.streams.orphans === 1)
    expect(subscribers()).to.equal(1)
    await topics.publish('loops', 'two')
    await until(() => app.streams.orphans === 0)
    expect(subscribers()).to.equal(0)
  })

  it('lets publish wait for a loop with onLag "block", until that asks for more', async () => {
    const topics = make()
    const loop = topics.subscribe('slow', { onLag: 'block' })[Symbol.asyncIterator]()
    const published = topics.publish('slow', 1)
    let taken = false
    const waiting = Promise.resolve(published).then(() => {
      taken = true
    })

    expect((await loop.next()).value?.data).to.equal(1)
    await turns(10)
    expect(taken).to.equal(false)

    const left = loop.next()
    await waiting
    await loop.return?.()
    await left
  })

  for (const options of [{ onLag: 'disconnect' }, { onGap: 'refuse' }] satisfies SubscribeOptions[]) {
    it(`fails a loop that has fallen too far behind, with ${JSON.stringify(options)}`, async () => {
      const topics = make({ retention: { count: 2 } })
      const loop = topics.subscribe('fast', options)[Symbol.asyncIterator]()
      for (let value = 0; value < 5; value++) await topics.publish('fast', value)

      expect(await outcomeOf(loop.next())).to.be.instanceOf(LagError)
    })
  }

  it('bounds: keeps of each topic what its name says, and refuses one topic too many', async () => {
    const { topics } = await load<{ topics: Topics }>('bounds')
    opened.push(topics)
    let id = ''
    for (let price = 0; price < 150; price++) {
      topics.publish('readings', price)
      id = await topics.publish('prices/OKP', price)
    }

    const [epoch] = id.split('.')
    expect(topics.get('prices/OKP').stats()).to.include({ earliest: `${epoch}.51`, latest: `${epoch}.150` })
    expect(topics.get('readings').stats()?.earliest).to.match(/\.1$/)
    for (let more = 2; more < 500; more++) topics.publish(`more/${more}`, more)
    expect(() => topics.publish('one/more', 1)).to.throw(TopicLimitError)
  })

  it('sensor: publishes on the topics of each app, also when there was one before', async () => {
    const { Readings } = await load<Loaded>('sensor')
    for (let n = 0; n < 2; n++) {
      const { url } = await serve([Readings as ControllerClass])
      const stream = await subscribe(`${url}/readings`)
      const { id } = (await (await fetch(`${url}/readings`, { method: 'POST' })).json()) as { id: string }

      const [reading] = await stream.take(1)
      expect(reading).to.include({ id, event: 'reading', data: '{"celsius":21}' })
      await closeAll()
    }
  })

  it('stats: tells how a topic is', async () => {
    const { url, topics } = await start('prices', 'Prices')
    const stream = await subscribe(`${url}/prices/OKP`)
    const id = await topics.publish('prices/OKP', event('price', { price: 12.5 }))
    await stream.take(1)

    const stats = JSON.stringify(topics.get('prices/OKP').stats()).replaceAll(id.split('.')[0] as string, 'EPOCH')
    expect(`${stats}\n`).to.equal(find('stats', 'answer').code)
    stream.leave()
  })

  it('closes a topic behind what its clients have not read, and may use it anew', async () => {
    const { url, topics } = await start('prices', 'Prices')
    const stream = await subscribe(`${url}/prices/OKP`)
    topics.publish('prices/OKP', event('price', { price: 1 }))

    const closed = topics.get('prices/OKP').close()
    await turns(1)
    expect((await stream.rest()).map(({ event: type }) => type)).to.deep.equal(['price', 'stream:end'])
    await closed
    expect(await topics.publish('prices/OKP', 2)).to.match(/\.1$/)
  })

  it('closes one of several topics, and the stream goes on with the other', async () => {
    const { url, topics } = await start('rooms', 'Rooms')
    const stream = await subscribe(`${url}/rooms?room=a&room=b`)
    await topics.get('rooms/a').close()
    topics.publish('rooms/b', { from: 'you', text: 'still here' })

    expect((await stream.take(1)).map(({ data }) => JSON.parse(data).text)).to.deep.equal(['still here'])
    stream.leave()
  })

  it('takes nothing while a topic closes that a loop has still to read', async () => {
    const topics = make()
    const loop = topics.get('left')[Symbol.asyncIterator]()
    await topics.publish('left', 1)
    const closed = topics.get('left').close()

    expect(() => topics.publish('left', 2))
      .to.throw(TopicClosedError)
      .that.includes({ statusCode: 503 })
    expect((await loop.next()).value?.data).to.equal(1)
    expect((await loop.next()).done).to.equal(true)
    await closed
  })

  it('leaves open the topics that were given to an app', async () => {
    const { topics } = await start('prices', 'Prices')
    await closeAll()

    expect(await topics.publish('prices/OKP', 1)).to.match(/\.1$/)
  })

  it('names every reason of a gap', () => {
    const reasons = tableAfter('docs/topics.md', '| `reason` |').map(([reason]) => reason?.replaceAll('`', ''))

    expect(reasons).to.deep.equal([...GAP_REASONS])
  })
})
