import { EventFieldError } from 'okapi/sse'

/** What the maker makes, or nothing if it refuses a field; any other error is passed on. */
export function unlessRefused<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof EventFieldError) return undefined
    throw error
  }
}
