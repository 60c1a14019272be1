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

const fanout = (connections, events, rate, size = 100) => ({
  mode: 'fanout',
  connections,
  events,
  path: '/live',
  publish: `/publish?count=${events}&size=${size}&rate=${rate}`,
})

export const cases = [
  {
    name: 'one stream',
    title: 'one stream of 300,000 events',
    servers: ALL,
    load: { mode: 'streams', path: '/gen?n=300000', connections: 1, events: 300_000 },
    told: ['rate', 'cpu', 'busy'],
  },
  {
    name: 'many streams',
    title: '100 streams of 5,000 events at the same time',
    servers: ALL,
    load: { mode: 'streams', path: '/gen?n=5000', connections: 100, events: 5_000 },
    told: ['rate', 'cpu', 'first', 'busy'],
  },
  {
    name: 'paced streams',
    title: '1,000 streams of 40 events, 50 ms apart',
    servers: ALL,
    load: { mode: 'streams', path: '/ticks?n=40&ms=50', connections: 1_000, events: 40 },
    told: ['cpu', 'first', 'busy'],
  },
  {
    name: 'short streams',
    title: '2,000 connections for one event each, 64 at a time',
    servers: ALL,
    load: { mode: 'streams', path: '/gen?n=1', connections: 2_000, width: 64, events: 1 },
    told: ['rate', 'cpuPerConnection', 'first', 'busy'],
  },
  {
    name: 'burst',
    title: 'fan-out: a burst of 200 events to 1,000 clients',
    servers: ALL,
    load: fanout(1_000, 200, 0),
    told: ['rate', 'cpu', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'one per turn',
    title: 'fan-out: 100 events to 1,000 clients, one in each turn of the event loop',
    servers: ALL,
    load: fanout(1_000, 100, -1),
    told: ['rate', 'cpu', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'paced',
    title: 'fan-out: 10 events a second to 1,000 clients',
    servers: ALL,
    load: fanout(1_000, 20, 10),
    told: ['cpu', 'p50', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'slow readers',
    title: 'fan-out: 200 events of 1,000 bytes to 1,000 clients, ten of which read nothing',
    servers: ALL,
    load: { ...fanout(1_000, 200, 0, 1_000), silent: 10 },
    fresh: true,
    told: ['rate', 'cpu', 'p99', 'growth', 'wrong', 'busy'],
  },
  {
    name: 'ten thousand',
    title: 'fan-out: 10 events to 10,000 clients, one a second',
    servers: ['node', 'okapi'],
    load: fanout(10_000, 10, 1),
    fresh: true,
    told: ['cpu', 'p50', 'p99', 'wrong', 'busy'],
  },
  {
    name: 'idle',
    title: '5,000 connections that only listen',
    servers: ALL,
    load: { mode: 'idle', connections: 5_000, path: '/live', publish: '/mem' },
    fresh: true,
    told: ['memory'],
  },
  {
    name: 'JSON',
    title: 'JSON, 50 connections',
    base: 'fastify',
    servers: ['fastify', 'okapi', 'node', 'nest', 'hono'],
    load: { mode: 'requests', path: '/json', connections: 50, count: 1_000 },
    told: ['rate', 'cpu', 'busy'],
  },
  {
    name: 'POST',
    title: 'a POST with a nested DTO, validated, 50 connections',
    base: 'nest',
    servers: ['nest', 'okapi', 'fastify-validator', 'fastify'],
    load: { mode: 'requests', path: '/orders', body: JSON.stringify(order), connections: 50, count: 1_000 },
    told: ['rate', 'cpu', 'busy'],
  },
]
