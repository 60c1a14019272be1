import { expect } from 'chai'
import { JsonSerializer } from 'okapi'
import { LiveData } from '../../sample/live-data.js'
import { XmlSerializer } from '../../sample/xml-serializer.js'
import { methodRecords } from '../../src/metadata.js'
import { FastClock } from '../support/fast-clock.js'
import { closeSamples, startSample } from '../support/sample.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const END = 'id: stream.end\nevent: stream:end\ndata: {"reason":"done"}\n\n'

describe('The examples of the guide', () => {
  afterEach(closeSamples)

  it('A1: /time sends the time each second as RFC 3339 text, until the client leaves', async () => {
    const { app, url, clock } = await startSample()
    const stream = await subscribe(`${url}/time`)

    const events = await stream.take(3)
    stream.leave()

    expect(events.map(({ data }) => data)).to.deep.equal([
      '2026-01-31T12:00:01.000Z',
      '2026-01-31T12:00:02.000Z',
      '2026-01-31T12:00:03.000Z',
    ])
    expect(new Set(clock.waits)).to.deep.equal(new Set([1_000]))
    await until(() => app.streams.size === 0 && clock.waiting === 0)
  })

  it('A2: /counter sends 0 to 10, a second apart, then ends', async () => {
    const { url, clock } = await startSample()

    const text = await (await fetch(`${url}/counter`)).text()

    const counts = Array.from({ length: 11 }, (_, count) => `data: ${count}\n\n`)
    expect(text).to.equal(counts.join('') + END)
    expect(clock.waits).to.deep.equal(Array(11).fill(1_000))
  })

  it('A3: /stocks sends name, price and time as JSON every 2 s, until the client leaves', async () => {
    const { app, url, clock } = await startSample()
    const stream = await subscribe(`${url}/stocks`)

    const events = await stream.take(2)
    stream.leave()

    expect(events.map(({ data }) => data)).to.deep.equal([
      '{"name":"STOCK-XYZ","price":152.25,"time":"2026-01-31T12:00:02.000Z"}',
      '{"name":"STOCK-XYZ","price":154.25,"time":"2026-01-31T12:00:04.000Z"}',
    ])
    expect(new Set(clock.waits)).to.deep.equal(new Set([2_000]))
    await until(() => app.streams.size === 0 && clock.waiting === 0)
  })

  it('A4: /notifications sends an info, a warning and a failure, 2 s apart, then ends', async () => {
    const { url, clock } = await startSample()

    const text = await (await fetch(`${url}/notifications`)).text()

    expect(text).to.equal(
      'event: info\ndata: {"message":"System started"}\n\n' +
        'event: warning\ndata: {"message":"High CPU usage"}\n\n' +
        'event: failure\ndata: {"message":"Database connection failed"}\n\n' +
        END,
    )
    expect(clock.waits).to.deep.equal([2_000, 2_000, 2_000])
  })

  it('A5: /messages sends five messages with the ids msg-0 to msg-4, a second apart, then ends', async () => {
    const { url, clock } = await startSample()

    const text = await (await fetch(`${url}/messages`)).text()

    const start = Date.UTC(2026, 0, 31, 12) / 1_000
    const messages = Array.from(
      { length: 5 },
      (_, n) => `id: msg-${n}\nevent: message\ndata: {"text":"Message ${n}","timestamp":${start + n}}\n\n`,
    )
    expect(text).to.equal(messages.join('') + END)
    expect(clock.waits).to.deep.equal(Array(5).fill(1_000))
  })

  it('A6: /channel sends ten updates, count 0 to 9, then comes to a clean end', async () => {
    const { url, clock } = await startSample()
    const stream = await subscribe(`${url}/channel`)

    const events = await stream.rest()

    const last = events.pop()
    expect(events.map(({ event, data }) => [event, data])).to.deep.equal(
      Array.from({ length: 10 }, (_, count) => [
        'update',
        `{"count":${count},"time":"${new Date(Date.UTC(2026, 0, 31, 12, 0, count + 1)).toISOString()}"}`,
      ]),
    )
    expect(last?.event).to.equal('stream:end')
    expect(clock.waits).to.deep.equal(Array(10).fill(1_000))
  })

  describe('A7: /live-data', () => {
    const { error: log } = console
    let told: unknown[][]

    beforeEach(() => {
      told = []
      console.error = (...words: unknown[]) => told.push(words)
    })

    afterEach(() => {
      console.error = log
    })

    /** Goes on for one reading, then breaks. */
    class BrokenClock extends FastClock {
      override async *every(milliseconds: number, signal: AbortSignal): AsyncGenerator<Date> {
        await this.sleep(milliseconds, signal)
        yield this.now()
        throw new Error('The sensor is gone')
      }
    }

    it('A7: /live-data sends readings every 2 s through the serializer of its stream', async () => {
      class Wrapped extends JsonSerializer {
        override serialize(data: unknown): string {
          return `through ${super.serialize(data)}`
        }
      }
      const { url, clock } = await startSample({
        fakes: container => container.register(JsonSerializer, { useClass: Wrapped }),
      })
      const stream = await subscribe(`${url}/live-data`)

      const events = await stream.take(2)
      stream.leave()

      expect(events.map(({ event, data }) => [event, data])).to.deep.equal([
        ['data', 'through {"temperature":22,"humidity":62}'],
        ['data', 'through {"temperature":24,"humidity":64}'],
      ])
      expect(new Set(clock.waits)).to.deep.equal(new Set([2_000]))
    })

    it('A7: /live-data pings after 30 s of silence', () => {
      const [route] = methodRecords(LiveData).get('liveData')?.routes ?? []

      expect(route?.stream?.pingInterval).to.equal(30_000)
    })

    it('A7: /live-data tells its onError of a failure', async () => {
      const { url } = await startSample({ clock: new BrokenClock() })
      const stream = await subscribe(`${url}/live-data`)

      const events = await stream.rest()

      expect(events.map(({ event }) => event)).to.deep.equal(['data', 'stream:error'])
      expect(told).to.have.length(1)
      expect(String(told[0])).to.contain('LiveData.liveData GET /live-data').and.contain('The sensor is gone')
    })

    it('A7: /live-data leaves out a reading that cannot be sent, and goes on', async () => {
      class Moody extends JsonSerializer {
        #count = 0
        override serialize(data: unknown): string {
          if (++this.#count === 2) throw new Error('Not this one')
          return super.serialize(data)
        }
      }
      const { url } = await startSample({
        fakes: container => container.registerInstance(JsonSerializer, new Moody()),
      })
      const stream = await subscribe(`${url}/live-data`)

      const events = await stream.take(2)
      stream.leave()

      expect(events.map(({ data }) => data)).to.deep.equal([
        '{"temperature":22,"humidity":62}',
        '{"temperature":26,"humidity":66}',
      ])
      expect(told).to.have.length(1)
    })
  })

  it('A8: /images sends one event, the bytes 89 50 4E 47 as Base64, then ends', async () => {
    const { url } = await startSample()

    const text = await (await fetch(`${url}/images`)).text()

    expect(text).to.equal(`data: iVBORw==\n\n${END}`)
  })

  describe('A9: /xml-events', () => {
    it('A9: /xml-events sends one event, an update element made by the serializer of the user, then ends', async () => {
      const { url } = await startSample()

      const text = await (await fetch(`${url}/xml-events`)).text()

      expect(text).to.equal(
        `data: <update><message>Hello World</message><time>2026-01-31T12:00:00.000Z</time></update>\n\n${END}`,
      )
    })

    it('A9: /xml-events answers with an error when there is no XML for its data', async () => {
      class Broken extends XmlSerializer {
        override serialize(): string {
          throw new Error('This has no XML form')
        }
      }
      const { url } = await startSample({ fakes: container => container.register(XmlSerializer, { useClass: Broken }) })

      const response = await fetch(`${url}/xml-events`)

      expect(response.status).to.equal(500)
      expect(response.headers.get('content-type')).to.equal('application/problem+json; charset=utf-8')
      expect(await response.json()).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    })
  })
})
