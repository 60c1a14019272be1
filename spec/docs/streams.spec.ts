import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Controller, NotFoundError, Param, Post, SSE } from 'okapi'
import { ask, posting } from '../support/ask.js'
import { examplesOf, runScript } from '../support/examples.js'
import { latch } from '../support/latch.js'
import { closeServers, listen } from '../support/listen.js'
import { codesIn, tableAfter } from '../support/papers.js'
import { closeAll, serve } from '../support/serve.js'
import { subscribe } from '../support/subscribe.js'
import { turns, until } from '../support/until.js'

const paper = 'docs/streams.md'

describe(paper, () => {
  const examples = examplesOf(paper)
  const { find, load } = examples
  const sources: EventSource[] = []
  const browserAt = (url: string) =>
    class extends EventSource {
      constructor(path: string) {
        super(url + path)
        sources.push(this)
      }
    }

  afterEach(async () => {
    for (const source of sources.splice(0)) source.close()
    await closeAll()
  })

  it('countdown: is told in the browser, once, and is over then', async () => {
    const { app, url } = await examples.serve('countdown', { streamOptions: { retry: 0 } })
    const lines: string[] = []
    let runs = 0
    app.server.on('request', () => runs++)

    await runScript(find('countdown in the browser'), {
      EventSource: browserAt(url),
      console: { log: (line: string) => lines.push(line) },
    })

    await until(() => sources[0]?.readyState === EventSource.CLOSED)
    expect(lines).to.deep.equal(['3', '2', '1', 'go', 'over'])
    expect(runs).to.equal(2)
  })

  it('countdown: runs anew for each client', async () => {
    const url = `${(await examples.serve('countdown')).url}/countdown/1`
    const streams = await Promise.all([subscribe(url), subscribe(url)])

    for (const stream of streams) {
      expect((await stream.rest()).map(({ data }) => data)).to.deep.equal(['1', 'go', '{"reason":"done"}'])
    }
  })

  it('channel: streams what a timer sends', async () => {
    const stream = await subscribe(`${(await examples.serve('channel')).url}/readings`)

    expect((await stream.take(2)).map(({ data }) => data)).to.deep.equal(['{"celsius":21}', '{"celsius":21}'])
    stream.leave()
  })

  it('refuse: answers 404 before the stream starts', async () => {
    const { url } = await examples.serve('refuse')

    expect(await ask(`${url}/jobs/8`)).to.match(/^404 .*There is no job 8/)
    expect(await ask(`${url}/jobs/7`)).to.match(/^200 data: 10\n\ndata: 50\n\n/)
  })

  it('answers by a status what an async method throws, however long it takes', async () => {
    const decided = latch()

    @Controller('/slow')
    class Slow {
      @SSE('', { headDelay: 0 })
      async slow() {
        await decided.promise
        throw new NotFoundError()
      }

      @Post()
      decide() {
        decided.open()
      }
    }
    const { app, url } = await serve([Slow])
    const answer = ask(`${url}/slow`, { headers: { accept: 'text/event-stream' } })
    await until(() => app.streams.size === 1)
    await turns(20)

    await ask(`${url}/slow`, { method: 'POST' })

    expect(await answer).to.match(/^404 /)
  })

  it('resume: goes on behind the last event ID, from a header or the query', async () => {
    const url = `${(await examples.serve('resume')).url}/news`
    const rest = [
      { id: 'c', event: 'item', data: 'three' },
      { id: 'stream.end', event: 'stream:end', data: '{"reason":"done"}' },
    ]

    expect(await (await subscribe(url, { headers: { 'last-event-id': 'b' } })).rest()).to.deep.equal(rest)
    expect(
      await (await subscribe(`${url}?lastEventId=b`, { headers: { accept: 'text/event-stream' } })).rest(),
    ).to.deep.equal(rest)
    for (const id of ['-2', 'abc']) expect(await ask(`${url}?lastEventId=${id}`), id).to.equal(await ask(url))
  })

  it('leave: runs the finally of the generator', async () => {
    const { url } = await examples.serve('leave')
    const { log } = await load<{ log: { push(line: string): void } }>('leave')
    const pushed = latch<string>()
    log.push = pushed.open
    const stream = await subscribe(`${url}/poll`)
    await stream.take(2)

    stream.leave()

    expect(await pushed.promise).to.equal('left')
  })

  it('recover: sends another event in place of one without text', async () => {
    expect(await ask(`${(await examples.serve('recover')).url}/rows`)).to.match(
      /^200 data: {"id":1}\n\nevent: unreadable\n.*\n\ndata: {"id":3}\n\n/,
    )
  })

  it('is right that an EventSource runs a failed stream again, unless it closes', async () => {
    let runs = 0

    @Controller('/failing')
    class Failing {
      @SSE('', { retry: 0 })
      *failing() {
        yield ++runs
        throw new Error('secret')
      }
    }
    const { url } = await serve([Failing])
    const source = new EventSource(`${url}/failing`)
    sources.push(source)
    const told: unknown[] = []
    source.addEventListener('stream:error', ({ data }) => {
      told.push(JSON.parse(data))
      if (told.length === 2) source.close()
    })

    await until(() => source.readyState === EventSource.CLOSED)
    await turns(20)
    expect(told[0]).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    expect(runs).to.equal(2)
  })

  it('post: streams over POST to a fetch client, and ends without a word', async () => {
    const { url } = await examples.serve('post')
    const lines: string[] = []

    await runScript(find('post in the browser'), {
      fetch: (path: string, init: RequestInit) => fetch(url + path, init),
      console: { log: (line: string) => lines.push(line) },
    })

    expect(lines).to.deep.equal(['to', 'be', 'or', 'not'])
  })

  describe('relay', () => {
    const model = { answer: (_request: IncomingMessage, _response: ServerResponse): void => {} }
    const given = process.env.MODEL_URL
    const asking = posting({ prompt: 'to be' })
    let url: string

    before(async () => {
      const port = await listen((request, response) => model.answer(request, response))
      // Read when the example is loaded.
      process.env.MODEL_URL = `http://127.0.0.1:${port}`
    })
    beforeEach(async () => {
      url = `${(await examples.serve('relay')).url}/completions`
    })
    after(async () => {
      if (given === undefined) delete process.env.MODEL_URL
      else process.env.MODEL_URL = given
      await closeServers()
    })

    it('sends on what a model says, also what is cut within a character, until it has said all', async () => {
      const said = Buffer.from('data: {"text":"ü"}\n\ndata: {"text":"be"}\n\ndata: [DONE]\n\n')
      const asked = latch<string>()
      model.answer = async (request, response) => {
        request.setEncoding('utf8').once('data', asked.open)
        response.write(said.subarray(0, 16))
        await turns(5)
        response.end(said.subarray(16))
      }

      expect(await ask(url, asking)).to.equal(
        '200 event: part\ndata: {"text":"ü"}\n\nevent: part\ndata: {"text":"be"}\n\n',
      )
      expect(await asked.promise).to.equal('{"prompt":"to be","stream":true}')
    })

    it('answers by 502 what the model refuses', async () => {
      model.answer = (_request, response) => response.writeHead(429).end()

      expect(await ask(url, asking)).to.match(/^502 .*The model answers 429/)
    })

    it('ends with an error if the model breaks off', async () => {
      model.answer = (_request, response) => {
        response.write('data: {"text":"to"}\n\n')
        setTimeout(() => response.destroy(), 20)
      }

      expect(await ask(url, asking)).to.match(/^200 event: part\ndata: {"text":"to"}\n\nevent: stream:error\n/)
    })

    it('leaves the model when its client leaves, in the middle of the stream', async () => {
      const left = latch()
      model.answer = (_request, response) => {
        response.once('close', left.open)
        response.write('data: {"text":"to"}\n\n')
      }
      const stream = await subscribe(url, asking)
      await stream.take(1)

      stream.leave()

      await left.promise
    })

    it('leaves the model when its client leaves, before it has answered', async () => {
      const [asked, left] = [latch(), latch()]
      model.answer = (_request, response) => {
        response.once('close', left.open)
        asked.open()
      }
      const leaving = new AbortController()
      const answer = fetch(url, { ...asking, signal: leaving.signal }).catch(error => error)
      await asked.promise

      leaving.abort()

      await left.promise
      expect(await answer).to.have.property('name', 'AbortError')
    })
  })

  it('is right in what is done with a string, a Map, and a stream of bytes', async () => {
    const sources: Record<string, () => object> = {
      string: () => 'hello' as never,
      map: () => new Map([['a', 1]]),
      bytes: () => new Response('hello').body as ReadableStream,
    }

    @Controller()
    class Sources {
      @SSE('/:name')
      source(@Param('name') name: string) {
        return sources[name]?.() as Iterable<unknown>
      }
    }
    const { url } = await serve([Sources])

    expect(await ask(`${url}/string`)).to.match(/^500 /)
    expect(await ask(`${url}/map`)).to.match(/^200 data: \["a",1\]\n\n/)
    expect(await ask(`${url}/bytes`)).to.match(/^200 data: aGVsbG8=\n\n/)
  })

  it('names the sources that a method may return', () => {
    const named = tableAfter(paper, '| source |').flatMap(([source = '']) => codesIn(source))

    expect(named).to.deep.equal(['Channel', 'ReadableStream', 'Readable', 'Symbol.observable'])
  })
})
