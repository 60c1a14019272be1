// What one would write by hand on node:http: an async generator, one write for all that came without waiting, and
// backpressure; for many clients, one chunk for all events of a turn, written to each socket, and a log for those that
// are behind. It does nothing else that a framework does. Usage: node bench/servers/node.mjs <port>
import { createServer } from 'node:http'
import { memory, numbersOf, publish, tokens } from '../work.mjs'

const HEAD = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }

function stream(response, source) {
  response.writeHead(200, HEAD)
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

const LIMIT = 8 << 20
const live = new Set()
const behind = new Map()
let log = []
let base = 0
let size = 0
let turn = ''

function listen(response) {
  const { socket } = response
  response.writeHead(200, HEAD)
  response.flushHeaders()
  live.add(socket)
  socket.on('drain', () => catchUp(socket))
  socket.on('close', () => {
    live.delete(socket)
    behind.delete(socket)
  })
}

function broadcast(data) {
  if (turn === '') process.nextTick(tell)
  turn += `data: ${data}\n\n`
}

function tell() {
  const chunk = Buffer.from(`${turn.length.toString(16)}\r\n${turn}\r\n`, 'latin1')
  turn = ''
  if (behind.size > 0) keep(chunk)
  else forget()
  for (const socket of live) {
    socket.write(chunk)
    if (socket.writableLength === 0) continue
    live.delete(socket)
    behind.set(socket, base + log.length)
  }
}

function keep(chunk) {
  log.push(chunk)
  size += chunk.length
  while (size > LIMIT) {
    size -= log.shift().length
    base++
  }
  for (const [socket, next] of behind) if (next < base) socket.destroy()
}

function forget() {
  base += log.length
  log = []
  size = 0
}

function catchUp(socket) {
  const next = behind.get(socket)
  if (next === undefined) return
  behind.set(socket, base + log.length)
  if (next < base + log.length) socket.write(Buffer.concat(log.slice(next - base)))
  if (socket.writableLength !== 0) return
  behind.delete(socket)
  live.add(socket)
}

function answer(response, value) {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(value))
}

createServer((request, response) => {
  const { n, ms, ...rest } = numbersOf(request.url)
  const [path] = request.url.split('?', 1)
  if (path === '/json') return answer(response, { hello: 'world' })
  if (path === '/mem') return answer(response, memory())
  if (path === '/live') return listen(response)
  if (path === '/publish') {
    publish(rest, broadcast)
    return answer(response, {})
  }
  return stream(response, tokens(n, ms))
}).listen(Number(process.argv[2]), '127.0.0.1')
