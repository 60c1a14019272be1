// The load: raw sockets, and events counted as the parser of a browser would end them, by their empty lines.
// Usage: node bench/client.mjs '{"port":…,"path":…,"body":…,"connections":…,"requests":…,"events":…}'; prints one line of
// JSON. With a body, the requests are POSTs of it, as JSON.
import { connect } from 'node:net'

const { port, path, body, connections, requests, events } = JSON.parse(process.argv[2])
const request = body === undefined ? `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n` : post(JSON.stringify(body))
const started = performance.now()
const firsts = []
let done = 0

function post(text) {
  const length = Buffer.byteLength(text)
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${text}`
}

/** One connection: asks `requests` times, one after the other, or, for streams, counts `events` events and leaves. */
function open() {
  const opened = performance.now()
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  let left = events ?? requests
  let last = 0
  socket.on('data', chunk => {
    if (left === (events ?? requests)) {
      firsts.push(performance.now() - opened)
      if (!/^HTTP\/1.1 2/.test(chunk)) throw new Error(`The server answered ${chunk}`)
    }
    if (events === undefined) {
      // One answer of the JSON route comes in one piece.
      if (--left === 0) return socket.end()
      return socket.write(request)
    }
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (byte === 13) continue
      if (byte === 10 && last === 10) left--
      last = byte
    }
    if (left <= 0) socket.destroy()
  })
  socket.on('close', () => {
    done++
    if (done === connections) report()
  })
}

function report() {
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage()
  firsts.sort((a, b) => a - b)
  const total = connections * (events ?? requests)
  const busy = (user + system) / 1e6 / seconds
  console.log(JSON.stringify({ seconds, total, rate: total / seconds, first: firsts[firsts.length >> 1], busy }))
}

for (let i = 0; i < connections; i++) open()
