// What is measured: the load, who takes part, and which figures are told.
import { order } from './order.mjs'

const ALL = ['node', 'okapi', 'fastify-sse', 'better-sse', 'nest', 'hono']

/** The figures of a case: how they are called, and what they are made of. */
export const figures = {
  rate: { label: 'per second', of: ({ total, seconds }) => total / seconds, digits: 0, ratio: true },
  cpu: { label: 'CPU µs each', of: ({ total, cpu }) => cpu / total, digits: 3, ratio: true },
  cpuPerConnection: { label: 'CPU µs each', of: ({ connections, cpu }) => cpu / connections, digits: 1, ratio: true },
  first: { label: 'first event ms', of: ({ first }) => first, digits: 1 },
  p50: { label: 'p50 ms', of: ({ p50 }) => p50, digits: 1 },
  p99: { label: 'p99 ms', of: ({ p99 }) => p99, digits: 1 },
  growth: { label: 'peak memory MiB more', of: ({ growth }) => growth / 1024, digits: 0 },
  memory: { label: 'KiB each', of: ({ memory }) => memory, digits: 1, ratio: true },
  wrong: {
    label: 'lost or wrong',
    of: result => result.missing + result.lost + result.doubled + result.reordered,
    digits: 0,
  },
  busy: { label: 'load busy', of: ({ busy }) => busy * 100, digits: 0, unit: ' %' },
}

const number = value => value.toLocaleString('en-US')

const fanout = (connections, events, rate, size = 100) => ({
  mode: 'fanout',
  connections,
  events,
  path: '/live',
  publish: `/publish?count=${events}&size=${size}&rate=${rate}`,
})

const streams = (connections, events) => ({ mode: 'streams', path: `/gen?n=${events}`, connections, events })
const ticks = (connections, events) => ({ mode: 'streams', path: `/ticks?n=${events}&ms=50`, connections, events })
const requests = (path, count) => ({ mode: 'requests', path, connections: 50, count })

/** Each with its load, and one that takes less time. */
export const cases = [
  {
    name: 'one stream',
    title: ({ events }) => `one stream of ${number(events)} events`,
    servers: ALL,
    load: streams(1, 300_000),
    quick: streams(1, 30_000),
    told: ['rate', 'cpu', 'busy'],
  },
  {
    name: 'many streams',
    title: ({ connections, events }) => `${connections} streams of ${number(events)} events at the same time`,
    servers: ALL,
    load: streams(100, 5_000),
    quick: streams(100, 1_000),
    told: ['rate', 'cpu', 'first', 'busy'],
  },
  {
    name: 'paced streams',
    title: ({ connections, events }) => `${number(connections)} streams of ${events} events, 50 ms apart`,
    servers: ALL,
    load: ticks(1_000, 40),
    quick: ticks(1_000, 20),
    told: ['cpu', 'first', 'busy'],
  },
  {
    name: 'short streams',
    title: ({ connections }) => `${number(connections)} connections for one event each, 64 at a time`,
    servers: ALL,
    load: { ...streams(2_000, 1), width: 64 },
    quick: { ...streams(1_000, 1), width: 64 },
    told: ['rate', 'cpuPerConnection', 'first', 'busy'],
  },
  {
    name: 'burst',
    title: ({ connections, events }) => `fan-out: a burst of ${events} events to ${number(connections)} clients`,
    servers: ALL,
    load: fanout(1_000, 200, 0),
    quick: fanout(1_000, 50, 0),
    told: ['rate', 'cpu', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'one per turn',
    title: ({ connections, events }) =>
      `fan-out: ${events} events to ${number(connections)} clients, one in each turn of the event loop`,
    servers: ALL,
    load: fanout(1_000, 100, -1),
    quick: fanout(1_000, 20, -1),
    told: ['rate', 'cpu', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'paced',
    title: ({ connections }) => `fan-out: 10 events a second to ${number(connections)} clients`,
    servers: ALL,
    load: fanout(1_000, 20, 10),
    quick: fanout(1_000, 10, 10),
    told: ['cpu', 'p50', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'slow readers',
    title: ({ connections, events }) =>
      `fan-out: ${events} events of 1,000 bytes to ${number(connections)} clients, ten of which read nothing`,
    servers: ALL,
    load: { ...fanout(1_000, 200, 0, 1_000), silent: 10 },
    quick: { ...fanout(1_000, 60, 0, 1_000), silent: 10 },
    fresh: true,
    told: ['rate', 'cpu', 'p99', 'growth', 'wrong', 'busy'],
  },
  {
    name: 'ten thousand',
    title: ({ connections, events }) => `fan-out: ${events} events to ${number(connections)} clients, one a second`,
    servers: ['node', 'okapi'],
    load: fanout(10_000, 10, 1),
    quick: fanout(10_000, 3, 1),
    fresh: true,
    told: ['cpu', 'p50', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'idle',
    title: ({ connections }) => `${number(connections)} connections that only listen`,
    servers: ALL,
    load: { mode: 'idle', connections: 5_000, path: '/live' },
    quick: { mode: 'idle', connections: 2_000, path: '/live' },
    fresh: true,
    told: ['memory'],
  },
  {
    name: 'JSON',
    title: ({ connections }) => `JSON, ${connections} connections`,
    base: 'fastify',
    servers: ['fastify', 'okapi', 'node', 'nest', 'hono'],
    load: requests('/json', 1_000),
    quick: requests('/json', 200),
    apart: true,
    told: ['rate', 'cpu', 'busy'],
  },
  {
    name: 'POST',
    title: ({ connections }) => `a POST with a nested DTO, validated, ${connections} connections`,
    base: 'nest',
    servers: ['nest', 'okapi', 'fastify-validator', 'fastify'],
    load: { ...requests('/orders', 1_000), body: JSON.stringify(order) },
    quick: { ...requests('/orders', 200), body: JSON.stringify(order) },
    apart: true,
    told: ['rate', 'cpu', 'busy'],
  },
]
