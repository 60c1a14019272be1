import { Queue } from '../sse/queue.js'

/**
 * Shares each turn of the event loop among the topics that have something new to tell, so that thousands of subscribers
 * do not keep ordinary requests waiting.
 */

/** How long all rounds together may take in one turn of the event loop, in milliseconds. */
const BUDGET = 8

/** Tells the subscribers of one topic. */
export interface Round {
  /**
   * Goes on. It never throws.
   *
   * @param deadline when to stop, on the clock of `performance.now()`
   * @returns whether everybody was told
   */
  go(deadline: number): boolean
}

const rounds = new Queue<Round>()
let left = BUDGET
let armed = false
let counting = false

/** Begins a round when the code that runs now is done, or behind those that have begun. */
export function begin(round: Round): void {
  rounds.push(round)
  arm()
}

function arm(): void {
  if (armed) return
  armed = true
  process.nextTick(run)
}

function run(): void {
  armed = false
  if (!counting) {
    counting = true
    setImmediate(turn)
  }
  const start = performance.now()
  const deadline = start + left
  while (rounds.size > 0 && performance.now() < deadline) {
    const round = rounds.take() as Round
    if (!round.go(deadline)) rounds.push(round)
  }
  left -= performance.now() - start
}

function turn(): void {
  counting = false
  left = BUDGET
  if (rounds.size > 0) run()
}
