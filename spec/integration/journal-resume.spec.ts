import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { makeFolder, removeFolders } from '../support/folder.js'
import { freePort } from '../support/listen.js'
import { subscribe } from '../support/subscribe.js'
import { until } from '../support/until.js'

const script = fileURLToPath(new URL('../support/topic-server.js', import.meta.url))

describe('Clients of topics that are kept in a file', function () {
  this.timeout(30_000)

  let folder: string
  let port: number
  let server: ChildProcess

  beforeEach(async () => {
    folder = await makeFolder()
    port = await freePort()
    await start()
  })

  afterEach(async () => {
    await end('SIGKILL')
    await removeFolders()
  })

  async function start(): Promise<void> {
    server = spawn(process.execPath, [script, folder, `${port}`], {
      env: { ...process.env, NODE_V8_COVERAGE: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [told] = (await once(server.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer]
    expect(`${told}`).to.equal('listening\n')
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    const exit = once(server, 'exit')
    server.kill(signal)
    await exit
  }

  const urlOf = (topic: string): string => `http://127.0.0.1:${port}/topics/${topic}`

  async function publish(topic: string, text: string): Promise<string> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(urlOf(topic), { method: 'POST', headers, body: JSON.stringify({ text }) })
    const { position } = (await response.json()) as { position: string }
    return position
  }

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`continue in the next process with the event after their last event ID: ${signal}`, async () => {
      const positions = []
      for (const text of ['one', 'two', 'three']) positions.push(await publish('room', text))
      await end(signal)
      await start()
      positions.push(await publish('room', 'four'))

      const stream = await subscribe(urlOf('room'), { headers: { 'last-event-id': positions[0] as string } })

      expect(await stream.take(3)).to.deep.equal([
        { id: positions[1], event: undefined, data: 'two' },
        { id: positions[2], event: undefined, data: 'three' },
        { id: positions[3], event: undefined, data: 'four' },
      ])
      stream.leave()
    })
  }

  it('miss nothing and see nothing twice, when they are EventSources', async () => {
    const source = new EventSource(urlOf('room'))
    const seen: string[] = []
    source.onmessage = ({ data }) => seen.push(data)
    source.addEventListener('stream:gap', ({ data }) => seen.push(data))
    await once(source as never, 'open')
    await publish('room', 'one')
    await publish('room', 'two')
    await until(() => seen.length === 2)

    await end('SIGKILL')
    await start()
    for (const text of ['three', 'four']) await publish('room', text)

    await until(() => seen.length === 4)
    expect(seen).to.deep.equal(['one', 'two', 'three', 'four'])
    source.close()
  })

  it('are told of no gap by the next process in a topic that has nothing yet', async () => {
    const url = urlOf('room+quiet')
    const first = await subscribe(url)
    await publish('room', 'one')
    const [one] = await first.take(1)
    expect(one?.id).to.match(/^\w+\.1,\w+\.0$/)
    await end('SIGKILL')
    await start()

    const stream = await subscribe(url, { headers: { 'last-event-id': one?.id as string } })
    await publish('room', 'two')
    await publish('quiet', 'three')

    expect((await stream.take(2)).map(({ event, data }) => event ?? data)).to.deep.equal(['two', 'three'])
    stream.leave()
  })
})
