// better-sse on node:http: createSession, session.iterate, channel.broadcast. Usage: node bench/servers/better-sse.mjs <port>
import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { memory, numbersOf, publish, tokens } from '../work.mjs'

const channel = createChannel()

function answer(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

createServer(async (request, response) => {
  const { n, ms, ...rest } = numbersOf(request.url)
  const [path] = request.url.split('?', 1)
  if (path === '/json') return answer(response, { hello: 'world' })
  if (path === '/mem') return answer(response, memory())
  if (path === '/publish') {
    publish(rest, data => channel.broadcast(data))
    return answer(response, {})
  }
  const session = await createSession(request, response)
  if (path === '/live') return channel.register(session)
  await session.iterate(tokens(n, ms), { eventName: 'token' })
  response.end()
}).listen(Number(process.argv[2]), '127.0.0.1')
