// What one would write by hand on node:http: an async generator, one res.write for all that came without waiting.
// It minds backpressure, and does nothing else that a framework does. Usage: node bench/servers/node.mjs <port>
import { createServer } from 'node:http'

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function* tokens(n, ms) {
  for (let i = 0; i < n; i++) {
    if (ms > 0) await sleep(ms)
    yield { i, t: 'hello' }
  }
}

function stream(response, source) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  let text = ''
  let armed = false
  const flush = () => {
    armed = false
    const batch = text
    text = ''
    return batch === '' || response.write(batch)
  }
  const pull = () => source.next().then(step)
  const step = ({ done, value }) => {
    if (done) {
      flush()
      return response.end()
    }
    text += `event: token\ndata: ${JSON.stringify(value)}\n\n`
    if (text.length >= 16_000) {
      if (!flush()) return response.once('drain', () => setImmediate(pull))
    } else if (!armed) {
      armed = true
      process.nextTick(flush)
    }
    return pull()
  }
  pull()
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  if (pathname === '/json') {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
    response.end('{"hello":"world"}')
    return
  }
  stream(response, tokens(Number(searchParams.get('n')), Number(searchParams.get('ms') ?? 0)))
}).listen(Number(process.argv[2]), '127.0.0.1')
