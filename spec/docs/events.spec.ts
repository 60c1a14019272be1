import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Controller, EventFieldError, event, ServerSentEvent, SSE } from 'okapi'
import { ask } from '../support/ask.js'
import { examplesOf } from '../support/examples.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const paper = 'docs/events.md'

describe(paper, () => {
  const examples = examplesOf(paper)

  afterEach(closeAll)

  it('wire: sends byte for byte what is shown', async () => {
    const { url } = await examples.serve('wire')

    expect(await ask(`${url}/wire/all`)).to.equal(`200 ${examples.find('wire', 'answer').code}`)
  })

  it('writer: sends by calls', async () => {
    const stream = await subscribe(`${(await examples.serve('writer')).url}/countdown`)

    expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['3', '2', '1', 'go', '{"reason":"done"}'])
  })

  it('serializer: turns data into text of its own', async () => {
    expect(await ask(`${(await examples.serve('serializer')).url}/table`)).to.match(/^200 data: OKP,12.5\n\n/)
  })

  it('names the fields that an event has', () => {
    const named = tableAfter(paper, '| field |').map(([field]) => codesIn(field)[0])
    const fields = { data: 1, event: 'a', id: 'b', retry: 1, comment: 'c' }

    expect(named).to.have.members(Object.keys(fields))
    expect(new ServerSentEvent(fields)).to.include(fields)
    expect(() => event('tick\nevent: forged', 1)).to.throw(EventFieldError)
  })

  it('is right in what the fields are for a client', async () => {
    @Controller('/fields')
    class Fields {
      @SSE()
      *fields() {
        yield new ServerSentEvent({ id: '1' })
        yield new ServerSentEvent({ comment: 'nothing' })
        yield new ServerSentEvent({ data: 'told' })
        yield new ServerSentEvent({ event: 'typed' })
      }
    }
    const { url } = await serve([Fields])
    const heard: string[] = []
    const source = new EventSource(`${url}/fields`)
    source.onmessage = ({ data }) => heard.push(data)
    source.addEventListener('typed', ({ data }) => heard.push(`typed, ${JSON.stringify(data)}`))

    await until(() => source.readyState === EventSource.CLOSED || heard.length > 1)
    source.close()
    expect(heard).to.deep.equal(['told', 'typed, ""'])
  })

  it('is right that a listener for "error" hears of errors of both kinds', async () => {
    @Controller('/errors')
    class Errors {
      @SSE('', { retry: 0 })
      *errors() {
        yield event('error', 'one of ours')
      }
    }
    const { url } = await serve([Errors])
    const heard: unknown[] = []
    const source = new EventSource(`${url}/errors`)
    source.addEventListener('error', event => heard.push('data' in event ? event.data : 'one of its own'))

    await until(() => source.readyState === EventSource.CLOSED)
    expect(heard.slice(0, 2)).to.deep.equal(['one of ours', 'one of its own'])
  })
})
