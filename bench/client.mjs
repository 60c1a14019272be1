// The load: raw sockets, and events counted as the parser of a browser would end them, by their empty lines.
// Usage: node bench/client.mjs '{"port":…,"path":…,"connections":…,"requests":…,"events":…}'; prints one line of JSON.
import { connect } from 'node:net'

const { port, path, connections, requests, events } = JSON.parse(process.argv[2])
const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
const started = performance.now()
const firsts = []
let done = 0

/** One connection: asks `requests` times, one after the other, or, for streams, counts `events` events and leaves. */
function open() {
  const opened = performance.now()
  const socket = connect(port, '127.0.0.1', () => socket.write(head))
  let left = events ?? requests
  let last = 0
  socket.on('data', chunk => {
    if (left === (events ?? requests)) firsts.push(performance.now() - opened)
    if (events === undefined) {
      // One answer of the JSON route comes in one piece.
      if (--left === 0) return socket.end()
      return socket.write(head)
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
