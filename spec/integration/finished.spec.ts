import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { closePages, launch, newPage } from '../support/browser.js'
import { closeSamples, type Sample, startSample } from '../support/sample.js'

describe('A finished stream', function () {
  this.timeout(30_000)

  const seen: unknown[] = []
  let sample: Sample

  before(launch)

  beforeEach(async () => {
    seen.length = 0
    sample = await startSample({
      options: {
        streamOptions: { retry: 10 },
        setup: app => {
          app.addHook('onResponse', async ({ url, headers }, { statusCode }) => {
            if (url === '/counter') seen.push([headers['last-event-id'], statusCode])
          })
        },
      },
    })
  })

  afterEach(async () => {
    await closePages()
    await closeSamples()
  })

  const counts = Array.from({ length: 11 }, (_, count) => String(count))
  const onceAndNoMore = [
    [undefined, 200],
    ['stream.end', 204],
  ]

  it('runs once in EventSource of Chromium, which comes back once, is answered 204, and is closed', async () => {
    const page = await newPage()
    await page.goto(`${sample.url}/page.css`)

    const result = await page.evaluate(`new Promise(resolve => {
      const messages = []
      let ends = 0
      const source = new EventSource('/counter')
      source.onmessage = ({ data }) => messages.push(data)
      source.addEventListener('stream:end', () => ends++)
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) resolve({ messages, ends, readyState: source.readyState })
      }
    })`)

    expect(result).to.deep.equal({ messages: counts, ends: 1, readyState: 2 })
    expect(seen).to.deep.equal(onceAndNoMore)
  })

  it('runs once in the client eventsource, which comes back once, is answered 204, and is closed', async () => {
    const messages: string[] = []
    let ends = 0
    const source = new EventSource(`${sample.url}/counter`)
    source.onmessage = ({ data }) => messages.push(data)
    source.addEventListener('stream:end', () => ends++)

    await new Promise<void>(resolve => {
      source.onerror = () => {
        if (source.readyState === source.CLOSED) resolve()
      }
    })

    expect(messages).to.deep.equal(counts)
    expect(ends).to.equal(1)
    expect(seen).to.deep.equal(onceAndNoMore)
  })
})
