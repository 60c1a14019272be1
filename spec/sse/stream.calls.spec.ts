import { expect } from 'chai'
import { OverflowError, StreamClosedError } from 'okapi/sse'
import type { StreamErrorContext, StreamOptions } from '../../src/sse/options.js'
import { resolveOptions } from '../../src/sse/options.js'
import { EventStream } from '../../src/sse/stream.js'
import { latch } from '../support/latch.js'
import { closeServers, listen } from '../support/listen.js'
import { parse } from '../support/parse.js'
import { DONE, FAILED, never, Recorder, streaming, streamsOf } from '../support/streaming.js'
import { turns, until } from '../support/until.js'
import { ask, leaveAll } from '../support/wire.js'

describe('EventStream, told what to do', () => {
  afterEach(async () => {
    leaveAll()
    await closeServers()
  })

  describe('close()', () => {
    async function opened(options: StreamOptions = {}) {
      let returned = 0
      const source = {
        next: () => never,
        return() {
          returned++
        },
      }
      const served = await streaming(stream => stream.from(source), { headDelay: 0, ...options })
      const wire = ask(served.port)
      await wire.sees('open')
      const [stream] = served.streams
      if (stream === undefined) throw new Error('No stream')
      return { ...served, wire, stream, returned: () => returned }
    }

    it('says goodbye, asks the client to come back, and ends the source', async () => {
      const { stream, wire, returned, host } = await opened()
      const { signal } = stream

      stream.close(1_234)
      await wire.ends()

      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'event: stream:end\nretry: 1234\ndata: {"reason":"closing"}\n\n',
        '',
      ])
      expect(returned()).to.equal(1)
      expect(signal.aborted).to.equal(true)
      expect(stream.closed).to.equal(true)
      await until(() => host.over.length === 1)
    })

    it('says so where a stream that is done says nothing: it must not look like one that is complete', async () => {
      const { stream, wire } = await opened({ end: false })

      stream.close(1_234)
      await wire.ends()

      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'event: stream:end\nretry: 1234\ndata: {"reason":"closing"}\n\n',
        '',
      ])
    })

    it('sends what was gathered first', async () => {
      const { stream, wire } = await opened()

      stream.send('a')
      stream.close(5)
      await wire.ends()

      expect(wire.chunks).to.deep.equal([
        ': open\n\n',
        'data: a\n\nevent: stream:end\nretry: 5\ndata: {"reason":"closing"}\n\n',
        '',
      ])
    })

    it('does nothing the second time, and nothing to a stream that has ended', async () => {
      const { stream, wire, host } = await opened()

      stream.close(1)
      stream.close(2)
      stream.abandon()
      await wire.ends()
      await until(() => host.over.length === 1)
      stream.close(3)

      expect(wire.body)
        .to.contain('retry: 1\n')
        .and.not.match(/retry: [23]/)
      expect(host.over).to.have.length(1)
    })

    it('does not stop a source that has ended by itself', async () => {
      let returned = 0
      const source = { next: () => ({ done: true as const, value: undefined }), return: () => returned++ }
      const { port, streams, host } = await streaming(stream => stream.from(source))
      await ask(port).ends()
      await until(() => host.over.length === 1)

      streams[0]?.close(1)

      expect(returned).to.equal(0)
    })

    it('waits for a client that is slow to read', async () => {
      const { port, streams } = await streamsOf(function* () {
        for (;;) yield 'x'.repeat(50_000)
      })
      const wire = ask(port).pause()
      await until(() => streams.length === 1)
      await turns(200)

      streams[0]?.close(7)
      wire.resume()
      await wire.ends()

      const { events, retries } = parse(wire.chunks.join(''))
      expect(events.at(-1)).to.deep.equal({ id: undefined, event: 'stream:end', data: '{"reason":"closing"}' })
      expect(retries).to.deep.equal([7])
    })

    it('refuses a stream that has not begun, with a StreamClosedError for the HTTP answer', async () => {
      const { port, streams, host } = await streamsOf(() => [never], { headDelay: 60_000 })
      const wire = ask(port)
      await until(() => streams.length === 1)

      streams[0]?.close(1)
      await wire.ends()

      expect(wire.head).to.match(/^HTTP\/1\.1 500 /)
      expect(wire.chunks).to.deep.equal([new StreamClosedError().message, ''])
      expect(host.over).to.have.length(1)
    })
  })

  describe('abandon()', () => {
    it('leaves the response to somebody else, and ends the source', async () => {
      const host = new Recorder()
      const states: unknown[] = []
      const port = await listen((_, response) => {
        const stream = new EventStream(response, resolveOptions('GET'), host)
        stream.from({ next: () => never, return: () => states.push('returned') })
        stream.abandon()
        states.push(stream.closed, host.over.length)
        response.end('mine')
      })
      const wire = ask(port)

      await wire.sees('mine')

      expect(states).to.deep.equal(['returned', true, 1])
      expect(wire.text).to.not.contain('event-stream')
    })
  })

  describe('cut()', () => {
    it('ends the connection without a word', async () => {
      const { port, streams, host } = await streamsOf(() => ['a', never])
      const wire = ask(port)
      await wire.sees('data: a')

      streams[0]?.cut()
      await wire.closes()

      expect(wire.chunks).to.deep.equal(['data: a\n\n'])
      expect(host.over).to.deep.equal(streams)
    })
  })

  describe('resume()', () => {
    it('asks for no second value while the source still owes the first', async () => {
      const owed = latch<IteratorResult<unknown>>()
      let asked = 0
      const source = { next: () => (++asked === 1 ? owed.promise : { done: true as const, value: undefined }) }
      const { port, streams } = await streaming(stream => stream.from(source), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')

      streams[0]?.resume()
      expect(asked).to.equal(1)
      owed.open({ done: false, value: 'a' })
      await wire.ends()

      expect(asked).to.equal(2)
      expect(wire.chunks).to.deep.equal([': open\n\n', `data: a\n\n${DONE}`, ''])
    })

    it('asks for none while the source owes one, though it has waited for its turn before', async () => {
      let asked = 0
      const source = { next: () => (++asked <= 200 ? { done: false as const, value: 'x'.repeat(1_000) } : never) }
      const { port, streams } = await streaming(stream => stream.from(source))
      ask(port)
      await until(() => asked > 200)

      streams[0]?.resume()

      expect(asked).to.equal(201)
    })

    it('does nothing to a stream that sends by calls, or is over', async () => {
      const task = latch()
      const { port, streams } = await streaming(stream => stream.follow(task.promise), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')

      streams[0]?.resume()
      task.open()
      await wire.ends()
      streams[0]?.resume()

      expect(wire.chunks).to.deep.equal([': open\n\n', DONE, ''])
    })
  })

  describe('follow()', () => {
    it('ends the stream with the task', async () => {
      const task = latch()
      const { port, streams } = await streaming(stream => stream.follow(task.promise))
      const wire = ask(port)
      await until(() => streams.length === 1)
      await streams[0]?.send('a')
      await wire.sees('data: a')

      task.open()
      await wire.ends()

      expect(wire.chunks).to.deep.equal(['data: a\n\n', DONE, ''])
    })

    it('sends a source that the task returns, behind the calls', async () => {
      const { port } = await streaming(stream => {
        stream.send('a')
        stream.follow(Promise.resolve(['b', 'c']))
      })
      const wire = ask(port)

      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: a\n\ndata: b\n\ndata: c\n\n${DONE}`, ''])
    })

    it('fails with the task', async () => {
      const { port, host } = await streaming(stream => {
        stream.send('a')
        stream.follow(Promise.reject(new Error('broken')))
      })
      const wire = ask(port)

      await wire.ends()

      expect(wire.chunks).to.deep.equal([`data: a\n\n${FAILED}`, ''])
      expect(host.logged).to.have.length(1)
    })

    it('tells a source that the task returns too late that nobody reads it', async () => {
      const task = latch<object>()
      const { port, host } = await streaming(stream => stream.follow(task.promise), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')
      wire.leave()
      await until(() => host.over.length === 1)
      let [asked, returned] = [0, 0]

      task.open({
        [Symbol.asyncIterator]: () => ({ next: () => asked++, return: () => returned++ }),
      })
      await turns(3)

      expect([asked, returned]).to.deep.equal([0, 1])
    })
  })

  describe('whenOver()', () => {
    it('calls back once, unless that is called off', async () => {
      const { port, streams, host } = await streaming(stream => stream.follow(never), { headDelay: 0 })
      await ask(port).sees('open')
      const [stream] = streams as [EventStream]
      const calls: string[] = []
      stream.whenOver(() => calls.push('early'))
      stream.whenOver(() => calls.push('called off'))()

      stream.close(1)
      expect(calls).to.deep.equal(['early'])
      await until(() => host.over.length === 1)
      stream.whenOver(() => calls.push('late'))

      expect(calls).to.deep.equal(['early', 'late'])
    })
  })

  describe('send()', () => {
    it('is refused once the stream is over', async () => {
      const { port, host, streams } = await streamsOf(() => ['a'])
      await ask(port).ends()
      await until(() => host.over.length === 1)

      const [over] = streams
      const refusals = await Promise.allSettled([over?.send(1), over?.pass(1, over.options)])

      for (const refusal of refusals) {
        expect(refusal.status === 'rejected' && refusal.reason).to.be.instanceOf(StreamClosedError)
      }
    })

    it('lets the head go, which waited for the first event', async () => {
      const { port, streams } = await streaming(stream => stream.follow(never), { headDelay: 60_000 })
      const wire = ask(port)
      await until(() => streams.length === 1)
      await turns(5)
      expect(wire.text).to.equal('')

      await streams[0]?.send('a')
      await wire.sees('data: a\n\n')

      expect(wire.chunks).to.deep.equal(['data: a\n\n'])
    })

    it('lets go of those that wait for a slow client when the stream ends', async () => {
      const { port, streams } = await streaming(stream => stream.follow(never), { headDelay: 0 })
      const wire = ask(port)
      await wire.sees('open')
      wire.pause()
      const [stream] = streams
      const refused = latch<unknown>()
      stream?.send('x'.repeat(1_000_000)).catch(refused.open)
      for (let n = 0; n < 12; n++) {
        await turns(2)
        stream?.send('x'.repeat(1_000_000)).catch(refused.open)
      }

      stream?.close(1)

      expect(await refused.promise).to.be.instanceOf(StreamClosedError)
    })

    it('waits for a client that reads nothing, with more than a batch too', async () => {
      const { port, streams } = await streaming(stream => stream.follow(never), { headDelay: 0, highWaterMark: 100 })
      const wire = ask(port)
      await wire.sees('open')
      wire.pause()
      const [stream] = streams as [EventStream]
      stream.send('x'.repeat(30_000_000)).catch(() => {})
      expect(stream.blocked).to.equal(true)
      await turns(2)
      let sent = 0

      for (const length of [1, 200])
        stream.send('y'.repeat(length)).then(
          () => sent++,
          () => {},
        )

      await turns(5)
      expect(sent).to.equal(0)
    })

    it('ends the stream with an OverflowError when nobody waits for it, and there is a megabyte too much', async () => {
      const told: StreamErrorContext[] = []
      const signals: boolean[] = []
      const last = latch<unknown>()
      const { port, host } = await streaming(
        stream => {
          signals.push(stream.signal.aborted)
          for (let n = 0; n < 23; n++) stream.send('x'.repeat(50_000)).catch(last.open)
          stream.follow(never)
          signals.push(stream.signal.aborted)
        },
        { onError: (_, context) => void told.push(context) },
      )
      const wire = ask(port)

      await wire.ends()

      expect(await last.promise).to.be.instanceOf(Error)
      expect(host.logged[0]?.error).to.be.instanceOf(OverflowError)
      expect(signals).to.deep.equal([false, true])
      expect(told).to.deep.equal([{ phase: 'overflow', name: 'spec', request: undefined }])
      expect(wire.chunks.join('').endsWith(FAILED)).to.equal(true)
    })
  })
})
