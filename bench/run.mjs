// npm run bench [-- --rounds 5 --only gen]: the framework beside hand-written Node and bare Fastify, in one interleaved run.
//
// Rounds are A B C A B C …, and every ratio is taken within a round: the speed of a machine drifts, the ratio hardly does.
// Where `taskset` exists, the server has core 0 and the load core 1. CPU is that of the server process alone.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { order } from './order.mjs'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
})
const rounds = Number(values.rounds)
const here = import.meta.dirname
const pinned = spawnSync('taskset', ['--version']).status === 0

const cases = [
  {
    title: 'one stream of 300,000 events',
    base: 'node',
    servers: ['node', 'okapi'],
    load: { path: '/gen?n=300000', connections: 1, events: 300_000 },
  },
  {
    title: '100 streams of 5,000 events',
    base: 'node',
    servers: ['node', 'okapi'],
    load: { path: '/gen?n=5000', connections: 100, events: 5_000 },
  },
  {
    title: '500 streams of 40 events, 50 ms apart',
    base: 'node',
    servers: ['node', 'okapi'],
    load: { path: '/gen?n=40&ms=50', okapi: '/ticks?n=40&ms=50', connections: 500, events: 40 },
  },
  {
    title: '2,000 connections for one event each',
    base: 'node',
    servers: ['node', 'okapi'],
    load: { path: '/gen?n=1', connections: 2_000, events: 1 },
  },
  {
    title: 'JSON, 50 connections',
    base: 'fastify',
    servers: ['fastify', 'node', 'okapi'],
    load: { path: '/json', connections: 50, requests: 1_000 },
  },
  {
    title: 'a POST with a nested DTO, validated, 50 connections',
    base: 'nest',
    servers: ['nest', 'okapi', 'fastify-validator', 'fastify'],
    load: { path: '/orders', body: order, connections: 50, requests: 1_000 },
  },
]

for (const one of cases.filter(({ title }) => title.includes(values.only))) await measure(one)

async function measure({ title, base, servers, load }) {
  const running = new Map()
  for (const name of servers) running.set(name, await start(name))
  const results = new Map(servers.map(name => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of servers) {
      const result = await run(running.get(name), { ...load, path: (name === 'okapi' && load.okapi) || load.path })
      if (round > 0) results.get(name).push(result)
    }
  }
  for (const { child } of running.values()) child.kill('SIGKILL')
  print(title, base, results)
}

async function start(name) {
  const port = await freePort()
  const command = ['--import', join(here, 'cpu.mjs'), join(here, 'servers', `${name}.mjs`), String(port)]
  const child = pinnedSpawn(0, command, ['ignore', 'inherit', 'inherit', 'ipc'])
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The server ${name} did not start`)
    const answer = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined)
    if (answer?.ok) return { child, port }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function run({ child, port }, load) {
  const before = await cpuOf(child)
  const client = pinnedSpawn(
    1,
    [join(here, 'client.mjs'), JSON.stringify({ port, ...load })],
    ['ignore', 'pipe', 'inherit'],
  )
  let output = ''
  client.stdout.on('data', chunk => {
    output += chunk
  })
  await once(client, 'close')
  const { total, rate, first, busy } = JSON.parse(output)
  return { rate, first, busy, cpu: ((await cpuOf(child)) - before) / total }
}

async function cpuOf(child) {
  child.send('cpu')
  const [{ user, system }] = await once(child, 'message')
  return user + system
}

function pinnedSpawn(core, args, stdio) {
  const env = { ...process.env, NODE_ENV: 'production' }
  if (!pinned) return spawn(process.execPath, args, { stdio, env })
  return spawn('taskset', ['-c', String(core), process.execPath, ...args], { stdio, env })
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  return port
}

function print(title, base, results) {
  const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
  console.log(`\n### ${title}\n`)
  console.log(`| server | per second | ratio to ${base} | CPU µs each | ratio to ${base} | first, ms | load busy |`)
  console.log('|---|--:|--:|--:|--:|--:|--:|')
  for (const [name, list] of results) {
    const of = key => median(list.map(result => result[key]))
    const ratio = key => median(list.map((result, round) => result[key] / results.get(base)[round][key])).toFixed(2)
    const cells = [
      Math.round(of('rate')).toLocaleString('en-US'),
      ratio('rate'),
      of('cpu').toFixed(2),
      ratio('cpu'),
      of('first').toFixed(1),
    ]
    console.log(`| ${name} | ${cells.join(' | ')} | ${Math.round(of('busy') * 100)} % |`)
  }
}
