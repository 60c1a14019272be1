import { expect } from 'chai'
import {
  binary,
  Channel,
  Controller,
  custom,
  type EventWriter,
  event,
  JsonSerializer,
  json,
  SSE,
  Stream,
  TextSerializer,
  text,
} from 'okapi'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'

/** What each call of Okapi for Go sends, given the values below. */
const wire: Record<string, string> = {
  SSESendData: 'data: a value\n\n',
  SSESendJSON: 'data: "a value"\n\n',
  SSESendText: 'data: a text\n\n',
  SSESendBinary: 'data: iVBORw==\n\n',
  SSEvent: 'event: update\ndata: {"n":1}\n\n',
  SSESendEvent: 'id: 7\nevent: update\ndata: {"n":1}\n\n',
  SSEStream: 'data: from a channel\n\n',
  SSEStreamWithOptions: 'data: "from a channel"\n\n',
  SendSSECustom: 'data: [object Object]\n\n',
}

/** What the code in the table speaks of. */
const given = (): Record<string, unknown> => ({
  ...{ binary, custom, event, json, text },
  value: 'a value',
  s: 'a text',
  bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
  type: 'update',
  data: { n: 1 },
  id: '7',
  serializer: new TextSerializer(),
  options: { serializer: new JsonSerializer() },
  channel: filled(),
})

type Code = (...values: unknown[]) => unknown
const AsyncFunction = (async () => {}).constructor as new (...words: string[]) => Code
const AsyncGeneratorFunction = async function* () {}.constructor as new (...words: string[]) => Code

describe('The nine calls', () => {
  let code: Code

  @Controller('/calls')
  class Calls {
    @SSE('/yield', { end: false })
    yields() {
      return code(...Object.values(given())) as AsyncIterable<unknown>
    }

    @SSE('/options', { end: false, serializer: new JsonSerializer() })
    options() {
      return filled()
    }

    @SSE('/call', { end: false })
    async calls(@Stream() stream: EventWriter) {
      await code(...Object.values(given()), stream)
    }
  }

  const sent = async (path: string): Promise<string> => {
    const { url } = await serve([Calls])
    const stream = await subscribe(`${url}/calls/${path}`)
    await stream.rest()
    return stream.text()
  }

  afterEach(closeAll)

  it('are told in docs/events.md', () => {
    const names = tableAfter('docs/events.md', '<!-- check: calls -->').map(([name]) => codesIn(name)[0])

    expect(names).to.deep.equal(Object.keys(wire))
  })

  for (const [name = '', yielded, called] of tableAfter('docs/events.md', '<!-- check: calls -->')) {
    const [go = '', inGenerator = '', byCall = ''] = [name, yielded, called].map(cell => codesIn(cell)[0])

    it(`${go} is ${inGenerator}`, async () => {
      const kind = inGenerator.startsWith('yield') ? AsyncGeneratorFunction : AsyncFunction
      const path = inGenerator.startsWith('@SSE') ? 'options' : 'yield'
      if (path === 'yield') code = new kind(...Object.keys(given()), inGenerator)

      expect(await sent(path)).to.equal(wire[go])
    })

    it(`${go} is ${byCall}`, async () => {
      code = new AsyncFunction(...Object.keys(given()), 'stream', byCall)

      expect(await sent('call')).to.equal(wire[go])
    })
  }
})

function filled(): Channel<string> {
  const channel = new Channel<string>()
  channel.trySend('from a channel')
  channel.close()
  return channel
}
