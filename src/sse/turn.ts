import { Queue } from './queue.js'

/**
 * Shares each turn of the event loop among all fast streams of the process.
 *
 * A source that never waits could keep the loop for itself, and libuv accepts one new connection a turn: bounding the
 * work of each stream would not help a newcomer behind a hundred of them, so the bound is on all together.
 */

/** How many characters all streams together may send in full batches in one turn, and while newcomers come. */
const BUDGET = 131_072
const CROWDED = 16_384

/** How many turns without a newcomer it takes until none is expected. */
const CALM = 16

export interface Waiting {
  /** Goes on; returns whether there was anything to go on with. */
  resume(): boolean
}

const waiting = new Queue<Waiting>()
let spent = 0
let budget = BUDGET
let calm = CALM
let armed = false

/** Counts a full batch; says whether the stream that sent it may go on in this turn. */
export function spend(characters: number): boolean {
  spent += characters
  arm()
  return spent < budget
}

/** Notes that a stream was set up: others may be on the way, and wait for a turn each, so that turns are short for now. */
export function welcome(): void {
  calm = 0
  budget = CROWDED
}

/**
 * Lets a stream go on later, behind those that wait already. One after the other goes on, each as far as the turn has
 * room, and not side by side: what a stream works on stays in the cache of the processor.
 */
export function wait(stream: Waiting): void {
  waiting.push(stream)
  arm()
}

function arm(): void {
  if (armed) return
  armed = true
  setImmediate(turn)
}

function turn(): void {
  armed = false
  spent = 0
  if (calm < CALM && ++calm === CALM) budget = BUDGET
  next()
}

function next(): void {
  if (waiting.size === 0) return
  if (spent >= budget) {
    arm()
    return
  }
  while (waiting.take()?.resume() === false);
  settled.then(nextLater)
}

// A promise and not `queueMicrotask()`, which makes a resource of the asynchronous hooks for every call.
const settled = Promise.resolve()

/** The tick comes when the queue of promises is empty: when the stream waits for something, or has to wait again. */
function nextLater(): void {
  process.nextTick(next)
}
