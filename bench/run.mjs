// npm run bench [-- --quick] [--rounds 5] [--only burst] [--chart]: the framework beside its peers, in one interleaved run.
//
// Rounds are A B C A B C …, and every ratio is taken within a round: the speed of a machine drifts, the ratio hardly does.
// Where `taskset` exists, the server has core 0 and the load core 1. CPU is that of the server process alone.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases, figures } from './cases.mjs'
import { chart } from './chart.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    chart: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
const here = import.meta.dirname
const pinned = spawnSync('taskset', ['--version']).status === 0
const binary = compile()
const children = new Set()
/** The servers of all cases but those that need one made anew. */
const running = new Map()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const drawn = []
for (const { title, load, quick, ...more } of cases) {
  const chosen = values.quick ? quick : load
  const one = { ...more, title: title(chosen), load: chosen }
  if (!`${one.name}: ${one.title}`.includes(values.only)) continue
  const results = await measure(one)
  console.log(table(one, results))
  drawn.push({ ...one, results })
}
if (values.chart) writeFileSync(join(here, 'chart.svg'), chart(drawn, median))
process.exit()

/** The load is C, so that it does not hold the servers back. */
function compile() {
  const results = join(here, 'results')
  mkdirSync(results, { recursive: true })
  const output = join(results, 'load')
  const { status, error } = spawnSync('cc', ['-O2', '-o', output, join(here, 'load.c')], { stdio: 'inherit' })
  if (status !== 0) throw new Error('bench/load.c needs a C compiler, such as the Debian package gcc', { cause: error })
  return output
}

async function measure({ servers, load, fresh = false, apart = false }) {
  if (!fresh) {
    for (const name of servers) {
      if (apart) stop(name)
      if (!running.has(name)) running.set(name, await start(name))
    }
  }
  const results = new Map(servers.map(name => [name, []]))
  // The first round only warms up; a server that is made anew for each round is warmed up by itself.
  for (let round = fresh ? 1 : 0; round <= rounds; round++) {
    for (const name of servers) {
      const server = fresh ? await start(name) : running.get(name)
      if (fresh) await warm(server, load)
      const result = await run(server, load)
      if (round > 0) results.get(name).push(result)
      if (fresh) server.child.kill('SIGKILL')
    }
  }
  return results
}

async function start(name) {
  const port = await freePort()
  const probe = join(here, 'probe.mjs')
  const script = join(here, 'servers', `${name}.mjs`)
  const command = [process.execPath, '--expose-gc', '--import', probe, script, String(port)]
  const log = openSync(join(here, 'results', `${name}.log`), 'a')
  const child = pinnedSpawn(0, command, ['ignore', log, log, 'ipc'])
  closeSync(log)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The server ${name} did not start`)
    const answer = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return { name, child, port }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function stop(name) {
  running.get(name)?.child.kill('SIGKILL')
  running.delete(name)
}

/** A little of the same. */
async function warm({ port }, load) {
  await loadOnce(port, { ...load, connections: 200, silent: 0 }, () => {})
}

async function run({ name, child, port }, load) {
  let before = await probe(child)
  const empty = load.mode === 'idle' ? await memoryOf(port) : 0
  let full = empty
  const result = await loadOnce(port, load, async () => {
    before = await probe(child)
    if (load.mode === 'idle') full = await memoryOf(port)
  })
  if (result.failed > 0) throw new Error(`${name}: ${result.failed} connections failed`)
  const after = await probe(child)
  const { connections } = load
  const memory = (full - empty) / 1024 / connections
  return { ...result, connections, memory, cpu: after.cpu - before.cpu, growth: after.peak - before.now }
}

/** @param ready is called when all are connected, where they connect first */
async function loadOnce(port, { mode, ...options }, ready) {
  const named = Object.entries({ port, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)])
  const client = pinnedSpawn(1, [binary, mode, ...named], ['pipe', 'pipe', 'inherit'])
  const closed = once(client, 'close')
  let output = ''
  client.stdout.on('data', async chunk => {
    output += chunk
    if (String(chunk) !== 'ready\n') return
    await ready()
    client.stdin.write('\n')
  })
  await closed
  return JSON.parse(output.replace('ready\n', ''))
}

async function memoryOf(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/mem`)
  return (await answer.json()).rss
}

async function probe(child) {
  child.send('probe')
  const [told] = await once(child, 'message')
  return told
}

function pinnedSpawn(core, [command, ...args], stdio) {
  const env = { ...process.env, NODE_ENV: 'production' }
  const line = pinned ? ['taskset', '-c', String(core), command, ...args] : [command, ...args]
  const child = spawn(line[0], line.slice(1), { stdio, env })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}

function table({ title, base = 'node', told }, results) {
  const columns = told.flatMap(name => (figures[name].ratio ? [name, `${name}/`] : [name]))
  const head = columns.map(name => (name.endsWith('/') ? `to ${base}` : figures[name].label))
  const ratio = (name, list) => {
    const { of } = figures[name]
    return median(list.map((result, round) => of(result) / of(results.get(base)[round]))).toFixed(2)
  }
  const rows = [...results].map(([server, list]) => {
    const cells = columns.map(name => (name.endsWith('/') ? ratio(name.slice(0, -1), list) : absolute(name, list)))
    return `| ${server} | ${cells.join(' | ')} |`
  })
  return `\n### ${title}\n\n| server | ${head.join(' | ')} |\n|---|${'--:|'.repeat(head.length)}\n${rows.join('\n')}`
}

function absolute(name, list) {
  const { of, digits, unit = '' } = figures[name]
  const value = median(list.map(of))
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }) + unit
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}
