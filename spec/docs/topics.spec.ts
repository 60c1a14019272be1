import { expect } from 'chai'
import { type ControllerClass, event, Topics } from 'okapi'
import { examplesOf } from '../support/examples.js'
import { tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { type Subscription, subscribe } from '../support/subscribe.js'

type Loaded = Record<string, ControllerClass>

describe('docs/topics.md', () => {
  const { find, load } = examplesOf('docs/topics.md')

  const opened: Topics[] = []

  afterEach(async () => {
    await closeAll()
    await Promise.all(opened.splice(0).map(topics => topics.close()))
  })

  async function start(name: string, exported: string): Promise<{ url: string; topics: Topics }> {
    const loaded = await load<Loaded>(name)
    const topics = new Topics()
    opened.push(topics)
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

  it('board: begins with the state as a whole', async () => {
    const { url, topics } = await start('board', 'Board')
    const stream = await subscribe(`${url}/board`)

    expect(await stream.take(1)).to.deep.equal([{ id: undefined, event: 'board', data: '{"OKP":12.5}' }])
    topics.publish('board', event('price', 13))
    expect((await stream.take(1))[0]?.event).to.equal('price')
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

  it('loop: reads decoded events, and leaves', async () => {
    const { topics, nextAbove } = await load<{ topics: Topics; nextAbove(limit: number): Promise<number> }>('loop')
    const found = nextAbove(10)

    for (const reading of [7, 10, 11, 12]) topics.publish('readings', reading)

    expect(await found).to.equal(11)
    expect(topics.stats()[0]?.subscribers).to.equal(0)
    await topics.close()
  })

  it('names every reason of a gap', () => {
    const reasons = tableAfter('docs/topics.md', '| `reason` |').map(([reason]) => reason?.replaceAll('`', ''))

    expect(reasons).to.deep.equal(['expired', 'epoch', 'unknown', 'malformed', 'overflow'])
  })
})
