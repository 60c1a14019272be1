import { expect } from 'chai'
import { createParser } from 'eventsource-parser'

interface ReadEvent {
  type: string
  data: string
}

interface Script {
  readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReadEvent>
}

describe('readEvents, which the page reads its chat by', () => {
  let readEvents: Script['readEvents']

  before(async () => {
    const script = (await import(new URL('../../../sample/page/read-events.js', import.meta.url).href)) as Script
    readEvents = script.readEvents
  })

  /** What is read of a text that arrives in chunks of so many bytes. */
  async function read(text: string, size: number): Promise<ReadEvent[]> {
    const bytes = new TextEncoder().encode(text)
    let at = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) controller.close()
        else controller.enqueue(bytes.subarray(at, at + size))
        at += size
      },
    })
    const events: ReadEvent[] = []
    for await (const event of readEvents(body)) events.push(event)
    return events
  }

  const text =
    ': open\n\nretry: 5\n\ndata: one\n\nid: 7\nevent: two\ndata:first \ndata:  second\ndata\n\nevent: none\n\n' +
    'data: ü €\r\n\r\nevent: done\rdata: \r\rdata: a: b\n\ndata: cut off'

  for (const size of [1, 2, 3, 7, 1_000]) {
    it(`reads what eventsource-parser reads, in chunks of ${size} bytes`, async () => {
      const expected: ReadEvent[] = []
      createParser({ onEvent: ({ event: type = 'message', data }) => expected.push({ type, data }) }).feed(text)

      const events = await read(text, size)

      expect(events).to.deep.equal(expected)
      expect(events).to.have.length(5)
    })
  }

  it('lets go of the body when nobody reads on', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: controller => controller.enqueue(new TextEncoder().encode('data: one\n\n')),
      cancel: () => {
        cancelled = true
      },
    })

    for await (const _ of readEvents(body)) break

    expect(cancelled).to.equal(true)
  })
})
