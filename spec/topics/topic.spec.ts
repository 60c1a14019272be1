import { expect } from 'chai'
import { event, Subscription, Topic, Topics } from 'okapi'
import { NamedJournal } from '../support/named-journal.js'
import { turns } from '../support/until.js'

interface Price {
  is: number
}

describe('Topic', () => {
  let topics: Topics
  let topic: Topic<Price>

  beforeEach(() => {
    topics = new Topics({ journal: new NamedJournal() })
    topic = topics.get<Price>('a')
  })
  afterEach(() => topics.close())

  it('is a name, and nothing else until it is used', () => {
    expect(topic).to.be.an.instanceOf(Topic)
    expect(topic.name).to.equal('a')
    expect(topic.stats()).to.equal(undefined)
    expect(topics.stats()).to.deep.equal([])
  })

  it('takes values and events, and says where they stand', async () => {
    expect(await topic.publish({ is: 1 })).to.equal('a1.1')
    expect(await topic.publish(event('price', { is: 2 }))).to.equal('a1.2')
    expect(await topics.get('a').publish({ is: 3 })).to.equal('a1.3')
  })

  it('is subscribed to, with options', async () => {
    const subscription = topic.subscribe({ from: 'start' })
    expect(subscription).to.be.an.instanceOf(Subscription)
    await topic.publish({ is: 1 })

    for await (const { data } of subscription) {
      expect(data.is).to.equal(1)
      break
    }
  })

  it('is read from now on in a loop of its own', async () => {
    await topic.publish({ is: 1 })
    setImmediate(() => topic.publish({ is: 2 }))

    for await (const { data } of topic) {
      expect(data.is).to.equal(2)
      break
    }
  })

  it('tells who follows it, what it holds, and how far the slowest is behind', async () => {
    const loops = [topic.subscribe()[Symbol.asyncIterator](), topic.subscribe()[Symbol.asyncIterator]()]
    for (const is of [1, 2, 3]) topic.publish({ is })
    await topic.publish({ is: 4 })
    for (let n = 0; n < 4; n++) await loops[0]?.next()

    expect(topic.stats()).to.deep.equal({
      name: 'a',
      subscribers: 2,
      earliest: 'a1.1',
      latest: 'a1.4',
      bytes: 4 * 'data: {"is":1}\n\n'.length,
      lag: 4,
    })
    for (const loop of loops) await loop.return?.()
    expect(topic.stats()).to.include({ subscribers: 0, lag: 0 })
  })

  it('closes: those who follow it end, and it may be used anew', async () => {
    const ended: number[] = []
    const read = async (): Promise<void> => {
      for await (const { data } of topic) ended.push(data.is)
      ended.push(-1)
    }
    const reading = read()
    await topic.publish({ is: 1 })

    await Promise.all([topic.close(), topic.close()])
    await reading

    expect(ended).to.deep.equal([1, -1])
    expect(topic.stats()).to.equal(undefined)
    await topic.close()
    await turns(1)
    expect(await topic.publish({ is: 1 })).to.equal('a2.1')
  })
})
