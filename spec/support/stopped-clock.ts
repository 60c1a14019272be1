/** The real clocks. */
const clocks = { now: Date.now, passed: performance.now }

/** A clock that stands still, and goes on when a spec says so. */
export interface StoppedClock {
  /** Moves both `Date.now()` and `performance.now()`. */
  pass(milliseconds: number): void
}

/**
 * Stops the clocks of the process, so that nothing depends on how fast it is: whatever is given some time has all of it.
 * Start them again in `afterEach`, by `startClock`.
 */
export function stopClock(): StoppedClock {
  let [date, time] = [clocks.now.call(Date), clocks.passed.call(performance)]
  Date.now = () => date
  performance.now = () => time
  return {
    pass(milliseconds) {
      date += milliseconds
      time += milliseconds
    },
  }
}

/** Lets the clocks go again. */
export function startClock(): void {
  Date.now = clocks.now
  performance.now = clocks.passed
}
