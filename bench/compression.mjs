import { CODINGS, compressorFor } from '../dist/src/sse/coding.js'
import { pieceOf, Tally } from '../dist/src/sse/gzip.js'

// What it costs and saves to compress streams: the table of docs/answers.md. `npm run build` comes first.

const STREAMS = 500
const EVENTS = 2_000

/** Prices that wander, as a stream of them has it: about 90 bytes each. */
function* events() {
  const symbols = ['OKP', 'GNU', 'YAK', 'ELK']
  let seed = 1
  const random = below => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let id = 1; id <= EVENTS; id++) {
    const data = {
      symbol: symbols[random(4)],
      price: random(100_000) / 100,
      volume: random(10_000),
      at: 1_767_225_600_000 + id * 250,
    }
    yield `id: ${id}\nevent: price\ndata: ${JSON.stringify(data)}\n\n`
  }
}

/** The events, so many in a batch. */
function batchesOf(count) {
  const all = [...events()]
  return Array.from({ length: all.length / count }, (_, n) => all.slice(n * count, (n + 1) * count).join(''))
}

/** How long a batch is behind a compressor that has flushed it. */
function flushed(compressor, batch) {
  return new Promise(resolve => {
    let size = 0
    const count = piece => {
      size += piece.length
    }
    compressor.on('data', count)
    compressor.write(batch, () => {
      compressor.off('data', count)
      resolve(size)
    })
  })
}

/** What a compressor is to a stream of a topic: the checksum of what it was sent. */
class Shared {
  #tally = new Tally()

  add(piece) {
    this.#tally.add(piece)
    return piece.bytes.length
  }

  destroy() {}
}

/** Gives a batch to all of many streams. */
function writeAll(streams, batch) {
  if (!(streams[0] instanceof Shared)) return Promise.all(streams.map(one => flushed(one, batch)))
  const piece = pieceOf(batch)
  return streams.map(one => one.add(piece))
}

async function shareOf(batches, compress) {
  let [before, after] = [0, 0]
  for (const batch of batches) {
    before += Buffer.byteLength(batch)
    after += await compress(batch)
  }
  return `${Math.round((100 * after) / before)} %`
}

/** Kibibytes of the process for each of many streams at work. */
async function memoryOf(make) {
  const batches = batchesOf(20).slice(0, 5)
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  const streams = Array.from({ length: STREAMS }, make)
  for (const batch of batches) await writeAll(streams, batch)
  globalThis.gc?.()
  const each = (process.memoryUsage.rss() - before) / STREAMS / 1_024
  for (const one of streams) one.destroy()
  return `${Math.round(each / 5) * 5} KiB`
}

const [coding] = process.argv.slice(2)
if (coding === undefined) {
  // A process for each, whose memory nobody has used before.
  const { execFileSync } = await import('node:child_process')
  const own = new URL(import.meta.url).pathname
  const run = one => process.stdout.write(execFileSync(process.execPath, ['--expose-gc', own, one]))
  console.log(
    '| coding | memory for each stream | size, one event at a time | size, 20 events at a time |\n|---|---|---|---|',
  )
  for (const one of [...CODINGS, 'topic']) run(one)
} else {
  const make = () => (coding === 'topic' ? new Shared() : compressorFor(coding))
  const memory = await memoryOf(make)
  const sizes = []
  for (const count of [1, 20]) {
    const stream = make()
    sizes.push(await shareOf(batchesOf(count), async batch => (await writeAll([stream], batch))[0]))
  }
  console.log(`| ${coding === 'topic' ? 'gzip of a topic' : coding} | ${memory} | ${sizes.join(' | ')} |`)
}
