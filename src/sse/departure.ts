/**
 * Lets what the streams of the process have gathered leave together, behind the callbacks of this turn of the event
 * loop: at once, where a source waits for a timer or for the network, and in one go for all whose sources came at the
 * same time. A tick of each stream's own would cost more than all else that is done here for an event.
 */

/** How many streams leave in one turn, so that newcomers get theirs. */
const SLICE = 1_000

/** A stream that has gathered something. */
export interface Departing {
  depart(): void
}

const departing: Departing[] = []

/** Calls `depart()` at the end of this turn, or of the next where there are very many. */
export function departSoon(stream: Departing): void {
  if (departing.push(stream) === 1) setImmediate(leave)
}

function leave(): void {
  const streams = departing.splice(0, SLICE)
  if (departing.length > 0) setImmediate(leave)
  for (const stream of streams) {
    try {
      stream.depart()
    } catch (error) {
      // The others leave all the same.
      process.nextTick(raise, error)
    }
  }
}

function raise(error: unknown): never {
  throw error
}
